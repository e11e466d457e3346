"""What was ill within the window and is so no more: percentages count the whole window, and people ask about now."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from pydantic import AwareDatetime

from devsync.domain.breaker import State
from devsync.domain.health.bands import Band, rate_band
from devsync.domain.health.snapshot import Snapshot
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.model import Model

QUIET: Final = timedelta(minutes=2)
"""Nothing may have failed for this long: a call that succeeds between others that fail heals nothing."""


class LastEnds(Model):
    """When a service's calls ended last, well and not; None: none did within the window."""

    failed_at: AwareDatetime | None = None
    succeeded_at: AwareDatetime | None = None


class Healed(Model):
    """A service whose failures are over, as far as its calls tell."""

    service: str
    since: AwareDatetime
    """When the last one failed."""
    attempts: int
    failures: int
    """Of the window."""


def healed(snapshot: Snapshot, ends: Mapping[str, LastEnds], thresholds: Thresholds) -> tuple[Healed, ...]:
    """The services that too much of the window failed of, and that have answered since; none where no breaker could be
    asked, or one is not closed."""
    if snapshot.breakers is None:
        return ()
    guarded = {one.service for one in snapshot.breakers if one.state is not State.CLOSED}
    found = []
    for one in snapshot.services or ():
        last = ends.get(one.service, LastEnds())
        is_ill = rate_band(one.failures, one.attempts, thresholds) is not Band.HEALTHY
        if not is_ill or one.service in guarded or last.failed_at is None or last.succeeded_at is None:
            continue
        if last.succeeded_at > last.failed_at <= snapshot.window.end - QUIET:
            found.append(
                Healed(service=one.service, since=last.failed_at, attempts=one.attempts, failures=one.failures)
            )
    return tuple(found)


def of_now(snapshot: Snapshot, over: Iterable[Healed]) -> Snapshot:
    """The same with what is over marked so: what `assess` says of it is so now."""
    names = {one.service for one in over}
    services = snapshot.services and tuple(
        one.model_copy(update={"has_healed": one.service in names}) for one in snapshot.services
    )
    return snapshot.model_copy(update={"services": services})
