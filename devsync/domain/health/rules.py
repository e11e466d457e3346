"""The alert rules of design section 11, as a table: each looks at a snapshot and names what is wrong in it.

A rule returns None where it cannot tell, which is not the same as nothing wrong: what fires goes on firing.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

from devsync.domain.breaker import State
from devsync.domain.changelog.texts import one_line
from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.bands import Band, assess, missing
from devsync.domain.health.snapshot import EditionRun, ServiceWindow, Snapshot
from devsync.domain.health.thresholds import Thresholds
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


class RuleName(StrEnum):
    ERROR_RATE = "error_rate"
    GENERATION_TIME = "generation_time"
    MEMORY = "memory"
    RESPONSE_TIME = "response_time"
    BREAKER_OPEN = "breaker_open"
    HEALTH = "health"
    EDITION_MISSING = "edition_missing"
    OPTIMISATION = "optimisation"
    BLIND = "blind"
    """The monitor cannot see: what is not known is not healthy."""


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
    """How many events stand behind it."""
    team: str = ""
    """Whose it is; empty: of none, or of many."""

    @property
    def key(self) -> str:
        return f"{self.rule.value}:{self.subject}"


class Verdict(Model):
    """What one rule found; `is_known` is False where it could not look."""

    rule: RuleName
    problems: tuple[Problem, ...] = ()
    is_known: bool = True


_Found = Iterable[Problem] | None
_Looks = Callable[[Snapshot, Thresholds], _Found]


def verdicts(snapshot: Snapshot, thresholds: Thresholds) -> tuple[Verdict, ...]:
    """Of every rule, in the order of the table."""
    return tuple(_verdict(rule, rule.looks(snapshot, thresholds)) for rule in RULES)


def _error_rate(snapshot: Snapshot, thresholds: Thresholds) -> _Found:
    if snapshot.services is None:
        return None
    return [
        Problem(
            rule=RuleName.ERROR_RATE,
            subject=one.service,
            level=ErrorSeverity.HIGH,
            summary=f"{one.service}: {one.error_rate:.1f} % of {one.calls} calls failed,"
            f" more than {thresholds.error_rate_percentage:g} %",
            details=_kinds(one),
            count=one.failures,
        )
        for one in snapshot.services
        if one.failures >= thresholds.fewest_failures
        and one.error_rate is not None
        and one.error_rate > thresholds.error_rate_percentage
    ]


def _kinds(window: ServiceWindow) -> tuple[str, ...]:
    """However many errors there are, a line for each of the few kinds that most of them are of."""
    ordered = sorted(window.kinds, key=lambda kind: (-kind.count, kind.fingerprint))
    return tuple(f"{kind.count} × {kind.message} [{kind.fingerprint}]" for kind in ordered[:KINDS_SHOWN])


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
    if snapshot.editions is None:
        return None
    over = sorted(
        ((value, run) for run in snapshot.editions if (value := measured(run)) is not None and value > limit),
        key=lambda pair: (-pair[0], pair[1].team),
    )
    if not over:
        return []
    worst, run = over[0]
    return [
        Problem(
            rule=rule,
            subject="editions",
            level=level,
            summary=f"the edition of {run.team} {run.iso_week} took {worst:.0f} {unit}, more than {limit:g} {unit}",
            details=tuple(f"{run.team} {run.iso_week}: {value:.0f} {unit}" for value, run in over[:KINDS_SHOWN]),
            count=len(over),
        )
    ]


def _response_time(snapshot: Snapshot, thresholds: Thresholds) -> _Found:
    if snapshot.services is None:
        return None
    limit = thresholds.api_response_time_seconds
    return [
        Problem(
            rule=RuleName.RESPONSE_TIME,
            subject=one.service,
            level=ErrorSeverity.MEDIUM,
            summary=f"{one.service}: one of 20 calls took {one.seconds_p95:.1f} s or longer, more than {limit:g} s",
            count=one.calls,
        )
        for one in snapshot.services
        if one.calls and one.seconds_p95 is not None and one.seconds_p95 > limit
    ]


def _breaker_open(snapshot: Snapshot, _: Thresholds) -> _Found:
    if snapshot.breakers is None:
        return None
    return [
        Problem(
            rule=RuleName.BREAKER_OPEN,
            subject=one.service,
            level=ErrorSeverity.CRITICAL,
            summary=f"{one.service}: its breaker is {one.label.replace('_', ' ')}, no calls go out",
            details=(f"{one.reason} ({one.actor})",) if one.reason else (),
        )
        for one in snapshot.breakers
        if one.state is State.OPEN
    ]


_LEVELS = {
    Band.DEGRADED: ErrorSeverity.MEDIUM,
    Band.UNHEALTHY: ErrorSeverity.HIGH,
    Band.CRITICAL: ErrorSeverity.CRITICAL,
}


def _health(snapshot: Snapshot, thresholds: Thresholds) -> _Found:
    health = assess(snapshot, thresholds)
    if health.band is Band.UNKNOWN:
        return None
    if health.band is Band.HEALTHY:
        return []
    return [
        Problem(
            rule=RuleName.HEALTH,
            subject="overall",
            level=_LEVELS[health.band],
            summary=f"the system is {health.band.value}: {health.reasons[0]}",
            details=health.reasons[1:],
        )
    ]


def _edition_missing(snapshot: Snapshot, _: Thresholds) -> _Found:
    """The dead man's switch: nobody reports an edition that never began, so that its absence must."""
    if snapshot.due is None:
        return None
    return [
        Problem(
            rule=RuleName.EDITION_MISSING,
            subject=f"{one.team}:{one.iso_week}",
            team=one.team,
            level=ErrorSeverity.CRITICAL,
            summary=f"the edition of {one.team} for {one.iso_week} was not delivered by"
            f" {one.deadline.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        )
        for one in missing(snapshot.due, snapshot.window.end)
    ]


def _optimisation(snapshot: Snapshot, _: Thresholds) -> _Found:
    if snapshot.recommendations is None:
        return None
    return [
        Problem(
            rule=RuleName.OPTIMISATION,
            subject=one.key,
            level=ErrorSeverity.LOW,
            summary=one.title,
            details=(one.why, f"{one.change.file}: {one.change.path}: {one.change.proposed}"),
        )
        for one in snapshot.recommendations
    ]


def _blind(snapshot: Snapshot, _: Thresholds) -> _Found:
    return [
        Problem(rule=RuleName.BLIND, subject=who, level=ErrorSeverity.HIGH, summary=f"the monitor cannot see: {why}")
        for who, why in snapshot.unread.items()
    ]


class Rule(NamedTuple):
    name: RuleName
    looks: _Looks


RULES: tuple[Rule, ...] = (
    Rule(RuleName.EDITION_MISSING, _edition_missing),
    Rule(RuleName.BREAKER_OPEN, _breaker_open),
    Rule(RuleName.BLIND, _blind),
    Rule(RuleName.ERROR_RATE, _error_rate),
    Rule(RuleName.MEMORY, _memory),
    Rule(RuleName.GENERATION_TIME, _generation_time),
    Rule(RuleName.RESPONSE_TIME, _response_time),
    Rule(RuleName.HEALTH, _health),
    Rule(RuleName.OPTIMISATION, _optimisation),
)


def _verdict(rule: Rule, found: _Found) -> Verdict:
    if found is None:
        return Verdict(rule=rule.name, is_known=False)
    return Verdict(rule=rule.name, problems=_bounded(tuple(found)))


def _bounded(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    kept, rest = problems[:SUBJECTS_AT_MOST], problems[SUBJECTS_AT_MOST:]
    if not rest:
        return tuple(kept)
    others = Problem(
        rule=rest[0].rule,
        subject="others",
        level=max((one.level for one in rest), key=lambda level: level.rank),
        summary=f"{len(rest)} more of {rest[0].rule.value.replace('_', ' ')}",
        count=len(rest),
    )
    return (*kept, others)
