"""Metrics that a test can read where they are told."""

from collections.abc import Mapping
from typing import Any

from temporalio.runtime import MetricBuffer, MetricBufferDurationFormat, Runtime, TelemetryConfig

Told = list[tuple[str, Mapping[str, Any], float]]


class Buffered:
    """A meter whose measurements can be read."""

    def __init__(self) -> None:
        self._buffer = MetricBuffer(1000, MetricBufferDurationFormat.SECONDS)
        self.runtime = Runtime(telemetry=TelemetryConfig(metrics=self._buffer, attach_service_name=False))
        self.meter = self.runtime.metric_meter

    def told(self) -> Told:
        """Ours since the last time, in order."""
        updates = self._buffer.retrieve_updates()
        return [(one.metric.name, one.attributes, one.value) for one in updates if one.metric.name[:8] == "devsync_"]
