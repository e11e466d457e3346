"""`ChangelogMonitoringIntegration`: a program's errors and the product's health, watched together."""

import asyncio
from collections.abc import Mapping
from typing import Any

from devsync.api.callbacks import Callback, Told
from devsync.api.checks import expect_or_none
from devsync.api.connection import Connection
from devsync.api.handler import ChangelogErrorHandler
from devsync.api.health import alerts_of_the_product
from devsync.api.watching import Watching
from devsync.domain.errors import ErrorContext, RecoveryResult
from devsync.settings.monitoring import MonitoringSettings


class ChangelogMonitoringIntegration:
    """Beside the monitor of the product, which tells the channels of config/monitoring.yaml: this one looks for the
    program, by the program's own thresholds, and tells the program's callbacks, with the `alert_channels` that it
    wants told."""

    def __init__(
        self,
        config: MonitoringSettings | None = None,
        error_handler: ChangelogErrorHandler | None = None,
        *,
        monitoring_callback: Callback | None = None,
        alerting_callback: Callback | None = None,
        connection: Connection | None = None,
    ) -> None:
        """With an `error_handler`, its connection and its own callbacks hold for errors. Raises as the handler does."""
        expect_or_none("config", config, MonitoringSettings, "ChangelogMonitoringConfig")
        expect_or_none("error_handler", error_handler, ChangelogErrorHandler)
        self.config = config or MonitoringSettings()
        alerting = alerting_callback if self.config.enable_alerting else None
        self.error_handler = error_handler or ChangelogErrorHandler(
            monitoring_callback, alerting, connection=connection, thresholds=self.config.limits
        )
        self._core = self.error_handler.core
        self._monitoring = Told("monitoring callback", monitoring_callback)
        self._alerting = Told("alerting callback", alerting)
        self._watching: Watching | None = None

    async def start_monitoring(self) -> None:
        """Looks now, and again at each interval, until `stop_monitoring` or the program's end; with
        `enable_real_time_monitoring` off it does nothing. Callbacks are called in the loop of who has started it.
        Servers that are away are no error: they are what it tells."""
        if not self.config.enable_real_time_monitoring or self.is_monitoring:
            return
        home = asyncio.get_running_loop()
        self._watching = Watching(
            self._core,
            self.config,
            lambda data: _tell_at(home, self._monitoring, data),
            lambda data: _tell_at(home, self._alerting, data),
        )
        await self._core.run(self._watching.start())

    async def stop_monitoring(self) -> None:
        if self._watching is not None:
            await self._core.run(self._watching.stop())
            self._watching = None

    @property
    def is_monitoring(self) -> bool:
        return self._watching is not None and self._watching.is_running

    async def handle_changelog_error(
        self, error: BaseException, context: Mapping[str, Any] | ErrorContext | None = None
    ) -> RecoveryResult:
        """As `ChangelogErrorHandler.handle_error` does."""
        return await self.error_handler.handle_error(error, context)

    async def get_monitoring_dashboard_data(self) -> dict[str, Any]:
        """Status and health, errors and their trend, performance, breakers, recommendations, what fires here and by the
        product's monitor, and the last looks. What could not be asked is None, or said among the reasons."""
        health, of_the_product = await asyncio.gather(
            self.error_handler.health_check(), self._core.run(alerts_of_the_product(self._core))
        )
        watching = self._watching
        return {
            "system_status": {name: health[name] for name in ("status", "at", "reasons", "services", "system_metrics")},
            "error_statistics": health["error_statistics"],
            "error_trend": (health["error_statistics"] or {}).get("errors_by_day"),
            "performance_metrics": health["performance_statistics"],
            "circuit_breakers": health["circuit_breakers"],
            "optimization_recommendations": health["optimization_recommendations"],
            "alerts": watching.alerts if watching else [],
            "product_alerts": of_the_product,
            "recent_monitoring_data": watching.looks if watching else [],
            "is_monitoring": self.is_monitoring,
            "config": self.config.model_dump(mode="json"),
        }


def _tell_at(home: asyncio.AbstractEventLoop, told: Told, data: dict[str, Any]) -> None:
    """In that loop, if it still runs."""
    if home.is_running():
        home.call_soon_threadsafe(told.tell, data)
