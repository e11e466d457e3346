"""One gate's dealings with its entity: paced reports, and leases asked for once for all who wait."""

import asyncio
import logging
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from devsync.contracts.breaker import AskProbe, ReportBatch
from devsync.domain.breaker import AdmissionKind, Lease
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.link import BreakerLink, EntityUnreachable
from devsync.runtime.breaker.metrics import BreakerMetrics

CLOSEST: Final = 0.25
"""Seconds between two reports of one process on one service."""

REPORTS_PER_SECOND: Final = 50
"""What one entity gets at most from all its reporters: at 450 it no longer comes to continue as new (measured)."""

CALM: Final = 4
"""Without a failure, a probe or a pause to tell of, a report waits so many times longer."""

LONGEST_BACKOFF: Final = 5.0
"""Seconds between two tries to get rid of a report."""

SILENCE: Final = timedelta(seconds=10)
"""An entity that gave no answer is asked again after this."""

TELL_FIRST: Final = 1.0
"""Seconds that asking for a lease waits for a report on its way: the outcome in it may be what frees one."""

_log = logging.getLogger("devsync.breaker")


class Desk:
    """Lives in one event loop; `wake` and `wait` are called there."""

    def __init__(self, gate: Gate, entities: BreakerLink, reporter: str, metrics: BreakerMetrics) -> None:
        self.gate = gate
        self.reporters = 1
        self._entities = entities
        self._reporter = reporter
        self._metrics = metrics
        self._news = asyncio.Event()
        self._telling = asyncio.Lock()
        self._sequence = 1
        self._told_at = -LONGEST_BACKOFF
        self._failures = 0
        self._waiters: list[Future[Lease | None]] = []
        self._asked_for: list[Future[Lease | None]] = []
        self._lending: asyncio.Task[None] | None = None
        self._asked = 0
        self._is_dismissed = False

    # Reports.

    @property
    def interval(self) -> float:
        return max(CLOSEST, self.reporters / REPORTS_PER_SECOND)

    def wake(self) -> None:
        """Something has happened that the entity may act on."""
        self._news.set()

    async def report_in_time(self) -> None:
        """One report, when there are news; without any, after a while. What an outage has left goes out at once."""
        with suppress(TimeoutError):
            # Not wait_for: before Python 3.12 it forgets that it was cancelled where the news come in that moment.
            async with asyncio.timeout(self.interval * CALM):
                await self._news.wait()
        self._news.clear()
        is_behind = True
        while is_behind:
            is_behind = self.gate.is_behind
            is_behind &= await self.tell()

    async def tell(self) -> bool:
        """Sends what there is to tell, not sooner than the pace allows; False: it was not taken, or nothing is left."""
        async with self._telling:
            await asyncio.sleep(self._told_at + self._wait - asyncio.get_running_loop().time())
            batch = self._next_batch()
            if batch is None:
                return False
            try:
                await self._entities.report(batch, self.gate.config)
            except EntityUnreachable as error:
                _log.debug("%s: %s", self.gate.service, error)
                self._failures += 1
                self._news.set()
                return False
            finally:
                self._told_at = asyncio.get_running_loop().time()
            self._failures = 0
            self._sequence += 1
            self.gate.confirmed()
            if batch.outcomes.earliest is not None:
                lag = datetime.now(UTC) - batch.outcomes.earliest
                self._metrics.reported(self.gate.service, max(lag, timedelta()))
            return True

    async def last_words(self) -> None:
        """Tells all that there is to tell. A lease that is still being asked for is waited for, and given back."""
        try:
            while await self.tell():
                pass
            if self._lending is not None:
                await asyncio.wait([self._lending])
            while await self.tell():
                pass
        finally:
            if self._lending is not None:
                self._lending.cancel()

    @property
    def _wait(self) -> float:
        return min(self.interval * 2.0**self._failures, max(self.interval, LONGEST_BACKOFF))

    def _next_batch(self) -> ReportBatch | None:
        report = self.gate.report()
        if report is None:
            return None
        pause_until, pause_reason = report.pause or (None, "")
        return ReportBatch(
            service=self.gate.service,
            reporter=self._reporter,
            sequence=self._sequence,
            generation=report.generation,
            outcomes=report.outcomes,
            probes=report.probes,
            pause_until=pause_until,
            pause_reason=pause_reason,
            sent_at=datetime.now(UTC),
        )

    # Leases.

    def wait(self, waiter: "Future[Lease | None]") -> None:
        """Has a lease asked for, together with all that wait."""
        if self._is_dismissed:
            self._serve([waiter], [])
            return
        self._waiters.append(waiter)
        if self._lending is None or self._lending.done():
            self._lending = asyncio.create_task(self._lend())

    def dismiss(self) -> None:
        """From now on nobody is served: each call that waits decides by itself."""
        self._is_dismissed = True
        waiting, self._waiters, self._asked_for = [*self._asked_for, *self._waiters], [], []
        self.gate.lose_touch()
        self._serve(waiting, [])

    async def _lend(self) -> None:
        while self._waiters:
            with suppress(TimeoutError):
                async with asyncio.timeout(TELL_FIRST):
                    await self.tell()
            if not self._waiters:
                return
            self._asked_for, self._waiters = self._waiters, []
            self._asked += 1
            ask = AskProbe(reporter=self._reporter, wanted=len(self._asked_for))
            leases, retry_at = list[Lease](), None
            try:
                answer = await self._entities.lease(self.gate.service, ask, f"{self._reporter}.{self._asked}")
            except EntityUnreachable as error:
                _log.warning("the breaker of %s gives no probe: %s", self.gate.service, error)
                self.gate.lose_touch(SILENCE)
            else:
                if not self._is_dismissed:
                    self.gate.learn(answer.standing, None)
                leases, retry_at = list(answer.leases), answer.retry_at
            finally:
                served, self._asked_for = self._asked_for, []
                self._serve(served, leases, retry_at)

    def _serve(
        self, waiting: list["Future[Lease | None]"], leases: list[Lease], retry_at: datetime | None = None
    ) -> None:
        """Leases to those who came first; the rest hears that there are none, or that things have changed."""
        ruling = self.gate.ruling()
        are_out = ruling.admission.kind is AdmissionKind.PROBE and not ruling.is_local
        for waiter in waiting:
            if not waiter.set_running_or_notify_cancel():
                continue  # it has gone
            if leases:
                waiter.set_result(leases.pop(0))
            elif are_out:
                waiter.set_exception(self.gate.all_leased(retry_at))
            else:
                waiter.set_result(None)
        for lease in leases:
            self.gate.give_back(lease)
