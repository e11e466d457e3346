"""The numbers at the top of the overview: each with its limit, and the word that says where it is crossed.

A team has one edition a week: where nothing was measured within the window of health, the last day or hour that was is
told, with its date.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from dashboard.charts import quantity
from dashboard.history import History
from dashboard.picture import Picture
from dashboard.templating import ago, lasting, took
from devsync.contracts.edition import EditionStatus
from devsync.domain.breaker import State
from devsync.domain.health.bands import Band, missing, rate_band
from devsync.domain.spelling import service_name
from devsync.rendering.wording import counted, listed


class Tile(NamedTuple):
    title: str
    value: str
    hint: str
    is_over: bool = False
    """Its limit is crossed."""


def overview_tiles(picture: Picture, seen: History | None) -> Iterator[Tile]:
    yield _editions(picture)
    yield _error_rate(picture)
    yield _generation_time(picture, seen)
    yield _answers(picture, seen)
    yield _memory(picture, seen)
    yield _breakers(picture)
    yield _people(picture)
    yield _database(picture)


def _editions(picture: Picture) -> Tile:
    title = f"Editions of {listed(picture.weeks_told)}"
    if picture.lines is None:
        return Tile(title, "?", "could not be read")
    late = len(missing(picture.outstanding, picture.taken_at))
    there = {line.team for line in picture.lines}
    made = {one.team for one in picture.being_made if not one.is_amendment} - there
    wanted = len(there | made | {one.team for one in picture.outstanding})
    if not wanted:
        return Tile(title, "none", "none is on record or due")
    others = Counter(line.status for line in picture.lines if line.status is not EditionStatus.COMPLETE)
    troubles = [f"{number} {status.value}" for status, number in sorted(others.items())]
    troubles += [f"{late} past the deadline"] if late else []
    complete = "all complete" if len(there) == wanted else "none is partial or late"
    hints = [", ".join(troubles) or complete, *_completed(picture, of_others=EditionStatus.PARTIAL in others)]
    hints += [f"{len(made)} being made"] if made else []
    return Tile(title, f"{len(there)} of {wanted}", "; ".join(hints), late > 0)


def _completed(picture: Picture, *, of_others: bool) -> Iterator[str]:
    """Those that went out partial: that is over, and people have read them so. `of_others`: than those named before."""
    times = [line.completed_at for line in picture.lines or () if line.completed_at is not None]
    if times:
        last = ago(picture.taken_at - max(times))
        number = counted(len(times), "other") if of_others else str(len(times))
        yield f"{number} went out partial, {'' if len(times) == 1 else 'the last '}completed {last}"


def _error_rate(picture: Picture) -> Tile:
    title = f"Errors, last {lasting(picture.snapshot.window.length)}"
    if picture.snapshot.services is None:
        return Tile(title, "?", "could not be read")
    attempts = sum(one.attempts for one in picture.snapshot.services)
    failures = sum(one.failures for one in picture.snapshot.services)
    limits = picture.thresholds
    failed_at = [one.failed_at for one in picture.ends.values() if one.failed_at is not None]
    last = f", the last {ago(picture.taken_at - max(failed_at))}" if failures and failed_at else ""
    told = f"{failures} of {counted(attempts, 'attempt')} failed{last}" if attempts else "nothing was called"
    hint = f"{told}; limit {quantity(limits.error_rate_percentage, '%')}"
    rate = quantity(100 * failures / attempts, "%") if attempts else "none"
    return Tile(title, rate, hint, rate_band(failures, attempts, limits) is not Band.HEALTHY)


def _generation_time(picture: Picture, seen: History | None) -> Tile:
    limit = picture.thresholds.generation_time_seconds
    of_window = [run.seconds for run in picture.snapshot.editions or () if run.seconds is not None]
    value, when = max(of_window, default=None), "slowest"
    if value is None and seen is not None and seen.editions:
        value, when = seen.editions[-1].seconds_slowest, f"slowest on {seen.editions[-1].day}"
    if value is None:
        return _not_measured("Generation time", picture.snapshot.editions, seen, took(limit))
    return _measured("Generation time", value, took, when, limit)


def _answers(picture: Picture, seen: History | None) -> Tile:
    limit = picture.thresholds.api_response_time_seconds
    of_window = [(one.seconds_p95, one.service) for one in picture.snapshot.services or () if one.seconds_p95]
    value, when = None, ""
    if of_window:
        value, service = max(of_window)
        when = f"{service_name(service)}, 19 of 20 calls"
    elif seen is not None and (slowest := seen.slowest_answers):
        last = slowest[max(slowest)]
        value, when = last.seconds, f"{service_name(last.service)}, 19 of 20 calls from {last.hour:%H:%M} UTC"
    if value is None:
        return _not_measured("API response time", picture.snapshot.services, seen, took(limit))
    return _measured("API response time", value, took, when, limit)


def _memory(picture: Picture, seen: History | None) -> Tile:
    limit = picture.thresholds.memory_usage_mb
    of_window = [run.peak_memory_mb for run in picture.snapshot.editions or () if run.peak_memory_mb is not None]
    value, when = max(of_window, default=None), "peak of a worker"
    measured = [one for one in seen.editions if one.peak_mb is not None] if seen is not None else []
    if value is None and measured:
        value, when = measured[-1].peak_mb, f"peak of a worker on {measured[-1].day}"
    if value is None:
        return _not_measured("Memory", picture.snapshot.editions, seen, _megabytes(limit))
    return _measured("Memory", value, _megabytes, when, limit)


def _measured(title: str, value: float, told: Callable[[float], str], when: str, limit: float) -> Tile:
    return Tile(title, told(value), f"{when}; limit {told(limit)}", value > limit)


def _not_measured(title: str, of_window: Sequence[object] | None, seen: History | None, limit_told: str) -> Tile:
    """Nothing within the window of health, and nothing before it, as far as that is known yet."""
    if of_window is None:
        return Tile(title, "?", "could not be read")
    value, hint = ("…", "earlier ones are being read") if seen is None else ("none", "nothing was measured")
    return Tile(title, value, f"{hint}; limit {limit_told}")


def _breakers(picture: Picture) -> Tile:
    if picture.snapshot.breakers is None:
        return Tile("Breakers", "?", "could not be read")
    opened = sorted(service_name(one.service) for one in picture.snapshot.breakers if one.state is State.OPEN)
    total = len(picture.snapshot.breakers)
    return Tile(
        "Open breakers",
        str(len(opened)),
        ", ".join(opened) or (f"of {total}" if total else "none stands"),
        bool(opened),
    )


def _people(picture: Picture) -> Tile:
    if picture.escalations is None:
        return Tile("Waiting for people", "?", "could not be read")
    asked = len(picture.asked)
    return Tile(
        "Waiting for people", str(asked), f"of {counted(len(picture.escalations), 'open escalation')}", asked > 0
    )


def _database(picture: Picture) -> Tile:
    size, free = picture.snapshot.machine.database_mb, picture.snapshot.machine.disk_free_mb
    if size is None:
        return Tile("Database", "?", "could not be read")
    return Tile("Database", _megabytes(size), f"{_megabytes(free)} of disk free here" if free is not None else "")


def _megabytes(value: float) -> str:
    return quantity(value, "MB") if value < 10_000 else quantity(value / 1000, "GB")
