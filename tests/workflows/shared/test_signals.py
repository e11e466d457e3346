"""A cancel that comes in the same workflow task as what a run waits for is heard."""

from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from devsync.contracts import names
from devsync.runtime.plugin import DevSyncPlugin
from tests.workflows.recovery_stage import request as recovery_request
from workflows.edition.recovering import report_of, start_recovery
from workflows.shared.signals import signal_if_open


@workflow.defn(name="SaysSomething", sandboxed=False)
class Says:
    @workflow.run
    async def run(self) -> None:
        await signal_if_open("hears:one", "said")


@workflow.defn(name="WaitsForRecovery", sandboxed=False)
class Waits:
    @workflow.run
    async def run(self) -> None:
        request = recovery_request(datetime(2026, 11, 23, 9, tzinfo=UTC))
        await report_of(request, await start_recovery(request, 1))


Event = tuple[str, dict[str, Any]]
OTHER = {"workflowId": "hears:one"}
SAID = {"workflowTaskCompletedEventId": "4", "workflowExecution": OTHER, "signalName": "said"}
SAYING = ("SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED", SAID)
ANSWERED = ("EXTERNAL_WORKFLOW_EXECUTION_SIGNALED", {"initiatedEventId": "5", "workflowExecution": OTHER})

RECOVERY = {"workflowId": "recovery:payments:2026-W47:github.collect:1", "runId": "1"}
CHILD = {"workflowType": {"name": names.RECOVERY}, "initiatedEventId": "5"}
BEGUN = (
    "START_CHILD_WORKFLOW_EXECUTION_INITIATED",
    CHILD | {"workflowTaskCompletedEventId": "4", "workflowId": RECOVERY["workflowId"]},
)
STARTED = ("CHILD_WORKFLOW_EXECUTION_STARTED", CHILD | {"workflowExecution": RECOVERY})
REPORTED = (
    "CHILD_WORKFLOW_EXECUTION_FAILED",
    CHILD | {"workflowExecution": RECOVERY, "startedEventId": "6", "failure": {"message": "a mistake"}},
)
CANCELLED = ("WORKFLOW_EXECUTION_CANCEL_REQUESTED", {"cause": "anna: enough"})


def history(kind: str, *meanwhile: Event) -> WorkflowHistory:
    """Of a run whose first workflow task does this, which then finds the others, and ends as cancelled."""
    events = [
        ("WORKFLOW_EXECUTION_STARTED", {"workflowType": {"name": kind}, "taskQueue": {"name": "any"}}),
        *_task(1),
        *meanwhile,
        *_task(4 + len(meanwhile)),
        ("WORKFLOW_EXECUTION_CANCELED", {"workflowTaskCompletedEventId": str(7 + len(meanwhile))}),
    ]
    numbered = [
        {
            "eventId": str(number),
            "eventTime": f"2026-11-23T09:00:{number:02}Z",
            "eventType": f"EVENT_TYPE_{event}",
            f"{_camel(event)}EventAttributes": attributes,
        }
        for number, (event, attributes) in enumerate(events, 1)
    ]
    return WorkflowHistory.from_json("one", {"events": numbered})


def _task(after: int) -> list[tuple[str, dict[str, Any]]]:
    scheduled, started = str(after + 1), str(after + 2)
    return [
        ("WORKFLOW_TASK_SCHEDULED", {"taskQueue": {"name": "any"}}),
        ("WORKFLOW_TASK_STARTED", {"scheduledEventId": scheduled}),
        ("WORKFLOW_TASK_COMPLETED", {"scheduledEventId": scheduled, "startedEventId": started}),
    ]


def _camel(kind: str) -> str:
    first, *others = kind.lower().split("_")
    return first + "".join(other.capitalize() for other in others)


async def replay(told: WorkflowHistory) -> None:
    await Replayer(workflows=[Says, Waits], plugins=[DevSyncPlugin()]).replay_workflow(told)


@pytest.mark.parametrize("meanwhile", [(ANSWERED, CANCELLED), (CANCELLED, ANSWERED)], ids=["after", "before"])
async def test_a_cancel_beside_the_answer_to_a_signal_ends_the_run(meanwhile: tuple[Event, ...]) -> None:
    await replay(history("SaysSomething", SAYING, *meanwhile))


@pytest.mark.parametrize("meanwhile", [(REPORTED, CANCELLED), (CANCELLED, REPORTED)], ids=["after", "before"])
async def test_a_cancel_beside_the_end_of_a_recovery_ends_the_run(meanwhile: tuple[Event, ...]) -> None:
    await replay(history("WaitsForRecovery", BEGUN, STARTED, *_task(6), *meanwhile))
