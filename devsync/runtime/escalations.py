"""Escalations from outside of workflows: which are open, and what a person says to one."""

import asyncio
from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from devsync.contracts import names
from devsync.contracts.escalation import EscalationAnswer, EscalationView
from devsync.domain.model import Model
from devsync.runtime.connection import missing_namespace
from devsync.runtime.open_runs import open_runs
from devsync.runtime.pollers import is_polled
from devsync.runtime.refusals import NotDone, NotThere, refusal

OPEN: Final = open_runs(names.ESCALATION)
ANSWER_TIMEOUT: Final = timedelta(seconds=10)

_SILENT: Final = (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED, RPCStatusCode.FAILED_PRECONDITION)


class EscalationSilent(NotDone):
    """No worker answers for the escalation."""


class EscalationRefused(NotDone):
    """The escalation refused what was said, and nothing has changed."""


class EscalationOver(NotThere):
    """There is no open escalation of that id."""


class EscalationOperations:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def open_ones(self) -> list[EscalationView]:
        """The oldest first; only the id is known of one that no worker answers for."""
        runs = sorted([run async for run in self._client.list_workflows(OPEN)], key=lambda run: run.start_time)
        views = await asyncio.gather(*(self._view(run.id) for run in runs))
        # One that is decided tells people so before it ends.
        return [view for view in views if view.record is None or view.record.is_open]

    async def view(self, escalation_id: str) -> EscalationView:
        """Raises EscalationSilent and EscalationOver."""
        handle = self._client.get_workflow_handle(escalation_id)
        try:
            answer: EscalationView = await handle.query(
                "state", result_type=EscalationView, rpc_timeout=ANSWER_TIMEOUT
            )  # fmt: skip
        except WorkflowQueryFailedError as error:
            raise EscalationSilent(_silence(escalation_id)) from error
        except RPCError as error:
            raise _meaning(error, escalation_id, _silence(escalation_id)) from error
        return answer

    async def say(self, escalation_id: str, update: str, message: Model) -> EscalationAnswer:
        """Raises EscalationRefused, EscalationOver and EscalationSilent."""
        if not await is_polled(self._client, names.CONTROL_QUEUE):
            raise EscalationSilent(f"no worker runs that could answer for {escalation_id}; start one")
        handle = self._client.get_workflow_handle(escalation_id)
        pending = (
            f"no worker has answered for {escalation_id} within {ANSWER_TIMEOUT.total_seconds():g} s, and the next one "
            "that comes may still take what was said; look with: python starter.py escalation list"
        )
        try:
            answer: EscalationAnswer = await handle.execute_update(
                update, message, result_type=EscalationAnswer, rpc_timeout=ANSWER_TIMEOUT
            )
        except WorkflowUpdateFailedError as error:
            raise refusal(error, EscalationRefused) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise EscalationSilent(pending) from error
        except RPCError as error:
            raise _meaning(error, escalation_id, pending) from error
        return answer

    async def _view(self, escalation_id: str) -> EscalationView:
        try:
            return await self.view(escalation_id)
        except (EscalationSilent, EscalationOver):
            return EscalationView(escalation_id=escalation_id)


def _silence(escalation_id: str) -> str:
    return f"no worker answers for {escalation_id}; start one, or look at its log"


def _meaning(error: RPCError, escalation_id: str, silence: str) -> Exception:
    """What to raise for it; the server's own errors stay what they are."""
    if missing_namespace(error):
        return error
    if error.status is RPCStatusCode.NOT_FOUND:
        return EscalationOver(f"{escalation_id} is not open; see python starter.py escalation list")
    return EscalationSilent(silence) if error.status in _SILENT else error
