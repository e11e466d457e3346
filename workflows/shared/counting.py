"""What workflows tell of editions and deliveries as metrics: once, since a workflow's meter is silent in a replay."""

from collections.abc import Collection
from datetime import timedelta
from itertools import product

from temporalio import workflow
from temporalio.common import MetricMeter

from devsync.contracts import names
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionResult, EditionStatus, Phase
from devsync.runtime.metrics import declared

_MADE = tuple(status for status in EditionStatus if status.has_edition)
_RUN, _AMENDMENT = "run", "amendment"
"""What has made an edition."""
_SETTLED = (
    DeliveryState.DELIVERED,
    DeliveryState.KEPT,
    DeliveryState.UNCERTAIN,
    DeliveryState.FAILED,
    DeliveryState.DEAD,
)


def count_edition(result: EditionResult) -> None:
    """Of a run that was no dry run, when its result is known."""
    _count(result, _RUN)
    if not result.status.has_edition:
        return
    seconds = result.seconds.get("total", 0.0) - result.seconds.get(Phase.APPROVING, 0.0)
    declared.EDITION_GENERATION.durations(workflow.metric_meter()).record(
        timedelta(seconds=max(seconds, 0.0)), {"status": result.status.value}
    )


def count_amendment(result: EditionResult) -> None:
    """Of a revision that an amendment has made, when its channels have it or its deliveries go on. How long that took
    says nothing: it waited for others."""
    _count(result, _AMENDMENT)


def _count(result: EditionResult, made_by: str) -> None:
    meter = workflow.metric_meter()
    labels = {"team": result.team, "status": result.status.value, "made_by": made_by}
    declared.EDITIONS.counter(meter).add(1, labels)
    if result.status.has_edition and result.channels and result.is_everywhere:
        declared.EDITIONS_DELIVERED.counter(meter).add(1, labels)


def count_delivery(kind: str, state: DeliveryState) -> None:
    """Of a revision that is brought to the channel no more."""
    declared.DELIVERIES.counter(workflow.metric_meter()).add(1, {"kind": kind, "state": state.value})


def count_from_zero(meter: MetricMeter, namespace: str, teams: Collection[str]) -> None:
    """For a worker that begins: what happens first is an increase then, which Prometheus would not see otherwise."""
    of_runs = _as_of(meter, namespace, names.EDITIONS_QUEUE, names.WEEKLY_CHANGELOG)
    of_amendments = _as_of(meter, namespace, names.CONTROL_QUEUE, names.AMENDMENT)
    for told, made_by, statuses in ((of_runs, _RUN, tuple(EditionStatus)), (of_amendments, _AMENDMENT, _MADE)):
        for team, status in product(teams, statuses):
            labels = {"team": team, "status": status.value, "made_by": made_by}
            declared.EDITIONS.counter(told).add(0, labels)
            if status.has_edition:
                declared.EDITIONS_DELIVERED.counter(told).add(0, labels)
    of_deliveries = _as_of(meter, namespace, names.CONTROL_QUEUE, names.DELIVERY)
    for kind in names.CHANNEL_KINDS:
        for state in _SETTLED:
            declared.DELIVERIES.counter(of_deliveries).add(0, {"kind": kind, "state": state.value})


def _as_of(meter: MetricMeter, namespace: str, queue: str, workflow_type: str) -> MetricMeter:
    """With the labels that the SDK gives what a workflow tells."""
    return meter.with_additional_attributes(
        {"namespace": namespace, "task_queue": queue, "workflow_type": workflow_type}
    )
