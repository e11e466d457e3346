"""`status`: the editions that run or ran lately, as Temporal knows them."""

import asyncio
from dataclasses import dataclass
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
from devsync.contracts.edition import ChannelResult, EditionProgress, EditionResult
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
            _edition_status(execution),
            f"{execution.start_time:%Y-%m-%d %H:%M}",
            shorten(state.now, _WIDEST_WORDS),
            _missing(state.gaps),
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
    return list(zip(executions, states, strict=True))


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
