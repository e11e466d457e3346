"""The worker's side of a circuit breaker: what every HTTP call to an outside service passes (design, section 6).

One call, one outcome. The common case, a closed breaker and a call that succeeds, is a look at one attribute before
the call and one counter raised after it: no RPC, no lock. Everything else takes the gate's lock.
"""

import random
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Protocol

from temporalio.exceptions import TemporalError

from devsync.domain.backoff import Uniform
from devsync.domain.breaker import AdmissionKind, BreakerConfig, Lease, Outcome, Standing
from devsync.domain.breaker.refusals import CallRefused, CircuitOpen, ServicePaused
from devsync.domain.breaker.view import BreakerView, Ruling
from devsync.domain.errors import ErrorCategory
from devsync.runtime.breaker.calls import Admitted, ExcusedCall, Excuses, GatedCall, Probe
from devsync.runtime.breaker.counts import CallCounts
from devsync.runtime.breaker.ledger import Ledger, Report, Told
from devsync.runtime.classification import classify

RECHECK = timedelta(minutes=1)
"""A breaker that an operator has opened without an end may be closed at any time: worth another try after this."""

SOON = timedelta(seconds=4)
"""All probes are under way: after about this they have decided, or one is free again."""

_uniform: Uniform = random.uniform


def utc_now() -> datetime:
    return datetime.now(UTC)


class Office(Protocol):
    """A process's link to the entity, asked by many threads."""

    def report_soon(self, gate: "Gate") -> None:
        """Something has happened that the entity may act on."""

    def ask_for_lease(self, gate: "Gate") -> Future[Lease | None]:
        """A lease; None: things have changed, decide anew. Its exception is CircuitOpen where all leases are out."""


