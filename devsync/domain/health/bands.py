"""How healthy each service and the whole is, with the reasons, by design section 11.

Percentages count from three failures on: a weekly job has few calls, and one of two that fails is no 50 %.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import AliasChoices, Field

from devsync.domain.breaker import Standing, State
from devsync.domain.health.naming import EDITIONS, RuleName, key_of
from devsync.domain.health.snapshot import DueEdition, Machine, ServiceWindow, Snapshot
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.model import Model

SEVERAL = 2
"""Unhealthy services, or open breakers, that make the whole worse than its parts."""


class Band(StrEnum):
    HEALTHY = "healthy"
    UNKNOWN = "unknown"
    """What was read is healthy, and something could not be read."""
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for `healthy` to 4 for `critical`."""
        return list(Band).index(self)


class Finding(Model):
    """One reason, and the band that it would give by itself."""

    band: Band
    reason: str
    said_by: tuple[str, ...] = ()
    """Keys of the alerts that say the same, all of them together; empty: no other does."""
    failures: int = 0
    attempts: int = 0
    """Where it is about all attempts: how many there were, and how many failed; 0: it is about something else."""


class ServiceHealth(Model):
    service: str
    band: Band
    reasons: tuple[str, ...]
    """The worst first; one that says why it is healthy where it is."""
    attempts: int = Field(default=0, validation_alias=AliasChoices("attempts", "calls"))
    """Of activities, those that ended. (Histories of older builds say `calls`.)"""
    failures: int = 0
    breaker: State | None = None
    """None: it has none."""


class _Service(NamedTuple):
    health: ServiceHealth
    said_by: tuple[str, ...]
    """Keys of the alerts that say all that is wrong with it."""


class Health(Model):
    at: datetime
    band: Band
    reasons: tuple[str, ...]
    services: tuple[ServiceHealth, ...]
    """In order of names."""
    machine: Machine = Machine()


def assess(snapshot: Snapshot, thresholds: Thresholds) -> Health:
    """The band of each service that was called or has a breaker, and of the whole."""
    services = tuple(one.health for one in _services(snapshot, thresholds))
    band, reasons = _worst(findings(snapshot, thresholds), otherwise="everything is within its thresholds")
    return Health(
        at=snapshot.window.end, band=band, reasons=reasons, services=services, machine=snapshot.machine
    )  # fmt: skip


def findings(snapshot: Snapshot, thresholds: Thresholds) -> tuple[Finding, ...]:
    """What the band of the whole rests on, the worst first; nothing where it is healthy."""
    found = [
        *_of_all_attempts(snapshot.services or (), thresholds),
        *_of_services(_services(snapshot, thresholds)),
        *_of_breakers(snapshot.breakers or ()),
        *_of_runs(snapshot, thresholds),
        *_of_missing(snapshot, thresholds),
        *(Finding(band=Band.UNKNOWN, reason=why) for why in snapshot.unread.values()),
        *(Finding(band=Band.UNKNOWN, reason=f"{part} could not be read") for part in snapshot.unreadable),
    ]
    return tuple(sorted(found, key=lambda one: -one.band.rank))


def rate_band(failures: int, calls: int, thresholds: Thresholds) -> Band:
    """Of that many failures among that many calls."""
    if failures < thresholds.fewest_failures or not calls:
        return Band.HEALTHY
    rate = 100 * failures / calls
    if rate > thresholds.unhealthy_error_rate_percentage:
        return Band.UNHEALTHY
    return Band.DEGRADED if rate >= thresholds.error_rate_percentage else Band.HEALTHY


def unremarkable(calls: int, thresholds: Thresholds) -> int:
    """How many of so many may fail without being an error rate."""
    return max(thresholds.fewest_failures - 1, int(calls * thresholds.error_rate_percentage / 100))


