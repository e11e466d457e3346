"""What a process tells of its gates, beside Temporal's own metrics: exported with them (`telemetry`)."""

from datetime import timedelta

from temporalio.common import MetricMeter

from devsync.domain.breaker import AdmissionKind, State
from devsync.domain.breaker.view import Ruling
from devsync.runtime.breaker.ledger import Told
from devsync.runtime.metrics import declared

_NUMBERS = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}


class BreakerMetrics:
    def __init__(self, meter: MetricMeter) -> None:
        self._calls = declared.BREAKER_CALLS.counter(meter)
        self._probes = declared.BREAKER_PROBES.counter(meter)
        self._refusals = declared.BREAKER_REFUSALS.counter(meter)
        self._transitions = declared.BREAKER_TRANSITIONS.counter(meter)
        self._state = declared.BREAKER_STATE.gauge(meter)
        self._paused = declared.BREAKER_PAUSED.gauge(meter)
        self._unreachable = declared.BREAKER_UNREACHABLE.gauge(meter)
        self._lag = declared.BREAKER_REPORT_LAG.durations(meter)

    def happened(self, service: str, told: Told) -> None:
        for counter, label, counts in (
            (self._calls, "outcome", told.calls),
            (self._probes, "outcome", told.probes),
            (self._refusals, "why", told.refusals),
        ):
            for value, count in counts.items():
                if count:
                    counter.add(count, {"service": service, label: value.value})

    def stands(self, service: str, ruling: Ruling, *, is_in_touch: bool) -> None:
        of_service = {"service": service}
        kind = ruling.admission.kind
        self._state.set(_NUMBERS[ruling.standing.state], of_service)
        self._paused.set(int(kind is AdmissionKind.PAUSED), of_service)
        self._unreachable.set(int(not is_in_touch), of_service)

    def changed(self, service: str, to: str) -> None:
        self._transitions.add(1, {"service": service, "to": to})

    def reported(self, service: str, lag: timedelta) -> None:
        self._lag.record(lag, {"service": service})
