"""The alert rules of design section 11, as a table: each looks at a snapshot and names what is wrong in it.

Where a part could not be read, nothing found is not the same as nothing wrong: what fires goes on firing.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

from devsync.domain.breaker import State
from devsync.domain.changelog.texts import one_line
from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.bands import Band, findings, missing, unremarkable
from devsync.domain.health.causes import Follows, causes_of
from devsync.domain.health.counted import Counted
from devsync.domain.health.naming import EDITIONS, OTHERS, RuleName, key_of
from devsync.domain.health.snapshot import DATABASE, EditionRun, ServiceWindow, Snapshot
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.instants import in_utc
from devsync.domain.model import Model

SUBJECTS_AT_MOST = 200
"""Alerts of one rule at once; what lies beyond is one alert that counts them."""
KINDS_SHOWN = 3
LONGEST_SENTENCE = 300
"""The book holds hundreds, and crosses continue-as-new."""


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= LONGEST_SENTENCE else f"{line[: LONGEST_SENTENCE - 1]}…"


Sentence = Annotated[str, AfterValidator(_short)]
"""One line for people, however long and broken what others wrote into it."""


class Problem(Model):
    """One thing that is wrong now. Alike ones have the same key, tick after tick."""

    rule: RuleName
    subject: str
    """The service, team or edition; what the key is made of."""
    level: ErrorSeverity
    summary: Sentence
    """What is wrong; not escaped: each channel escapes it in its own way."""
    details: tuple[Sentence, ...] = ()
    count: Annotated[int, Field(ge=1)] = 1
    """How many stand behind it; of what it was counted, `counted` tells."""
    counted: Counted | None = None
    """None: nothing was counted."""
    aspect: str = ""
    """What of the subject is wrong, where that may become something else: it is the same problem then, and people see
    what has become of it."""
    team: str = ""
    """Whose it is; empty: of none, or of many."""
    said_by: tuple[str, ...] = ()
    """Keys of alerts that say the same, all of them together; empty: no other does."""
    follows_from: tuple[Follows, ...] = ()
    """Alerts of its cause: any of them tells it, where it lasted long enough."""
    is_recovering: bool = False
    """It gets better by itself, or will be found not to: nobody is reminded meanwhile."""

    @property
    def key(self) -> str:
        return key_of(self.rule, self.subject)


class Verdict(Model):
    """What one rule found."""

    rule: RuleName
    problems: tuple[Problem, ...] = ()
    is_known: bool = True
    """False where a part of what it goes by could not be read: the rest may be wrong, and nothing of it is over."""


_Found = Iterable[Problem]
_Looks = Callable[[Snapshot, Thresholds], _Found]


def verdicts(snapshot: Snapshot, thresholds: Thresholds) -> tuple[Verdict, ...]:
    """Of every rule, in the order of the table."""
    return tuple(
        Verdict(
            rule=rule.name,
            problems=_bounded(tuple(rule.looks(snapshot, thresholds))),
            is_known=rule.can_see(snapshot),
        )
        for rule in RULES
    )


def _error_rate(snapshot: Snapshot, thresholds: Thresholds) -> _Found:
    return [
        Problem(
            rule=RuleName.ERROR_RATE,
            subject=one.service,
            level=ErrorSeverity.HIGH,
            summary=f"{one.service}: {one.error_rate:.1f} % of {one.attempts} attempts failed,"
            f" more than {thresholds.error_rate_percentage:g} %",
            details=_kinds(one),
            count=one.failures,
            counted=Counted(over=snapshot.window, of=one.attempts),
            follows_from=causes_of(one, thresholds),
        )
        for one in snapshot.services or ()
        if one.failures > unremarkable(one.attempts, thresholds)
    ]


def _kinds(window: ServiceWindow) -> tuple[str, ...]:
    """However many errors there are, a line for each of the few kinds that most of them are of."""
    ordered = sorted(window.kinds, key=lambda kind: (-kind.count, kind.fingerprint))
    if not ordered:
        return ()
    shown = (f"{kind.count} × {kind.message} [{kind.fingerprint}]" for kind in ordered[:KINDS_SHOWN])
    return (f"{window.errors:,} {'error' if window.errors == 1 else 'errors'} on record, most of them:", *shown)


def _generation_time(snapshot: Snapshot, thresholds: Thresholds) -> _Found:
    limit = thresholds.generation_time_seconds
    return _of_runs(snapshot, RuleName.GENERATION_TIME, ErrorSeverity.MEDIUM, limit, lambda run: run.seconds, "s")


def _memory(snapshot: Snapshot, thresholds: Thresholds) -> _Found:
    limit = thresholds.memory_usage_mb
    return _of_runs(snapshot, RuleName.MEMORY, ErrorSeverity.HIGH, limit, lambda run: run.peak_memory_mb, "MB")


def _of_runs(
    snapshot: Snapshot,
    rule: RuleName,
    level: ErrorSeverity,
    limit: float,
    measured: Callable[[EditionRun], float | None],
    unit: str,
) -> _Found:
    """All editions that took too much are one problem: they run on the same workers."""
    known = [(value, run) for run in snapshot.editions or () if (value := measured(run)) is not None]
    over = sorted((pair for pair in known if pair[0] > limit), key=lambda pair: (-pair[0], pair[1].team))
    if not over:
        return []
    worst, run = over[0]
    return [
        Problem(
            rule=rule,
            subject=EDITIONS,
            level=level,
            summary=f"the edition of {run.team} {run.iso_week} took {worst:.0f} {unit}, more than {limit:g} {unit}",
            details=tuple(f"{run.team} {run.iso_week}: {value:.0f} {unit}" for value, run in over[:KINDS_SHOWN]),
            count=len(over),
            counted=Counted(over=snapshot.window, of=len(known), edition=f"{run.team}:{run.iso_week}"),
        )
    ]


def _response_time(snapshot: Snapshot, thresholds: Thresholds) -> _Found:
    limit = thresholds.api_response_time_seconds
    return [
        Problem(
            rule=RuleName.RESPONSE_TIME,
            subject=one.service,
            level=ErrorSeverity.MEDIUM,
            summary=f"{one.service}: one of 20 API calls took {one.seconds_p95:.1f} s or longer, more than {limit:g} s",
            counted=Counted(over=snapshot.window, of=one.api_calls),
        )
        for one in snapshot.services or ()
        if one.seconds_p95 is not None and one.seconds_p95 > limit
    ]


def _breaker_open(snapshot: Snapshot, _: Thresholds) -> _Found:
    """One problem from open until closed: half-open it may open again, and nobody wants to hear of each turn."""
    for one in snapshot.breakers or ():
        if one.state is State.CLOSED:
            continue
        is_half_open = one.state is State.HALF_OPEN
        follows = "probes decide" if is_half_open else "no calls go out"
        yield Problem(
            rule=RuleName.BREAKER_OPEN,
            subject=one.service,
            level=ErrorSeverity.MEDIUM if is_half_open else ErrorSeverity.CRITICAL,
            summary=f"{one.service}: its breaker is {one.label.replace('_', ' ')}, {follows}",
            details=(f"{one.reason} ({one.actor})",) if one.reason else (),
            is_recovering=is_half_open,
        )


_LEVELS = {
    Band.DEGRADED: ErrorSeverity.MEDIUM,
    Band.UNHEALTHY: ErrorSeverity.HIGH,
    Band.CRITICAL: ErrorSeverity.CRITICAL,
}


def _health(snapshot: Snapshot, thresholds: Thresholds) -> _Found:
    """A problem for each reason: those that other alerts say are left to them. What is unknown is told by `blind`."""
    found = findings(snapshot, thresholds)
    bad = [one for one in found if one.band in _LEVELS]
    return [
        Problem(
            rule=RuleName.HEALTH,
            subject="overall",
            level=_LEVELS[one.band],
            summary=f"the system is {one.band.value}: {one.reason}",
            details=tuple(other.reason for other in found if other is not one),
            count=one.failures or 1,
            counted=Counted(over=snapshot.window, of=one.attempts) if one.attempts else None,
            said_by=one.said_by,
        )
        for one in bad
    ]


def _edition_missing(snapshot: Snapshot, _: Thresholds) -> _Found:
    """The dead man's switch: nobody reports an edition that never began, so that its absence must."""
    return [
        Problem(
            rule=RuleName.EDITION_MISSING,
            subject=one.key,
            team=one.team,
            level=ErrorSeverity.CRITICAL,
            summary=f"the edition of {one.team} for {one.iso_week} was not delivered by {in_utc(one.deadline)}",
        )
        for one in missing(snapshot.due or (), snapshot.window.end)
    ]