def missing(due: Iterable[DueEdition], now: datetime) -> list[DueEdition]:
    """Those whose deadline has passed, that are not there and that nobody called off; the oldest first."""
    late = [one for one in due if one.delivered_at is None and not one.called_off and one.deadline < now]
    return sorted(late, key=lambda one: (one.deadline, one.team))


def _services(snapshot: Snapshot, thresholds: Thresholds) -> tuple[_Service, ...]:
    windows = {one.service: one for one in snapshot.services or ()}
    breakers = {one.service: one for one in snapshot.breakers or ()}
    return tuple(
        _service(name, windows.get(name), breakers.get(name), thresholds, is_known=snapshot.services is not None)
        for name in sorted(windows.keys() | breakers.keys())
    )


def _service(
    name: str, window: ServiceWindow | None, breaker: Standing | None, thresholds: Thresholds, *, is_known: bool
) -> _Service:
    found = [] if is_known else [Finding(band=Band.UNKNOWN, reason="its calls could not be read")]
    if breaker is not None and breaker.state is not State.CLOSED:
        found.append(_of_breaker(name, breaker))
    if window is not None and not window.has_healed:
        found += _of_calls(name, window, thresholds)
    attempts = window.attempts if window else 0
    band, reasons = _worst(found, otherwise=_well(window, thresholds) if window and attempts else "nothing was called")
    health = ServiceHealth(
        service=name,
        band=band,
        reasons=reasons,
        attempts=attempts,
        failures=window.failures if window else 0,
        breaker=breaker.state if breaker else None,
    )
    return _Service(health, tuple(key for one in found for key in one.said_by))


def _of_breaker(service: str, breaker: Standing) -> Finding:
    """What one says that is not closed."""
    return Finding(
        band=Band.UNHEALTHY if breaker.state is State.OPEN else Band.DEGRADED,
        reason=f"its breaker is {breaker.label.replace('_', ' ')}: {breaker.reason or 'no reason given'}",
        said_by=(key_of(RuleName.BREAKER_OPEN, service),),
    )


def _of_calls(service: str, window: ServiceWindow, thresholds: Thresholds) -> Iterator[Finding]:
    """Too many that failed, and answers that take too long."""
    band = rate_band(window.failures, window.attempts, thresholds)
    if band is not Band.HEALTHY:
        yield Finding(band=band, reason=_told(window), said_by=(key_of(RuleName.ERROR_RATE, service),))
    if window.seconds_p95 is not None and window.seconds_p95 > thresholds.api_response_time_seconds:
        yield Finding(
            band=Band.DEGRADED,
            reason=f"19 of 20 API calls take up to {window.seconds_p95:.1f} s",
            said_by=(key_of(RuleName.RESPONSE_TIME, service),),
        )


def _told(window: ServiceWindow) -> str:
    told = f"{window.failures} of {window.attempts} attempts failed"
    return f"{told}, and it has healed" if window.has_healed else told


def _well(window: ServiceWindow, thresholds: Thresholds) -> str:
    """Of a healthy service; a rate that would count, had there been more failures, is explained."""
    is_high = 100 * window.failures >= thresholds.error_rate_percentage * window.attempts
    is_explained = window.has_healed or not is_high
    return _told(window) if is_explained else f"{_told(window)}, too few to judge by"


def _of_all_attempts(services: Sequence[ServiceWindow], thresholds: Thresholds) -> Iterable[Finding]:
    counted = [one for one in services if not one.has_healed]
    failures, attempts = sum(one.failures for one in counted), sum(one.attempts for one in counted)
    band = rate_band(failures, attempts, thresholds)
    if band is Band.HEALTHY:
        return
    ill = [one for one in counted if rate_band(one.failures, one.attempts, thresholds) is not Band.HEALTHY]
    others_failures = failures - sum(one.failures for one in ill)
    others_attempts = attempts - sum(one.attempts for one in ill)
    is_of_these = rate_band(others_failures, others_attempts, thresholds) is Band.HEALTHY
    said_by = tuple(key_of(RuleName.ERROR_RATE, one.service) for one in ill) if is_of_these else ()
    among = f"all {attempts}" if len(counted) == len(services) else f"the {attempts} other"
    reason = f"{failures} of {among} attempts failed"
    yield Finding(band=band, reason=reason, said_by=said_by, failures=failures, attempts=attempts)


