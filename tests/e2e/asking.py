"""Workflows that wait for people's decisions, as recoveries do, served by the test itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.client import WorkflowHandle
from temporalio.worker import Worker

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.escalation import (
    EscalationDecided,
    EscalationJoined,
    EscalationView,
    JoinEscalation,
    Subscriber,
)
from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision
from devsync.runtime.policies import UNDECLARED, activity_options
from tests.e2e.stage import Stage, eventually

QUEUE = "asking"


class Asked(Model):
    joined: EscalationJoined
    decided: EscalationDecided


@workflow.defn(sandboxed=False)
class Asking:
    def __init__(self) -> None:
        self._decided: EscalationDecided | None = None

    @workflow.run
    async def run(self, request: JoinEscalation) -> Asked:
        options = activity_options(contracts.JOIN_ESCALATION, UNDECLARED)
        options["task_queue"] = names.EDITIONS_QUEUE  # the worker that is looked at has it, and not the one of this run
        joined = await workflow.execute_activity(
            contracts.JOIN_ESCALATION.name, request, result_type=EscalationJoined, **options
        )
        await workflow.wait_condition(lambda: self._decided is not None)
        return Asked(joined=joined, decided=self._decided or EscalationDecided(escalation_id="", by=""))

    @workflow.signal
    def decided(self, decided: EscalationDecided) -> None:
        self._decided = decided


@asynccontextmanager
async def askers(stage: Stage) -> AsyncIterator[None]:
    async with Worker(stage.client, task_queue=QUEUE, workflows=[Asking]):
        yield


async def ask(
    stage: Stage,
    number: int = 1,
    *,
    service: str = names.GITHUB,
    severity: ErrorSeverity = ErrorSeverity.MEDIUM,
    choices: Sequence[Decision] = tuple(Decision),
    message: str = "github answered 503 (Service Unavailable)",
    **request: Any,
) -> WorkflowHandle[Any, Asked]:
    """One more workflow that waits."""
    workflow_id = f"asking:{number}:{stage.database}"
    failure = Failure(
        category=ErrorCategory.EXTERNAL_SERVICE, message=message, is_retryable=True, fingerprint=f"f-{stage.database}"
    )
    return await stage.client.start_workflow(
        Asking.run,
        JoinEscalation(
            service=service,
            failure=failure,
            severity=severity,
            subscriber=Subscriber(
                workflow_id=workflow_id,
                team=stage.team,
                iso_week=stage.week,
                subject=f"{stage.team} {stage.week}: 2 of 3 repositories",
                choices=tuple(choices),
            ),
            **request,
        ),
        id=workflow_id,
        task_queue=QUEUE,
        execution_timeout=timedelta(minutes=10),
    )


def escalation(stage: Stage, service: str = names.GITHUB) -> WorkflowHandle[Any, EscalationView]:
    return stage.client.get_workflow_handle(names.service_escalation_id(service), result_type=EscalationView)


async def view(stage: Stage) -> EscalationView:
    answer: EscalationView = await escalation(stage).query("state", result_type=EscalationView)
    return answer


async def until_told(stage: Stage, count: int = 1) -> None:
    """Until so many messages of ours stand in the channel of those who are asked, threads aside."""

    async def is_told() -> bool:
        return len(pages(stage)) >= count

    await eventually(is_told)


def pages(stage: Stage) -> list[Any]:
    return [message for message in stage.slack.channel_named("oncall").messages.values() if not message.is_reply]


def notes(stage: Stage) -> list[str]:
    return [message.text for message in stage.slack.channel_named("oncall").messages.values() if message.is_reply]
