"""`status`: the editions that run or ran lately, as Temporal knows them."""

from datetime import timedelta
from typing import Any

from rich.table import Table
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError

from commands.console import AsJson, Exit, command, emit, output
from devsync.contracts import names
from devsync.contracts.edition import EditionProgress
from devsync.runtime.connection import connect

_LIMIT = 20
_WIDEST = 500
_QUERY_TIMEOUT = timedelta(seconds=2)


@command
async def status(as_json: AsJson = False) -> Exit:
    """Show running and recent editions: phase, what is missing, channels."""
    client = await connect()
    query = f"WorkflowType IN ('{names.WEEKLY_CHANGELOG}', '{names.DELIVERY}')"
    runs = [await _row(client, execution) async for execution in client.list_workflows(query, limit=_LIMIT)]
    if as_json:
        emit({"runs": runs})
        return Exit.OK
    if not runs:
        output().print("no edition has run yet; start one: python starter.py run TEAM")
        return Exit.OK
    table = Table("workflow", "state", "edition", "started (UTC)", "now", box=None, pad_edge=False)
    for run in runs:
        started = run["started"][:16].replace("T", " ")
        table.add_row(run["workflow_id"], run["state"], run["edition_status"], started, run["now"])
    # As wide as it is, however narrow the terminal: the ids are what every other command asks for.
    needed = output(_WIDEST).measure(table).maximum
    output(max(output().width, needed)).print(table)
    return Exit.OK


async def _row(client: Client, execution: WorkflowExecution) -> dict[str, Any]:
    status_ = execution.status or WorkflowExecutionStatus.RUNNING
    return {
        "workflow_id": execution.id,
        "run_id": execution.run_id,
        "type": execution.workflow_type,
        "state": status_.name.lower(),
        "edition_status": str(execution.typed_search_attributes.get(names.EDITION_STATUS) or ""),
        "started": execution.start_time.isoformat(timespec="seconds"),
        "now": await _now(client, execution) if status_ is WorkflowExecutionStatus.RUNNING else "",
    }


async def _now(client: Client, execution: WorkflowExecution) -> str:
    if execution.workflow_type != names.WEEKLY_CHANGELOG:
        return ""
    handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
    try:
        progress: EditionProgress = await handle.query(
            "progress", result_type=EditionProgress, rpc_timeout=_QUERY_TIMEOUT
        )
    except RPCError:
        return "no worker answers"
    except WorkflowQueryFailedError:
        return "stuck: the workers' build cannot go on with its history"
    return f"{progress.phase.value}, {len(progress.units_done)} of {progress.units_total} sources"
