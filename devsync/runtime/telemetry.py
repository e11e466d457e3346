"""Metrics of Temporal's SDK and ours, for Prometheus to fetch."""

from temporalio.common import MetricMeter
from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig, TelemetryFilter

from devsync.settings.problems import ConfigError


def export_metrics(address: str) -> None:
    """Serves `http://ADDRESS/metrics` from now on. Call it once, before the first connection.

    Raises ConfigError where the address cannot be used.
    """
    prometheus = PrometheusConfig(
        bind_address=address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )
    try:
        runtime = Runtime(telemetry=TelemetryConfig(metrics=prometheus))
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
