"""What workflows tell of editions and deliveries as metrics: once, since a workflow's meter is silent in a replay."""

from collections.abc import Iterable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import MetricMeter

from devsync.contracts import names
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionResult, EditionStatus, Phase
from devsync.runtime.metrics import declared
from workflows.results import is_everywhere

_MADE = (EditionStatus.COMPLETE, EditionStatus.PARTIAL)
_SETTLED = (
    DeliveryState.DELIVERED,
    DeliveryState.KEPT,
    DeliveryState.UNCERTAIN,
    DeliveryState.FAILED,
    DeliveryState.DEAD,
)


def count_edition(result: EditionResult) -> None:
    """Of a run that was no dry run, when its result is known."""
    meter = workflow.metric_meter()
    labels = {"team": result.team, "status": result.status.value}
    declared.EDITIONS.counter(meter).add(1, labels)
    if result.status not in _MADE:
        return
    if result.channels and is_everywhere(result):
        declared.EDITIONS_DELIVERED.counter(meter).add(1, labels)
    seconds = result.seconds.get("total", 0.0) - result.seconds.get(Phase.APPROVING, 0.0)
    declared.EDITION_GENERATION.durations(meter).record(
        timedelta(seconds=max(seconds, 0.0)), {"status": result.status.value}
    )


def count_delivery(kind: str, state: DeliveryState) -> None:
    """Of a revision that is brought to the channel no more."""
    declared.DELIVERIES.counter(workflow.metric_meter()).add(1, {"kind": kind, "state": state.value})


def count_from_zero(meter: MetricMeter, namespace: str, teams: Iterable[str]) -> None:
    """For a worker that begins: what happens first is an increase then, which Prometheus would not see otherwise."""
    of_editions = _as_of(meter, namespace, names.EDITIONS_QUEUE, names.WEEKLY_CHANGELOG)
    for team in teams:
        for status in EditionStatus:
            declared.EDITIONS.counter(of_editions).add(0, {"team": team, "status": status.value})
        for status in _MADE:
            declared.EDITIONS_DELIVERED.counter(of_editions).add(0, {"team": team, "status": status.value})
    of_deliveries = _as_of(meter, namespace, names.CONTROL_QUEUE, names.DELIVERY)
    for kind in names.CHANNEL_KINDS:
        for state in _SETTLED:
            declared.DELIVERIES.counter(of_deliveries).add(0, {"kind": kind, "state": state.value})


def _as_of(meter: MetricMeter, namespace: str, queue: str, workflow_type: str) -> MetricMeter:
    """With the labels that the SDK gives what a workflow tells."""
    return meter.with_additional_attributes(
        {"namespace": namespace, "task_queue": queue, "workflow_type": workflow_type}
    )