def _optimisation(snapshot: Snapshot, _: Thresholds) -> _Found:
    return [
        Problem(
            rule=RuleName.OPTIMISATION,
            subject=one.key,
            level=ErrorSeverity.LOW,
            summary=one.title,
            details=(one.why, f"{one.change.file}: {one.change.path}: {one.change.proposed}"),
        )
        for one in snapshot.recommendations or ()
    ]


def _blind(snapshot: Snapshot, _: Thresholds) -> _Found:
    """A database that takes nothing may be away next, and come back as it was: one problem, over when both are."""
    wrong = {DATABASE: ("unwritten", f"nothing is written down: {snapshot.unwritten}")} if snapshot.unwritten else {}
    wrong |= {who: ("unread", f"the monitor cannot see: {why}") for who, why in snapshot.unread.items()}
    wrong |= {
        f"{team}.yaml": ("left_out", f"the team {team} has no editions, and nobody would miss them: {why}")
        for team, why in snapshot.left_out.items()
    }
    return [
        Problem(rule=RuleName.BLIND, subject=who, aspect=aspect, level=ErrorSeverity.HIGH, summary=summary)
        for who, (aspect, summary) in wrong.items()
    ]


class Rule(NamedTuple):
    name: RuleName
    looks: _Looks
    can_see: Callable[[Snapshot], bool]
    """Whether all that it goes by could be read."""


# Health comes after what it may repeat.
RULES: tuple[Rule, ...] = (
    Rule(RuleName.EDITION_MISSING, _edition_missing, lambda seen: seen.due is not None),
    Rule(RuleName.BREAKER_OPEN, _breaker_open, lambda seen: seen.breakers is not None),
    Rule(RuleName.BLIND, _blind, lambda _: True),
    Rule(RuleName.ERROR_RATE, _error_rate, lambda seen: seen.services is not None),
    Rule(RuleName.MEMORY, _memory, lambda seen: seen.editions is not None),
    Rule(RuleName.GENERATION_TIME, _generation_time, lambda seen: seen.editions is not None),
    Rule(RuleName.RESPONSE_TIME, _response_time, lambda seen: seen.services is not None),
    Rule(RuleName.HEALTH, _health, lambda seen: not (seen.unreadable or seen.unread)),
    Rule(RuleName.OPTIMISATION, _optimisation, lambda seen: seen.recommendations is not None),
)


def _bounded(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    kept, rest = problems[:SUBJECTS_AT_MOST], problems[SUBJECTS_AT_MOST:]
    if not rest:
        return tuple(kept)
    others = Problem(
        rule=rest[0].rule,
        subject=OTHERS,
        level=max((one.level for one in rest), key=lambda level: level.rank),
        summary=f"{len(rest)} more of {rest[0].rule.value.replace('_', ' ')}",
        count=len(rest),
    )
    return (*kept, others)
