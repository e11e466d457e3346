"""A service's circuit breaker for a program's own calls: the one that the workers follow and report to, too."""

import asyncio
import logging
import threading
import time
from collections import deque
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from temporalio.service import RPCError

from devsync.api.checks import expect_or_none, name_of
from devsync.api.core import BLOCKS_FOR, Core, core_of
from devsync.contracts import names
from devsync.contracts.breaker import Configure
from devsync.domain.breaker import BreakerConfig, Lease, Outcome
from devsync.domain.breaker.refusals import CallRefused
from devsync.runtime.breaker.calls import Admitted, Probe
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.operations import BreakerOperations, BreakerRefused, BreakerSilent
from devsync.runtime.connection import NamespaceUnusable, TemporalUnreachable
from devsync.settings.problems import ConfigError

_TRIES_AGAIN: Final = 5.0
"""Seconds between two looks for a Temporal that is away."""
_REASON: Final = "the program's CircuitBreaker says so"
_log = logging.getLogger("devsync.api")


class CircuitBreaker:
    """Ask `can_execute()` before a call and tell what came of it: `record_success()` or `record_failure()`.

    Usable from every thread and loop. Of a service that the product guards (github, jira, slack, email) it is the
    fleet's breaker: opened anywhere it is open here within two seconds, and what is recorded here counts there. With a
    `config` of its own these rules are sent to it, as `breaker configure` does. Of any other service it is the
    program's own, and lives in this process. While Temporal is away it decides from its own calls.
    """

    def __init__(self, service: str, config: BreakerConfig | None = None, *, core: Core | None = None) -> None:
        """Raises TypeError and ValueError for a name that is none, and for rules that are none."""
        expect_or_none("config", config, BreakerConfig, "CircuitBreakerConfig")
        self.service = name_of("service", service)
        self._core = core or core_of()
        self._config = config
        self._lock = threading.Lock()
        self._gate: Gate | None = None
        self._admitted: ContextVar[tuple[Admitted, float] | None] = ContextVar("admitted", default=None)
        self._probes: deque[tuple[Probe, float]] = deque()

    def can_execute(self) -> bool:
        """Whether a call may go out now; waits BLOCKS_FOR at most, for a probe of a half-open one."""
        gate = self._opened()
        try:
            asked = gate.road or gate.admit()
            admitted = _leased(gate, asked) if isinstance(asked, Future) else asked
        except CallRefused:
            return False
        if admitted is None:
            return False
        began = admitted, time.perf_counter()
        self._admitted.set(began)
        if isinstance(admitted, Probe):
            with self._lock:
                self._probes.append((admitted, began[1]))
        return True

    def record_success(self) -> None:
        self._record(Outcome.SUCCESS, "")

    def record_failure(self, error: BaseException | None = None) -> None:
        """Counts against the service. With the `error` it is judged: our own mistakes and throttling do not count.
        Raises TypeError for an error that is none."""
        expect_or_none("error", error, BaseException, "Exception")
        gate = self._opened()
        if error is None:
            self._record(Outcome.FAILURE, f"reported by {self._core.program}")
            return
        admitted, began = self._taken(gate)
        gate.ended(admitted, error, time.perf_counter() - began, f"of {self._core.program}", None)

    @property
    def state(self) -> str:
        """`closed`, `open`, `half_open`, as this process acts now."""
        return self._opened().ruling().standing.state.value

    @property
    def is_shared(self) -> bool:
        """Whether it is the fleet's."""
        return self.service in names.SERVICES and self.service not in names.UNGUARDED

    def standing(self) -> dict[str, Any]:
        """How it stands, for people."""
        gate = self._opened()
        ruling = gate.ruling()
        standing = ruling.standing
        return {
            "service": self.service,
            "state": standing.state.value,
            "label": standing.label,
            "reason": standing.reason,
            "retry_at": ruling.admission.until,
            "is_shared": self.is_shared,
            "is_in_touch": gate.is_in_touch if self.is_shared else True,
        }

    # Parts.

    def _record(self, outcome: Outcome, failure: str) -> None:
        gate = self._opened()
        admitted, began = self._taken(gate)
        gate.came_to(admitted, outcome, failure, time.perf_counter() - began)

    def _taken(self, gate: Gate) -> tuple[Admitted, float]:
        """What this task or thread was admitted with; else the probe that waits longest; else a call without asking."""
        own = self._admitted.get()
        self._admitted.set(None)
        with self._lock:
            if own is not None:
                if own in self._probes:
                    self._probes.remove(own)  # type: ignore[arg-type]
                return own
            if self._probes:
                return self._probes.popleft()
        return gate.counts, time.perf_counter()

    def _opened(self) -> Gate:
        """Raises Closed and AfterFork. Until the fleet's breaker is found, the process decides by itself."""
        with self._lock:
            if self._gate is None:
                self._gate = Gate(self.service, self._config or BreakerConfig())
                attaching = self._core.start(self._attach()) if self.is_shared else None
            else:
                return self._gate
        if attaching is not None:
            with suppress(FutureTimeout):
                attaching.result(BLOCKS_FOR)
        return self._gate

    # On the core's loop.

    async def _attach(self) -> None:
        """To the fleet's breaker, however long Temporal is away."""
        waiting = False
        while True:
            try:
                self._gate = await self._core.gate(self.service, self._config)
                break
            except (TemporalUnreachable, NamespaceUnusable, ConfigError) as error:
                if not waiting:
                    _log.warning("the breaker of %s is decided by this process alone: %s", self.service, error)
                waiting = True
                await asyncio.sleep(_TRIES_AGAIN)
        if self._config is not None:
            applying = asyncio.create_task(self._apply(self._config))
            self._core.background.add(applying)
            applying.add_done_callback(self._core.background.discard)

    async def _apply(self, config: BreakerConfig) -> None:
        decision = Configure(by=f"{names.PROGRAM} {self._core.program}", reason=_REASON, config=config)
        try:
            await BreakerOperations(await self._core.client()).decide(self.service, "configure", decision)
        except (BreakerSilent, BreakerRefused, TemporalUnreachable, RPCError) as error:
            _log.warning("the rules for the breaker of %s were not taken: %s", self.service, error)


def _leased(gate: Gate, asked: Future[Lease | None]) -> Probe | None:
    """None: nobody answers in time, or things have changed meanwhile, and the next one asks anew."""
    try:
        lease = asked.result(BLOCKS_FOR)
    except FutureTimeout:
        asked.add_done_callback(partial(_give_back, gate))
        return None
    return Probe(lease, lease.generation, is_local=False) if lease is not None else None


def _give_back(gate: Gate, late: Future[Lease | None]) -> None:
    """Nobody waits for this lease any more."""
    if not late.cancelled() and late.exception() is None and (lease := late.result()) is not None:
        gate.give_back(lease)
