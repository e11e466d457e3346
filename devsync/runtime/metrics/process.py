"""Metrics of the worker process itself: whether its event loop turns, its memory, what waits to be recorded."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.common import MetricMeter

from devsync.runtime.metrics import declared
from devsync.runtime.resident import peak_megabytes, resident_megabytes
from devsync.storage.spool import Spool

_BYTES: Final = 2**20


class ProcessMetrics:
    """`spools` by what they hold. `tell` is called every few seconds, from the event loop that is to be watched."""

    def __init__(self, meter: MetricMeter, spools: Mapping[str, Spool[Any]]) -> None:
        self._spools = spools
        self._heartbeat = declared.HEARTBEAT.gauge(meter)
        self._memory = (
            (declared.RESIDENT_MEMORY.gauge(meter), resident_megabytes),
            (declared.PEAK_MEMORY.gauge(meter), peak_megabytes),
        )
        self._queued = declared.SPOOL_QUEUED.gauge(meter)
        self._lost = declared.SPOOL_LOST.counter(meter)
        self._lost_before = dict.fromkeys(spools, 0)

    async def tell(self) -> None:
        self._heartbeat.set(datetime.now(UTC).timestamp())
        for gauge, read in self._memory:
            if (megabytes := read()) is not None:
                gauge.set(megabytes * _BYTES)
        for what, spool in self._spools.items():
            self._queued.set(len(spool), {"records": what})
            self._lost.add(spool.lost - self._lost_before[what], {"records": what})
            self._lost_before[what] = spool.lost
