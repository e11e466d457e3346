"""An escalation policy: who is asked, for how long, who is asked next, and what happens when nobody answers."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from devsync.domain.errors import ErrorSeverity
from devsync.domain.escalation.business_time import BusinessHours, after
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision

LONGEST_WAIT: Final = timedelta(days=30)
_SLACK: Final = re.compile(r"[#@][\w.-]{1,80}|[CGDUW][A-Z0-9]{7,}")
_MAIL: Final = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")
_NAMES_SHOWN: Final = 10
Wait = Annotated[timedelta, Field(gt=timedelta(), le=LONGEST_WAIT)]


class Target(Model):
    """Somebody who is asked."""

    kind: str
    """The service that reaches them: `slack`, `email`, `webhook`."""
    target: str
    secret_env: str = ""
    """Of a webhook: the variable that holds its signing secret."""


class Level(Model):
    """Who is asked together, and how long before the next ones are."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=50)]
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    delay: Wait
    """How long they have to answer."""
    repeats: Annotated[int, Field(ge=0, le=20)] = 0
    """How often they are told again, each time for another `delay`, before the next level is."""
    counts_business_time: bool = False
    """Whether only business hours count in `delay`."""


class EscalationPolicy(Model):
    """Everything that an escalation goes by, frozen when it begins."""

    name: str
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    """In order; the last one is asked last."""
    entry: dict[ErrorSeverity, str | None]
    """The level to begin with; None: nobody is told."""
    repeat_window: timedelta = timedelta()
    """The same failure again within this time after it was escalated begins one level higher."""
    acknowledgement_timeout: Wait
    """Whoever has acknowledged has this long to resolve; then the same level is asked again."""
    business_hours: BusinessHours | None = None
    default_decision: Decision
    """Taken where nobody answers at the last level."""
    people: tuple[str, ...] = ()
    """Who may answer. Empty: whoever gives a name."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = self.level_names
        if len(set(names)) < len(names):
            raise ValueError("two levels have the same name")
        for severity, level in self.entry.items():
            if level is not None and level not in names:
                raise ValueError(f"entry.{severity.value}: there is no level {level!r}")
        if self.business_hours is None and any(level.counts_business_time for level in self.levels):
            raise ValueError("a level counts business time, and there are no business_hours")
        return self

    def may_answer(self, person: str) -> bool:
        return is_known(person, self.people)

    @property
    def level_names(self) -> tuple[str, ...]:
        return tuple(level.name for level in self.levels)

    def position(self, name: str) -> int:
        return self.level_names.index(name)

    def level(self, name: str) -> Level:
        return self.levels[self.position(name)]

    def next_level(self, name: str) -> Level | None:
        """None after the last one."""
        following = self.levels[self.position(name) + 1 :]
        return following[0] if following else None

    def known_level(self, word: str) -> str | None:
        """The level that a person means by `Team-Lead` or `team lead`."""
        plain = word.strip().casefold().replace("-", "_").replace(" ", "_")
        return plain if plain in self.level_names else None

    def entry_level(self, severity: ErrorSeverity, *, has_recurred: bool = False) -> str | None:
        """Where an escalation begins. Nobody is told of what tells nobody, however often it recurs."""
        name = self.entry.get(severity)
        if name is None or not has_recurred:
            return name
        higher = self.next_level(name)
        return higher.name if higher else name

    def wait_ends(self, level: str, since: datetime) -> datetime:
        """When those who were told at `since` have had their time."""
        asked = self.level(level)
        if asked.counts_business_time and self.business_hours is not None:
            return after(self.business_hours, since, asked.delay)
        return since + asked.delay


def is_known(person: str, people: Collection[str]) -> bool:
    """Whether somebody of that name is in the list. Where nobody is, everybody is known."""
    return not people or person.casefold() in {one.casefold() for one in people}


def unknown_person(person: str, people: Sequence[str]) -> str:
    """What is wrong with a name that is not in the list."""
    more = ", …" if len(people) > _NAMES_SHOWN else ""
    return f"{person!r} is not of the people in escalation.yaml: {', '.join(people[:_NAMES_SHOWN])}{more}"


def target_of(word: str) -> Target | None:
    """Whom a person means: `#channel`, `@person` or an id in Slack, or a mail address; None where that is nobody."""
    if _SLACK.fullmatch(word):
        return Target(kind="slack", target=word)
    return Target(kind="email", target=word) if _MAIL.fullmatch(word) else None
