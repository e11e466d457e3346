"""What one process knows of a service's breaker, and what it decides from that when it makes a call."""

from datetime import datetime
from typing import NamedTuple

from devsync.domain.breaker.config import BreakerConfig
from devsync.domain.breaker.machine import Breaker
from devsync.domain.breaker.record import BreakerRecord, Lease
from devsync.domain.breaker.standing import Admission, AdmissionKind, Mode, Standing, State, admission
from devsync.domain.breaker.window import Outcome, Outcomes

LONGEST_GROWTH = 64
"""Openings after which a growing recovery time-out has reached its bound."""


class Ruling(NamedTuple):
    """Whether a call may go out, and who says so."""

    admission: Admission
    standing: Standing
    """The one that decides."""
    is_local: bool
    """The process decides by itself: a probe needs no lease of the entity's."""


class BreakerView:
    """The entity's standing, and the same machine run on this process's own calls.

    The machine begins each generation as a copy of the standing. So

    - where the standing refuses, the process does, too; where it wants a probe, the entity leases it;
    - where the standing lets calls through, the machine may still refuse: it sees the own failures first;
    - out of touch with the entity, the machine decides alone. As a copy it holds a forced-open until its end and an
      open until its `retry_at`, and then probes for itself: never unguarded, never stuck.

    Without an entity (nobody has reported yet) the machine decides, too. `now` may go back.
    """

    def __init__(self, service: str, config: BreakerConfig, now: datetime) -> None:
        self._standing: Standing | None = None
        self._machine = Breaker(BreakerRecord.fresh(service, config, now))
        self._is_in_touch = True
        self._silent_until: datetime | None = None

    @property
    def generation(self) -> int:
        """Under which calls that begin now are reported; 0 while no standing is known."""
        return self._standing.generation if self._standing else 0

    @property
    def knows_the_entity(self) -> bool:
        return self._standing is not None

    @property
    def is_in_touch(self) -> bool:
        return self._is_in_touch

    @property
    def config(self) -> BreakerConfig:
        return self._machine.config

    def learn(self, standing: Standing, config: BreakerConfig, now: datetime) -> bool:
        """Takes what the entity says; True where a new generation begins. What is older than the known is no news."""
        known = self._standing
        if known is not None and _is_older(standing, known):
            return False
        self._standing = standing
        is_new = _identity(standing) != _identity(known) if known else not _is_fresh(standing)
        if is_new or self._silent_until is None or self._silent_until <= now:
            self._is_in_touch, self._silent_until = True, None
        if is_new:
            self._machine = Breaker(_copied(standing, config))
            return True
        self._machine.configure(config, standing.actor, now)
        if standing.paused_until is not None:
            self._machine.pause(standing.paused_until, standing.pause_reason, now)
        return False

    def lose_touch(self, silent_until: datetime | None = None) -> None:
        """From now on the machine decides alone, until the entity says something again.

        With `silent_until`, something new: its standing can still be read, but it gives no answer. From then on it
        is worth another try.
        """
        self._is_in_touch, self._silent_until = False, silent_until

    def find_nobody(self) -> None:
        """No entity is there. Where none ever was, nobody has reported yet: nothing is out of touch."""
        if self._standing is None:
            self._is_in_touch = True

    def ruling(self, now: datetime) -> Ruling:
        self._machine.tick(now)
        if self._standing is not None and self._is_in_touch:
            found = admission(self._standing, now)
            if found.kind is not AdmissionKind.CALL:
                return Ruling(found, self._standing, is_local=False)
        standing = self._machine.standing
        return Ruling(admission(standing, now), standing, is_local=True)

    def record(self, outcomes: Outcomes, now: datetime) -> bool:
        """Counts own calls without a lease; True where they made the machine change its mind."""
        self._machine.tick(now)
        before = self._machine.standing.generation
        self._machine.record(outcomes, before, now)
        return self._machine.standing.generation != before

    def acquire(self, now: datetime) -> Lease | None:
        """A lease of the machine's own, for a local ruling."""
        leases = self._machine.acquire(1, "local", now)
        return leases[0] if leases else None

    def settle(self, lease: Lease, outcome: Outcome, failure: str, now: datetime) -> bool:
        """The outcome of a probe that the machine leased; True where it made the machine change its mind."""
        self._machine.tick(now)
        return bool(self._machine.settle(lease.id, outcome, now, failure))

    def pause(self, until: datetime, reason: str, now: datetime) -> Standing | None:
        """The service asks for patience. The paused standing; None where an operator lets all calls through."""
        self._machine.tick(now)
        self._machine.pause(until, reason, now)
        standing = self._machine.standing
        return standing if standing.paused_until is not None else None


def _identity(standing: Standing) -> tuple[int, datetime]:
    return standing.generation, standing.changed_at


def _is_fresh(standing: Standing) -> bool:
    """As our own first report made it: what we have counted goes on."""
    return standing.generation == 0 and standing.state is State.CLOSED and standing.mode is Mode.NORMAL


def _is_older(standing: Standing, known: Standing) -> bool:
    """Lists lag behind: what was read there may be older than what an update answered.

    The generation or the time alone would not do: a new entity counts from 0 again, and clocks go back.
    """
    is_no_news = standing.generation <= known.generation and standing.changed_at <= known.changed_at
    return is_no_news and _identity(standing) != _identity(known)


def _copied(standing: Standing, config: BreakerConfig) -> BreakerRecord:
    """A machine in that standing, its next opening not sooner over than this one."""
    openings = 0
    if standing.retry_at is not None:
        wait = standing.retry_at - standing.changed_at
        openings = 1
        while openings < LONGEST_GROWTH and config.recovery_timeout_of(openings) < wait:
            openings += 1
    return BreakerRecord(config=config, standing=standing, openings=openings)
