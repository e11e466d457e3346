"""What the monitor remembers of its alerts: a value that crosses continue-as-new and restarts."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, NamedTuple

from pydantic import AwareDatetime, Field, PositiveInt

from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.counted import Counted
from devsync.domain.health.naming import RuleName
from devsync.domain.model import Model

PositiveTime = Annotated[timedelta, Field(gt=timedelta())]


class AlertPolicy(Model):
    """When people are told."""

    cool_down: PositiveTime = timedelta(hours=1)
    """What still fires after this time is told again, and what comes back is not told sooner."""
    cool_downs: dict[RuleName, PositiveTime] = {RuleName.OPTIMISATION: timedelta(days=7)}
    """Of the rules that have one of their own."""
    resolve_after: Annotated[timedelta, Field(ge=timedelta())] = timedelta(minutes=2)
    """How long a problem must be over before its alert is resolved."""
    acknowledged_for: PositiveTime = timedelta(hours=24)
    """How long whoever has acknowledged is not reminded."""
    grouped_from: Annotated[int, Field(ge=2)] = 5
    """From this many alerts of one rule at one tick on they are told in one notice: one page for 200 teams, not 200."""
    notices_per_hour: PositiveInt = 30
    """More than these wait, critical alerts aside."""
    looked_back: Annotated[timedelta, Field(ge=timedelta())] = timedelta(hours=1)
    """What rates count over: for this long an alert that is over still stands for what follows from it."""
    is_silent: bool = False
    """Nobody is told; what still fires when this ends is told then."""

    def cool_down_of(self, rule: RuleName) -> timedelta:
        return self.cool_downs.get(rule, self.cool_down)


class AlertState(StrEnum):
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Alert(Model):
    """One problem, from when it began until it was over."""

    id: str
    """Of this time that it fires: what notices and rows are keyed by."""
    key: str
    """Of the problem: the same whenever it comes back."""
    rule: RuleName
    aspect: str = ""
    """What of its subject is wrong."""
    team: str = ""
    """Whose it is; empty: of none, or of many."""
    level: ErrorSeverity
    """Now; `told_level` is the worst that was told."""
    state: AlertState
    summary: str
    details: tuple[str, ...] = ()
    count: int = 1
    counted: Counted | None = None
    """None: nothing was counted, or by an older build."""
    follows: str = ""
    """The key of the alert of its cause, which is told in its place."""
    opened_at: datetime
    seen_at: datetime
    """When it was last wrong."""
    quiet_since: datetime | None = None
    """Since when it is not wrong any more."""
    is_recovering: bool = False
    """Nobody is reminded of it meanwhile."""
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    told_before_at: datetime | None = None
    """When people were last told of the time before; within a cool-down of it only what is worse is told."""
    told_level_before: ErrorSeverity | None = None
    told_at: datetime | None = None
    """When people were last told; None: not yet."""
    told_level: ErrorSeverity | None = None
    times_told: int = 0
    told_in: str = ""
    """The id of the notice that told it first, of many alerts perhaps."""
    is_end_told: bool = False

    @property
    def is_open(self) -> bool:
        return self.state is not AlertState.RESOLVED

    @property
    def clearing_since(self) -> datetime | None:
        """Of one that is open, since when it is not wrong any more: it is resolved soon, unless that comes back."""
        return self.quiet_since if self.is_open else None

    @property
    def owes_its_end(self) -> bool:
        """People were told that it fires, and not yet that it is over."""
        return not self.is_open and self.told_at is not None and not self.is_end_told

    @property
    def standing(self) -> tuple[object, ...]:
        """What makes its row in the records another one; not that it was seen again."""
        seen = self.aspect, self.level, self.follows
        done = self.acknowledged_by, self.times_told, self.is_end_told
        return self.state, *seen, *done

    def later_than(self, now: datetime) -> dict[str, datetime]:
        """Its times that lie in the future, each as now."""
        times = {
            "opened_at": self.opened_at,
            "seen_at": self.seen_at,
            "quiet_since": self.quiet_since,
            "acknowledged_at": self.acknowledged_at,
            "resolved_at": self.resolved_at,
            "told_at": self.told_at,
            "told_before_at": self.told_before_at,
        }
        return {name: now for name, at in times.items() if at is not None and at > now}


class Mute(Model):
    """A maintenance window, or one rule or subject that shall be silent."""

    pattern: Annotated[str, Field(min_length=1, max_length=200)]
    """Of keys, with `*` for anything: `*`, `error_rate:*`, `*:github`, `edition_missing:payments:*`."""
    since: AwareDatetime
    until: AwareDatetime
    by: str
    reason: str = ""

    def holds(self, key: str, now: datetime) -> bool:
        return self.since <= now < self.until and fnmatchcase(key, self.pattern)


class AlertBook(Model):
    alerts: tuple[Alert, ...] = ()
    """The open ones, and those that are over while their cool-down lasts."""
    mutes: tuple[Mute, ...] = ()
    told: tuple[datetime, ...] = ()
    """When notices went out within the last hour."""

    @property
    def open(self) -> tuple[Alert, ...]:
        """The worst first, then the oldest."""
        return tuple(
            sorted((one for one in self.alerts if one.is_open), key=lambda one: (-one.level.rank, one.opened_at))
        )

    def mute_of(self, pattern: str, now: datetime) -> Mute | None:
        """That holds now, and was asked for in just these words: of those the one that ends last."""
        holding = [mute for mute in self.mutes if mute.pattern == pattern and mute.since <= now < mute.until]
        return max(holding, key=lambda mute: mute.until, default=None)

    def is_muted(self, key: str, now: datetime) -> bool:
        return any(mute.holds(key, now) for mute in self.mutes)


class NoticeKind(StrEnum):
    FIRED = "fired"
    WORSE = "worse"
    REMINDED = "reminded"
    RESOLVED = "resolved"


class Notice(Model):
    """One message to the alert channels, about one alert or about many of one rule."""

    id: str
    """The same if the same tick is told twice: what the channels recognise it by."""
    kind: NoticeKind
    rule: RuleName
    level: ErrorSeverity
    """The worst of its alerts."""
    summary: str
    alerts: tuple[Alert, ...]


def stamp(instant: datetime) -> str:
    """As ids have it."""
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}"


class Round(NamedTuple):
    """What followed: the book to keep, the notices to send, the alerts whose rows are to be written."""

    book: AlertBook
    notices: tuple[Notice, ...] = ()
    changed: tuple[Alert, ...] = ()
