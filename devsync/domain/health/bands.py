"""How healthy each service and the whole is, with the reasons, by design section 11.

Percentages count from three failures on: a weekly job has few calls, and one of two that fails is no 50 %.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from devsync.domain.breaker import Standing, State
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


class ServiceHealth(Model):
    service: str
    band: Band
    reasons: tuple[str, ...]
    """The worst first; one that says why it is healthy where it is."""
    calls: int = 0
    failures: int = 0
    breaker: State | None = None
    """None: it has none."""


class Health(Model):
    at: datetime
    band: Band
    reasons: tuple[str, ...]
    services: tuple[ServiceHealth, ...]
    """In order of names."""
    machine: Machine = Machine()


def assess(snapshot: Snapshot, thresholds: Thresholds) -> Health:
    """The band of each service that was called or has a breaker, and of the whole."""
    services = _services(snapshot, thresholds)
    found = [
        *_of_all_calls(snapshot.services or (), thresholds),
        *_of_services(services),
        *_of_breakers(snapshot.breakers or ()),
        *_of_runs(snapshot, thresholds),
        *_of_missing(snapshot, thresholds),
        *(Finding(band=Band.UNKNOWN, reason=why) for why in snapshot.unread.values()),
        *(Finding(band=Band.UNKNOWN, reason=f"{part} could not be read") for part in snapshot.unreadable),
    ]
    band, reasons = _worst(found, otherwise="everything is within its thresholds")
    return Health(
        at=snapshot.window.end, band=band, reasons=reasons, services=services, machine=snapshot.machine
    )  # fmt: skip


def rate_band(failures: int, calls: int, thresholds: Thresholds) -> Band:
    """Of that many failures among that many calls."""
    if failures < thresholds.fewest_failures or not calls:
        return Band.HEALTHY
    rate = 100 * failures / calls
    if rate > thresholds.unhealthy_error_rate_percentage:
        return Band.UNHEALTHY
    return Band.DEGRADED if rate >= thresholds.error_rate_percentage else Band.HEALTHY


def missing(due: Iterable[DueEdition], now: datetime) -> list[DueEdition]:
    """Those whose deadline has passed, that are not there and that nobody called off; the oldest first."""
    late = [one for one in due if one.delivered_at is None and not one.called_off and one.deadline < now]
    return sorted(late, key=lambda one: (one.deadline, one.team))


def _services(snapshot: Snapshot, thresholds: Thresholds) -> tuple[ServiceHealth, ...]:
    windows = {one.service: one for one in snapshot.services or ()}
    breakers = {one.service: one for one in snapshot.breakers or ()}
    return tuple(
        _service(name, windows.get(name), breakers.get(name), thresholds, is_known=snapshot.services is not None)
        for name in sorted(windows.keys() | breakers.keys())
    )


def _service(
    name: str, window: ServiceWindow | None, breaker: Standing | None, thresholds: Thresholds, *, is_known: bool
) -> ServiceHealth:
    found = [] if is_known else [Finding(band=Band.UNKNOWN, reason="its calls could not be read")]
    if breaker is not None and breaker.state is not State.CLOSED:
        band = Band.UNHEALTHY if breaker.state is State.OPEN else Band.DEGRADED
        found.append(
            Finding(
                band=band,
                reason=f"its breaker is {breaker.label.replace('_', ' ')}: {breaker.reason or 'no reason given'}",
            )
        )
    if window is not None:
        band = rate_band(window.failures, window.calls, thresholds)
        found += [Finding(band=band, reason=_told(window))] if band is not Band.HEALTHY else []
        if window.seconds_p95 is not None and window.seconds_p95 > thresholds.api_response_time_seconds:
            reason = f"19 of 20 calls take up to {window.seconds_p95:.1f} s"
            found.append(Finding(band=Band.DEGRADED, reason=reason))
    calls = window.calls if window else 0
    band, reasons = _worst(found, otherwise=_told(window) if window and calls else "nothing was called")
    return ServiceHealth(
        service=name,
        band=band,
        reasons=reasons,
        calls=calls,
        failures=window.failures if window else 0,
        breaker=breaker.state if breaker else None,
    )


def _told(window: ServiceWindow) -> str:
    return f"{window.failures} of {window.calls} calls failed"


def _of_all_calls(services: Sequence[ServiceWindow], thresholds: Thresholds) -> Iterable[Finding]:
    failures, calls = sum(one.failures for one in services), sum(one.calls for one in services)
    band = rate_band(failures, calls, thresholds)
    if band is not Band.HEALTHY:
        yield Finding(band=band, reason=f"{failures} of all {calls} calls failed")


def _of_services(services: Sequence[ServiceHealth]) -> Iterable[Finding]:
    ill = [one for one in services if one.band is Band.UNHEALTHY]
    called = [one for one in services if one.calls or one.band is Band.UNHEALTHY]
    if len(ill) >= SEVERAL and len(ill) == len(called):
        yield Finding(band=Band.CRITICAL, reason=f"every service that was called is unhealthy: {_named(ill)}")
    elif len(ill) >= SEVERAL:
        yield Finding(band=Band.UNHEALTHY, reason=f"several services are unhealthy: {_named(ill)}")
    for one in services:
        if one.band in {Band.DEGRADED, Band.UNHEALTHY}:
            yield Finding(band=Band.DEGRADED, reason=f"{one.service} is {one.band.value}: {one.reasons[0]}")


def _of_breakers(breakers: Sequence[Standing]) -> Iterable[Finding]:
    opened = sorted(one.service for one in breakers if one.state is State.OPEN)
    if len(opened) >= SEVERAL:
        yield Finding(band=Band.CRITICAL, reason=f"{len(opened)} breakers are open: {', '.join(opened)}")


def _of_runs(snapshot: Snapshot, thresholds: Thresholds) -> Iterable[Finding]:
    runs = snapshot.editions or ()
    slow = max((one.seconds or 0 for one in runs), default=0)
    if slow > thresholds.generation_time_seconds:
        yield Finding(band=Band.DEGRADED, reason=f"an edition took {slow:.0f} s")
    memory = max((one.peak_memory_mb or 0 for one in runs), default=0)
    if memory > thresholds.memory_usage_mb:
        yield Finding(band=Band.DEGRADED, reason=f"an edition took {memory:.0f} MB")


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
        yield Finding(band=band, reason=f"not delivered by its deadline: {named}{rest}")


def _worst(found: Sequence[Finding], otherwise: str) -> tuple[Band, tuple[str, ...]]:
    ordered = sorted(found, key=lambda one: -one.band.rank)
    if not ordered:
        return Band.HEALTHY, (otherwise,)
    return ordered[0].band, tuple(one.reason for one in ordered)


def _named(services: Sequence[ServiceHealth]) -> str:
    return ", ".join(one.service for one in services)
