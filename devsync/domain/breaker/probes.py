"""The probes of a half-open breaker: how many may go out, who has them, and what they say."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from devsync.domain.breaker.config import BreakerConfig
from devsync.domain.breaker.record import Lease


class Probes:
    """The leases of one generation and the successes so far."""

    def __init__(
        self, leases: Iterable[Lease] = (), *, made: int = 0, since: datetime | None = None, successes: int = 0
    ) -> None:
        self._leases = {lease.id: lease for lease in leases}
        self.made = made
        self.since = since
        """When the first was lent: from then on recovery must be decided in time."""
        self.successes = successes

    @property
    def leases(self) -> tuple[Lease, ...]:
        """Those that are lent out now."""
        return tuple(self._leases.values())

    def lend(
        self, count: int, holder: str, request: str, generation: int, config: BreakerConfig, now: datetime
    ) -> Iterator[Lease]:
        """As many as are free, up to `count`."""
        free = max(config.half_open_max_calls - len(self._leases), 0)
        for _ in range(min(count, free)):
            self.made += 1
            self.since = self.since or now
            lease = Lease(
                id=f"{generation}.{self.made}",
                holder=holder,
                request=request,
                generation=generation,
                deadline=now + config.probe_lease,
            )
            self._leases[lease.id] = lease
            yield lease

    def take_back(self, lease_id: str) -> bool:
        """False for one that is not, or no longer, out."""
        return self._leases.pop(lease_id, None) is not None

    def expire(self, now: datetime) -> int:
        """Takes back those whose holder has been silent too long; says how many."""
        lost = [lease for lease in self._leases.values() if lease.deadline <= now]
        for lease in lost:
            del self._leases[lease.id]
        return len(lost)

    def never_longer_than(self, config: BreakerConfig, now: datetime) -> None:
        """The clock went back, or the leases were made shorter."""
        latest = now + config.probe_lease
        for lease in self._leases.values():
            if lease.deadline > latest:
                self._leases[lease.id] = lease.model_copy(update={"deadline": latest})
        if self.since is not None:
            self.since = min(self.since, now)

    def decided_by(self, config: BreakerConfig) -> datetime | None:
        """When undecided recovery ends in opening again; None before the first probe."""
        return None if self.since is None else self.since + config.half_open_max_wait

    def next_deadline(self) -> datetime | None:
        return min((lease.deadline for lease in self._leases.values()), default=None)
