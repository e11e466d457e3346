"""What a process tells of its gates, beside Temporal's own metrics: exported with them (`telemetry`)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal, NamedTuple

from temporalio.common import MetricMeter

from devsync.domain.breaker import AdmissionKind, State
from devsync.domain.breaker.view import Ruling
from devsync.runtime.breaker.ledger import Told

Kind = Literal["counter", "gauge", "histogram"]


class Metric(NamedTuple):
    kind: Kind
    labels: tuple[str, ...]
    meaning: str


METRICS: Final[Mapping[str, Metric]] = {
    "devsync_breaker_calls": Metric(
        "counter",
        ("service", "outcome"),
        "HTTP calls that went out: `success`, `failure` (counts against the service), `ignored` (our own mistake),"
        " `throttled`.",
    ),
    "devsync_breaker_refusals": Metric(
        "counter", ("service", "why"), "Calls that did not go out: `open`, `paused`, `probe` (all probes were taken)."
    ),
    "devsync_breaker_probes": Metric("counter", ("service", "outcome"), "Calls made under a lease while half-open."),
    "devsync_breaker_transitions": Metric(
        "counter", ("service", "to"), "Changes of state or mode that this process has seen."
    ),
    "devsync_breaker_state": Metric("gauge", ("service",), "As this process acts: 0 closed, 1 half-open, 2 open."),
    "devsync_breaker_paused": Metric("gauge", ("service",), "1 while the service has asked for patience."),
    "devsync_breaker_unreachable": Metric(
        "gauge", ("service",), "1 while the entity does not answer and this process decides by itself."
    ),
    "devsync_breaker_report_lag": Metric(
        "histogram", ("service",), "Seconds from the first outcome in a report until the server had taken it."
    ),
}
"""By name; the reference's page on metrics is made from it."""

_NUMBERS = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}


class BreakerMetrics:
    def __init__(self, meter: MetricMeter) -> None:
        def of_kind(kind: Kind) -> list[tuple[str, str]]:
            return [(name, metric.meaning) for name, metric in METRICS.items() if metric.kind == kind]

        self._counters = {name: meter.create_counter(name, text) for name, text in of_kind("counter")}
        self._gauges = {name: meter.create_gauge(name, text) for name, text in of_kind("gauge")}
        self._lags = {name: meter.create_histogram_timedelta(name, text) for name, text in of_kind("histogram")}

    def happened(self, service: str, told: Told) -> None:
        for name, label, counts in (
            ("devsync_breaker_calls", "outcome", told.calls),
            ("devsync_breaker_probes", "outcome", told.probes),
            ("devsync_breaker_refusals", "why", told.refusals),
        ):
            for value, count in counts.items():
                if count:
                    self._counters[name].add(count, {"service": service, label: value.value})

    def stands(self, service: str, ruling: Ruling, *, is_in_touch: bool) -> None:
        of_service = {"service": service}
        kind = ruling.admission.kind
        self._gauges["devsync_breaker_state"].set(_NUMBERS[ruling.standing.state], of_service)
        self._gauges["devsync_breaker_paused"].set(int(kind is AdmissionKind.PAUSED), of_service)
        self._gauges["devsync_breaker_unreachable"].set(int(not is_in_touch), of_service)

    def changed(self, service: str, to: str) -> None:
        self._counters["devsync_breaker_transitions"].add(1, {"service": service, "to": to})

    def reported(self, service: str, lag: timedelta) -> None:
        self._lags["devsync_breaker_report_lag"].record(lag, {"service": service})
