"""Metrics of Temporal's SDK and ours, for Prometheus to fetch from one address; whether traces are asked for."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from temporalio.common import MetricMeter
from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig, TelemetryFilter

from devsync.runtime.metrics.declared import METRICS
from devsync.settings.problems import ConfigError

PROCESS_EVERY: Final = 5.0
"""Seconds between two looks at the process itself."""
STANDING_EVERY: Final = 30.0
"""Seconds between two questions to the database and to Temporal, from each worker."""

_log = logging.getLogger("devsync.metrics")


def export_metrics(address: str) -> None:
    """Serves `http://ADDRESS/metrics` from now on. Call it once, before the first connection.

    Raises ConfigError where the address cannot be used.
    """
    prometheus = PrometheusConfig(
        bind_address=address,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
        histogram_bucket_overrides={metric.name: metric.buckets for metric in METRICS if metric.buckets},
    )
    try:
        # Prometheus' own label `job` says what it is: the SDK's would call our metrics "temporal-core-sdk".
        runtime = Runtime(telemetry=TelemetryConfig(metrics=prometheus, attach_service_name=False))
    except (RuntimeError, ValueError) as error:
        raise ConfigError([f"METRICS_ADDRESS {address} cannot be used ({error}): name a free one"]) from error
    Runtime.set_default(runtime)


def quiet_runtime() -> Runtime:
    """For a program that is not ours: the SDK's own one writes warnings to standard output, and is the program's to
    choose."""
    only_errors = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=only_errors)))


def meter() -> MetricMeter:
    """Of this process; counts for nobody where nothing is exported."""
    return Runtime.default().metric_meter


def wants_traces(environment: Mapping[str, str]) -> bool:
    """Whether the standard variables say where traces go, and none of them says that nothing is to go there."""
    endpoints = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    is_disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    is_asked_for = environment.get("OTEL_TRACES_EXPORTER") in {None, "", "otlp"}
    return any(environment.get(name) for name in endpoints) and is_asked_for and not is_disabled


@asynccontextmanager
async def told_every(seconds: float, tell: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Inside, `tell` is called at once and then so often; what it raises is logged, and it is called again."""
    telling = asyncio.create_task(_for_ever(seconds, tell))
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _for_ever(seconds: float, tell: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await tell()
        except Exception:  # noqa: BLE001 (a metric must not end a worker)
            _log.exception("metrics could not be told; they are tried again")
        await asyncio.sleep(seconds)
