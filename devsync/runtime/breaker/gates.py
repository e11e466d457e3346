"""All gates of a process, and what they share: one list of standings a second, metrics, the way to the entities.

Make one `Gates` a process, in the event loop that its Temporal client lives in, and give each service's client its
gate. Calls are never without a guard: before the first list, after `close`, and while nobody answers, each gate
decides from what it knows and from its own calls.
"""

import asyncio
import logging
import os
import random
import socket
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from secrets import token_hex
from types import TracebackType
from typing import Final, Self

from temporalio.client import Client
from temporalio.common import MetricMeter

from devsync.domain.backoff import Uniform
from devsync.domain.breaker import BreakerConfig, Lease
from devsync.runtime.breaker.desk import Desk
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.link import BreakerLink, EntityUnreachable, Known
from devsync.runtime.breaker.metrics import BreakerMetrics

REFRESH: Final = 1.0
"""Seconds between two lists: what an entity decides is everywhere within two."""

OUT_OF_TOUCH: Final = 10.0
"""Seconds without a sign of an entity after which its standing is no longer relied on."""

LAST_WORDS: Final = 3.0
"""Seconds that closing waits for reports to be taken."""

_uniform: Uniform = random.uniform
_log = logging.getLogger("devsync.breaker")


class Gates:
    """An async context: entered, standings are known; left, the last reports are sent.

    `rules` are the services that have a gate, with the rules that hold until an entity tells its own.
    """

    def __init__(
        self,
        client: Client,
        rules: Mapping[str, BreakerConfig],
        meter: MetricMeter = MetricMeter.noop,
        *,
        out_of_touch: float = OUT_OF_TOUCH,
    ) -> None:
        self.reporter = f"{socket.gethostname()}:{os.getpid()}:{token_hex(4)}"
        self._entities = BreakerLink(client)
        self._metrics = BreakerMetrics(meter)
        self._loop = asyncio.get_running_loop()
        self._desks = {
            service: Desk(Gate(service, config, self), self._entities, self.reporter, self._metrics)
            for service, config in rules.items()
        }
        self._out_of_touch = out_of_touch
        self._seen_at = dict.fromkeys(self._desks, self._loop.time())
        self._is_in_touch = dict.fromkeys(self._desks, True)
        self._tasks: list[asyncio.Task[None]] = []

    def gate(self, service: str) -> Gate:
        """Raises KeyError for a service without rules."""
        return self._desks[service].gate

    async def __aenter__(self) -> Self:
        await self._refresh()
        steps = (self._refresh_in_time, *(desk.report_in_time for desk in self._desks.values()))
        self._tasks = [asyncio.create_task(_for_ever(step)) for step in steps]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for desk in self._desks.values():
            desk.dismiss()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await asyncio.gather(*(desk.last_words() for desk in self._desks.values()))

    # The office, asked by the threads of calls.

    def report_soon(self, gate: Gate) -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody reports any more
            self._loop.call_soon_threadsafe(self._desks[gate.service].wake)

    def ask_for_lease(self, gate: Gate) -> Future[Lease | None]:
        waiter: Future[Lease | None] = Future()
        try:
            self._loop.call_soon_threadsafe(self._desks[gate.service].wait, waiter)
        except RuntimeError:
            gate.lose_touch()
            waiter.set_result(None)
        return waiter

    # What goes on in the background.

    async def _refresh_in_time(self) -> None:
        await asyncio.sleep(REFRESH * _uniform(0.9, 1.1))  # processes that start as one shall not ask as one
        await self._refresh()

    async def _refresh(self) -> None:
        known: Mapping[str, Known] = {}
        answers, why = True, "it does not run"
        try:
            known = await self._entities.known()
        except EntityUnreachable as error:
            answers, why = False, str(error)
        for service, desk in self._desks.items():
            found = known.get(service)
            if found is not None:
                self._learn(desk, found)
            elif answers:
                desk.gate.find_nobody()
            if found is not None or (answers and not desk.gate.knows_the_entity):
                self._seen_at[service] = self._loop.time()
            self._tell_of_touch(desk, why)
            self._metrics.happened(service, desk.gate.take_told())
            self._metrics.stands(service, desk.gate.ruling(), is_in_touch=self._is_in_touch[service])

    def _learn(self, desk: Desk, known: Known) -> None:
        standing, service = known.standing, desk.gate.service
        desk.reporters = known.reporters or 1
        if desk.gate.learn(standing, known.config):
            self._metrics.changed(service, standing.label)
            _log.info("the breaker of %s is %s: %s", service, standing.label, standing.reason)

    def _tell_of_touch(self, desk: Desk, why: str) -> None:
        service = desk.gate.service
        if self._loop.time() - self._seen_at[service] > self._out_of_touch:
            desk.gate.lose_touch()
        was, self._is_in_touch[service] = self._is_in_touch[service], desk.gate.is_in_touch
        if was and not desk.gate.is_in_touch:
            _log.warning("the breaker of %s is out of touch (%s): this process decides by itself", service, why)
        elif desk.gate.is_in_touch and not was:
            _log.info("the breaker of %s is in touch again", service)


async def _for_ever(step: Callable[[], Awaitable[None]]) -> None:
    """What fails in an unforeseen way is told and tried again: a gate that hears nothing more would be blind."""
    while True:
        try:
            await step()
        except Exception:  # noqa: BLE001 (told, and tried again)
            _log.exception("a breaker's link to its entity failed; it is tried again")
            await asyncio.sleep(REFRESH)
