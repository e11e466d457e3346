"""Signals that workflows send one another, and those that they do not take."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.shared.waiting import unless_cancelled

REFUSALS_KEPT = 10
REFUSAL_LENGTH = 200


async def signal_if_open(workflow_id: str, name: str, *arguments: Any, run_id: str = "") -> bool:
    """False where that workflow, or that run of it, has closed, or never was."""
    handle = workflow.get_external_workflow_handle(workflow_id, run_id=run_id or None)
    try:
        await unless_cancelled(asyncio.create_task(handle.signal(name, args=arguments)))
    except ApplicationError as error:
        if error.type == "ExternalWorkflowExecutionNotFound":
            return False
        raise
    return True


def with_refusal(refused: Sequence[str], what: str, now: datetime) -> tuple[str, ...]:
    """The newest messages that a run did not take, as its story and queries have them."""
    return (*refused, f"{what[:REFUSAL_LENGTH]} at {now:%Y-%m-%d %H:%M:%S} UTC")[-REFUSALS_KEPT:]