class Gate:
    """One service's gate in one process; any thread may call.

    `office` is its link to the entity; without one it decides by itself.
    """

    def __init__(
        self,
        service: str,
        config: BreakerConfig,
        office: Office | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.service = service
        self._office = office
        self._now = now
        self._lock = threading.Lock()
        self._view = BreakerView(service, config, now())
        self._ledger = Ledger()
        self._no_lease_before: datetime | None = None
        self.road: CallCounts | None = None
        """Where calls that may go out are counted; None: ask."""
        with self._lock:
            self._begin(now())

    def call(self, operation: str) -> GatedCall:
        return GatedCall(self, operation)

    def excused_call(self, operation: str, excuses: Excuses) -> GatedCall:
        return ExcusedCall(self, operation, excuses)

    # Before a call.

    def admit(self) -> Admitted | Future[Lease | None]:
        """Lets a call through, or has a lease asked for. Raises CircuitOpen and ServicePaused."""
        with self._lock:
            now = self._now()
            ruling = self._follow(now)
            if ruling.admission.kind is AdmissionKind.CALL:
                return self._ledger.counts
            if ruling.admission.kind is not AdmissionKind.PROBE:
                raise self._refused(ruling, now)
            if ruling.is_local:
                lease = self._view.acquire(now)
                if lease is not None:
                    return Probe(lease, self._view.generation, is_local=True)
            if ruling.is_local or self._office is None or (self._no_lease_before or now) > now:
                raise self._refused(ruling, now)
        return self._office.ask_for_lease(self)

    def all_leased(self, retry_at: datetime | None = None) -> CircuitOpen:
        """The entity has no lease for the calls that wait: what they raise. Others do not ask before `retry_at`."""
        with self._lock:
            now = self._now()
            self._no_lease_before = retry_at or now + SOON * _uniform(0.5, 1.0)
            return self._crowded(self._view.ruling(now).standing, now)

    # After it.

    def ended(
        self, admitted: Admitted, error: BaseException | None, seconds: float, operation: str, excuses: Excuses | None
    ) -> None:
        """The outcome of a call that was let through."""
        outcome, failure = _judged(error, self.service, operation, excuses, self._now())
        self.came_to(admitted, outcome, failure, seconds)

    def came_to(self, admitted: Admitted, outcome: Outcome, failure: str = "", seconds: float = 0.0) -> None:
        """The same, where somebody else has judged it."""
        with self._lock:
            now = self._now()
            if isinstance(admitted, CallCounts):
                admitted.add(outcome, is_slow=seconds >= admitted.slow_from, failure=failure)
            elif not admitted.is_local:
                self._ledger.probed(admitted.lease, outcome, failure)
            else:
                self._ledger.probed_locally(admitted.generation, outcome, failure, now)
                if self._view.settle(admitted.lease, outcome, failure, now):
                    self._begin(now)
                    if self.road is not None:
                        self._ledger.healed()
            self._collect(now)
        if self._office is not None and (outcome is Outcome.FAILURE or isinstance(admitted, Probe)):
            self._office.report_soon(self)

    def give_back(self, lease: Lease) -> None:
        """A lease that nobody uses: the call that waited for it has gone."""
        with self._lock:
            self._ledger.give_back(lease)
        if self._office is not None:
            self._office.report_soon(self)

    def pause(self, until: datetime, reason: str) -> ServicePaused | None:
        """The service asks for patience until then; the entity is told.

        Returns what calls raise from now on; None where an operator lets all calls through.
        """
        with self._lock:
            now = self._now()
            standing = self._view.pause(until, reason, now)
            if standing is None:
                return None
            self._ledger.paused(until, reason)
            self._follow(now)
        if self._office is not None:
            self._office.report_soon(self)
        return self._paused(standing, until)

    # What the office does.

    def learn(self, standing: Standing, config: BreakerConfig | None) -> bool:
        """What the entity says, with its rules where they are known; True where a new generation begins."""
        with self._lock:
            now = self._now()
            self._collect(now)
            slow = self._view.config.slow_call_duration
            is_new = self._view.learn(standing, config or self._view.config, now)
            if is_new:
                self._no_lease_before = None
            if is_new or slow != self._view.config.slow_call_duration:
                self._begin(now)
            self._follow(now)
            return is_new

    def lose_touch(self, silence: timedelta | None = None) -> None:
        """The entity cannot be reached: the process decides by itself until it can, or for as long as `silence`."""
        with self._lock:
            now = self._now()
            self._view.lose_touch(now + silence if silence else None)
            self._follow(now)

    def find_nobody(self) -> None:
        """The server answers, and has no such entity."""
        with self._lock:
            self._view.find_nobody()

    @property
    def counts(self) -> CallCounts:
        """Where a call that begins now is counted, whether or not it may go out."""
        return self._ledger.counts

    @property
    def is_in_touch(self) -> bool:
        return self._view.is_in_touch

    @property
    def config(self) -> BreakerConfig:
        """The rules that it goes by."""
        return self._view.config

    @property
    def knows_the_entity(self) -> bool:
        return self._view.knows_the_entity

    def ruling(self) -> Ruling:
        """How it stands now. Lets time pass: call it now and then."""
        with self._lock:
            now = self._now()
            self._collect(now)
            return self._follow(now)

    def report(self) -> Report | None:
        """What the entity has not been told yet: the same again until it is `confirmed`. None: nothing."""
        with self._lock:
            self._collect(self._now())
            return self._ledger.report(self._view.generation)

    def confirmed(self) -> None:
        """The last report was taken."""
        with self._lock:
            self._ledger.confirmed()

    @property
    def is_behind(self) -> bool:
        """Whether one report cannot tell all."""
        with self._lock:
            self._collect(self._now())
            return self._ledger.is_behind

    def take_told(self) -> Told:
        """What happened since this was last asked."""
        with self._lock:
            return self._ledger.take_told()

    # Under the lock.

    def _follow(self, now: datetime) -> Ruling:
        """Opens or closes the road, as things stand."""
        ruling = self._view.ruling(now)
        self.road = self._ledger.counts if ruling.admission.kind is AdmissionKind.CALL else None
        return ruling

    def _begin(self, now: datetime) -> None:
        """What began before no longer counts."""
        self._ledger.begin(self._view.generation, self._view.config.slow_call_duration)
        self._follow(now)

    def _collect(self, now: datetime) -> None:
        outcomes = self._ledger.collect(now)
        if outcomes is not None and self._view.record(outcomes, now):
            self._begin(now)

    def _refused(self, ruling: Ruling, now: datetime) -> CallRefused:
        (kind, until), standing = ruling.admission, ruling.standing
        if kind is AdmissionKind.PROBE:
            return self._crowded(standing, now)
        self._ledger.refused(kind)
        if kind is AdmissionKind.PAUSED:
            return self._paused(standing, until or now)
        why = f"its circuit breaker is open: {standing.reason}"
        retry_at = until or now + RECHECK
        return CircuitOpen(self.service, retry_at, why, standing.probes_allowed, is_open_ended=until is None)

    def _paused(self, standing: Standing, until: datetime) -> ServicePaused:
        why = f"it is paused: {standing.pause_reason}"
        return ServicePaused(self.service, standing.paused_until or until, why, standing.probes_allowed)

    def _crowded(self, standing: Standing, now: datetime) -> CircuitOpen:
        self._ledger.refused(AdmissionKind.PROBE)
        retry_at = max(self._no_lease_before or now, now + SOON * _uniform(0.5, 1.0))
        why = "its circuit breaker is half-open and all probes are under way"
        return CircuitOpen(self.service, retry_at, why, standing.probes_allowed)


def _judged(
    error: BaseException | None, service: str, operation: str, excuses: Excuses | None, now: datetime
) -> tuple[Outcome, str]:
    """What a call says about the service, and one line for a failure. Being interrupted says nothing."""
    if error is None:
        return Outcome.SUCCESS, ""
    if not isinstance(error, Exception) or isinstance(error, TemporalError):
        return Outcome.IGNORED, ""
    failure = classify(error, service, now)
    if failure.category is ErrorCategory.RATE_LIMITING:
        return Outcome.THROTTLED, ""
    if failure.counts_for_breaker and not (excuses is not None and excuses(error)):
        return Outcome.FAILURE, f"{failure.message} ({operation})"
    return Outcome.IGNORED, ""
