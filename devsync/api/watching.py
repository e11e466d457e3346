"""A program's own look at the product's health, again and again, by the rules and the book that the monitor has."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from devsync.api.core import Core
from devsync.api.health import client_or_none, known_configuration, of_health
from devsync.domain.health.alerts import apply
from devsync.domain.health.bands import assess
from devsync.domain.health.book import AlertBook, Notice
from devsync.domain.health.rules import verdicts
from devsync.runtime.health import take_snapshot
from devsync.runtime.machine import MachineWatch
from devsync.settings.monitoring import MonitoringSettings

REMEMBERED: Final = 60
"""Looks, for the dashboard."""
_ADVISED_EVERY: Final = timedelta(hours=1)

_log = logging.getLogger("devsync.api")


class Watching:
    """Lives on the core's loop, until it is stopped or the core is closed. What it finds is told to `monitored` and
    `alerted`, which must not wait."""

    def __init__(
        self,
        core: Core,
        settings: MonitoringSettings,
        monitored: Callable[[dict[str, Any]], None],
        alerted: Callable[[dict[str, Any]], None],
    ) -> None:
        self._core = core
        self._settings = settings
        self._monitored = monitored
        self._alerted = alerted
        self._watch = MachineWatch()
        self._book = AlertBook()
        self._looks: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
        self._advised_at: datetime | None = None
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Looks once before it returns."""
        if self._running is None or self._running.done():
            await self._look()
            self._running = asyncio.create_task(self._look_again_and_again())

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._running = None

    @property
    def is_running(self) -> bool:
        return self._running is not None and not self._running.done()

    @property
    def looks(self) -> list[dict[str, Any]]:
        """The latest ones, the newest last."""
        return list(self._looks)

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """What is wrong now, the worst first."""
        return [alert.model_dump(mode="json") for alert in self._book.open]

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._settings.monitoring_interval_seconds)
            try:
                await self._look()
            except Exception:  # noqa: BLE001 (told, and tried again: monitoring that stops unseen would be worse)
                _log.exception("a look at the health failed")

    async def _look(self) -> None:
        now = datetime.now(UTC)
        is_advised = self._advised_at is None or now - self._advised_at >= _ADVISED_EVERY
        with_advice = self._settings.enable_analytics and is_advised
        snapshot = await take_snapshot(
            self._core.database if self._core.has_database else None,
            await client_or_none(self._core),
            await known_configuration(self._core, self._settings.limits),
            now,
            watch=self._watch,
            with_causes=True,
            with_advice=with_advice,
        )
        if with_advice and snapshot.recommendations is not None:
            self._advised_at = now
        health = of_health(assess(snapshot, self._settings.limits))
        self._looks.append(health)
        self._monitored({"type": "health", **health})
        found = apply(self._book, verdicts(snapshot, self._settings.limits), self._settings.alert_policy, now)
        self._book = found.book
        for notice in found.notices:
            self._alerted(self._told(notice))

    def _told(self, notice: Notice) -> dict[str, Any]:
        return {
            "type": notice.rule.value,
            "kind": notice.kind.value,
            "severity": notice.level.value,
            "message": notice.summary,
            "alerts": [alert.key for alert in notice.alerts],
            "channels": [channel.to for channel in self._settings.alert_channels],
            "id": notice.id,
        }