def _of_services(found: Sequence[_Service]) -> Iterable[Finding]:
    services = [one.health for one in found]
    ill = [one for one in services if one.band is Band.UNHEALTHY]
    said = tuple(key for one, said_by in found if one.band is Band.UNHEALTHY for key in said_by)
    called = [one for one in services if one.attempts or one.band is Band.UNHEALTHY]
    if len(ill) >= SEVERAL and len(ill) == len(called):
        reason = f"every service that was called is unhealthy: {_named(ill)}"
        yield Finding(band=Band.CRITICAL, reason=reason, said_by=said)
    elif len(ill) >= SEVERAL:
        yield Finding(band=Band.UNHEALTHY, reason=f"several services are unhealthy: {_named(ill)}", said_by=said)
    for one, said_by in found:
        if one.band in {Band.DEGRADED, Band.UNHEALTHY}:
            reason = f"{one.service} is {one.band.value}: {one.reasons[0]}"
            yield Finding(band=Band.DEGRADED, reason=reason, said_by=said_by)


def _of_breakers(breakers: Sequence[Standing]) -> Iterable[Finding]:
    opened = sorted(one.service for one in breakers if one.state is State.OPEN)
    if len(opened) >= SEVERAL:
        said_by = tuple(key_of(RuleName.BREAKER_OPEN, service) for service in opened)
        reason = f"{len(opened)} breakers are open: {', '.join(opened)}"
        yield Finding(band=Band.CRITICAL, reason=reason, said_by=said_by)


def _of_runs(snapshot: Snapshot, thresholds: Thresholds) -> Iterable[Finding]:
    runs = snapshot.editions or ()
    slow = max((one.seconds or 0 for one in runs), default=0)
    if slow > thresholds.generation_time_seconds:
        said_by = (key_of(RuleName.GENERATION_TIME, EDITIONS),)
        yield Finding(band=Band.DEGRADED, reason=f"an edition took {slow:.0f} s", said_by=said_by)
    memory = max((one.peak_memory_mb or 0 for one in runs), default=0)
    if memory > thresholds.memory_usage_mb:
        said_by = (key_of(RuleName.MEMORY, EDITIONS),)
        yield Finding(band=Band.DEGRADED, reason=f"an edition took {memory:.0f} MB", said_by=said_by)


def _of_missing(snapshot: Snapshot, thresholds: Thresholds) -> Iterable[Finding]:
    """Many that are missing are as bad as many calls that fail; where nobody has theirs, the whole has failed."""
    due = [one for one in snapshot.due or () if not one.called_off and one.deadline < snapshot.window.end]
    late = missing(due, snapshot.window.end)
    if late:
        is_whole = len(late) == len(due) >= thresholds.fewest_failures
        of_rate = Band.CRITICAL if is_whole else rate_band(len(late), len(due), thresholds)
        band = max(Band.DEGRADED, of_rate, key=lambda band: band.rank)
        named = ", ".join(f"{one.team} {one.iso_week}" for one in late[:3])
        rest = f" and {len(late) - 3} more" if len(late) > 3 else ""
        said_by = tuple(key_of(RuleName.EDITION_MISSING, one.key) for one in late[:3])
        yield Finding(band=band, reason=f"not delivered by its deadline: {named}{rest}", said_by=said_by)


def _worst(found: Iterable[Finding], otherwise: str) -> tuple[Band, tuple[str, ...]]:
    ordered = sorted(found, key=lambda one: -one.band.rank)
    if not ordered:
        return Band.HEALTHY, (otherwise,)
    return ordered[0].band, tuple(one.reason for one in ordered)


def _named(services: Sequence[ServiceHealth]) -> str:
    return ", ".join(one.service for one in services)
