"""`status`: the editions that run or ran lately, as Temporal knows them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from textwrap import shorten
from typing import Any

from rich.table import Table
from rich.text import Text
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError

from commands.console import AsJson, Exit, command, emit, output, print_whole
from commands.documents import channel_document
from commands.editions import root_cause
from devsync.contracts import names
from devsync.contracts.delivery import DeliveryOutcome
from devsync.contracts.edition import ChannelResult, EditionProgress, EditionResult, EditionStatus
from devsync.domain.changelog.edition import Gap
from devsync.runtime.connection import connect

_LIMIT = 20
_WIDEST_WORDS = 80
_MOST_UNITS = 3
_PATIENCE = timedelta(seconds=2)


@dataclass(frozen=True)
class RunState:
    """What a run says of itself."""

    now: str = ""
    """What it does, or why it does nothing; empty for one that ended well."""
    gaps: tuple[Gap, ...] = ()
    channels: tuple[ChannelResult, ...] = ()
    amended: str = ""
    """Of a partial edition: what its week is now, `partial` or `complete`; empty where no amendment tells."""

    @property
    def is_whole_now(self) -> bool:
        return self.amended == EditionStatus.COMPLETE.value


@command
async def status(as_json: AsJson = False) -> Exit:
    """Show running and recent editions: phase, what is missing, channels."""
    client = await connect()
    runs = await runs_of(client)
    if as_json:
        emit({"runs": [_document(execution, state) for execution, state in runs]})
        return Exit.OK
    if not runs:
        output().print("no edition has run yet; start one: python starter.py run TEAM")
        return Exit.OK
    table = Table(
        *("workflow", "state", "edition", "started (UTC)", "now", "missing", "channels"), box=None, pad_edge=False
    )
    for execution, state in runs:
        cells = (
            execution.id,
            _status(execution).name.lower(),
            f"{_edition_status(execution)}, now complete" if state.is_whole_now else _edition_status(execution),
            f"{execution.start_time:%Y-%m-%d %H:%M}",
            shorten(state.now, _WIDEST_WORDS),
            "" if state.is_whole_now else _missing(state.gaps),
            ", ".join(f"{channel.channel} {channel.state.value}" for channel in state.channels),
        )
        table.add_row(*map(Text, cells))
    print_whole(table)
    return Exit.OK


async def runs_of(client: Client) -> list[tuple[WorkflowExecution, RunState]]:
    """The newest editions and deliveries. All are asked at the same time: each waits for a worker that may be away."""
    query = f"WorkflowType IN ('{names.WEEKLY_CHANGELOG}', '{names.DELIVERY}')"
    executions = [execution async for execution in client.list_workflows(query, limit=_LIMIT)]
    states = await asyncio.gather(*(_state(client, execution) for execution in executions))
    amended = await _amended(client, executions)
    return [
        (execution, replace(state, amended=amended.get(execution.id, "")))
        for execution, state in zip(executions, states, strict=True)
    ]


async def _amended(client: Client, executions: Sequence[WorkflowExecution]) -> dict[str, str]:
    """By the id of a partial edition: what its week is now, as the newest amendment of the week says."""
    editions = {}
    for execution in executions:
        attributes = execution.typed_search_attributes
        team, iso_week = attributes.get(names.TEAM) or "", attributes.get(names.ISO_WEEK) or ""
        is_partial = _edition_status(execution) == EditionStatus.PARTIAL.value
        if is_partial and execution.id == names.edition_id(team, iso_week):
            editions[names.amendment_id(team, iso_week)] = execution.id
    if not editions:
        return {}
    listed = ", ".join(f"'{amendment_id}'" for amendment_id in editions)
    found: dict[str, str] = {}
    async for amendment in client.list_workflows(f"WorkflowId IN ({listed})"):  # the newest first
        found.setdefault(editions[amendment.id], _edition_status(amendment))
    return found


async def _state(client: Client, execution: WorkflowExecution) -> RunState:
    """Of a run that is open from its query, which needs a worker; of a closed one from its result."""
    is_edition = execution.workflow_type == names.WEEKLY_CHANGELOG
    handle = client.get_workflow_handle(
        execution.id, run_id=execution.run_id, result_type=EditionResult if is_edition else DeliveryOutcome
    )
    try:
        if _status(execution) is not WorkflowExecutionStatus.RUNNING:
            result = await handle.result(follow_runs=False, rpc_timeout=_PATIENCE)
            return _delivery_state(result) if isinstance(result, DeliveryOutcome) else _edition_state(result)
        if is_edition:
            progress = await handle.query("progress", result_type=EditionProgress, rpc_timeout=_PATIENCE)
            return RunState(_doing(progress), progress.gaps, progress.channels)
        return _delivery_state(await handle.query("outcome", result_type=DeliveryOutcome, rpc_timeout=_PATIENCE))
    except WorkflowQueryFailedError:
        return RunState("stuck: the workers' build cannot go on with its history")
    except WorkflowFailureError as error:
        return RunState(root_cause(error))
    except RPCError:
        is_open = _status(execution) is WorkflowExecutionStatus.RUNNING
        return RunState("no worker answers" if is_open else "forgotten by the server")


def _doing(progress: EditionProgress) -> str:
    """`collect, 2 of 6 sources, recovers github, people are asked`."""
    done = f"{progress.phase.value}, {len(progress.units_done)} of {progress.units_total} sources"
    recovers = [f"recovers {one.service}" for one in progress.recoveries if one.outcome == "running"]
    asks = ["people are asked"] if recovers and progress.escalations else []
    return ", ".join([done, *recovers, *asks])


def _edition_state(result: EditionResult) -> RunState:
    return RunState(gaps=result.gaps, channels=result.channels)


def _delivery_state(outcome: DeliveryOutcome) -> RunState:
    return RunState(
        channels=(
            ChannelResult(
                channel=outcome.channel,
                kind=outcome.kind,
                state=outcome.state,
                message_id=outcome.message_id or None,
                reason=outcome.reason,
            ),
        )
    )


def _document(execution: WorkflowExecution, state: RunState) -> dict[str, Any]:
    return {
        "workflow_id": execution.id,
        "run_id": execution.run_id,
        "type": execution.workflow_type,
        "state": _status(execution).name.lower(),
        "edition_status": _edition_status(execution),
        "amended_to": state.amended,
        "started": execution.start_time.isoformat(timespec="seconds"),
        "now": state.now,
        "gaps": [gap.model_dump(mode="json") for gap in state.gaps],
        "channels": [channel_document(channel) for channel in state.channels],
    }


def _status(execution: WorkflowExecution) -> WorkflowExecutionStatus:
    return execution.status or WorkflowExecutionStatus.RUNNING


def _edition_status(execution: WorkflowExecution) -> str:
    return str(execution.typed_search_attributes.get(names.EDITION_STATUS) or "")


def _missing(gaps: tuple[Gap, ...]) -> str:
    """The units; of many, the first."""
    units = [gap.unit for gap in gaps]
    rest = [f"and {len(units) - _MOST_UNITS} more"] if len(units) > _MOST_UNITS else []
    return ", ".join([*units[:_MOST_UNITS], *rest])
