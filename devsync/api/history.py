"""The recoveries that a program has asked for: those under way from Temporal, those that are over from the records."""

import asyncio
import logging
from datetime import timedelta
from typing import Final

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.client import WorkflowExecution as Run
from temporalio.service import RPCError

from devsync.api.core import Core
from devsync.api.executions import WorkflowExecution, recorded, reported
from devsync.contracts import names
from devsync.contracts.recovery import RecoveryReport
from devsync.runtime.connection import TemporalUnreachable
from devsync.runtime.open_runs import open_runs
from devsync.storage.recoveries import Recoveries

_ASKED_WITHIN: Final = timedelta(milliseconds=500)
"""Without a worker nobody tells how far a run has come."""

_log = logging.getLogger("devsync.api")


async def recent_executions(core: Core, limit: int) -> list[WorkflowExecution]:
    """Of this program, in all its processes: first those under way, then the last that ended; on the core's loop.

    Raises DatabaseUnavailable, NotMigrated, and ConfigError without a DATABASE_URL. While Temporal is away, those under
    way are missing, and a warning says so.
    """
    own = names.program_recovery_id(core.program, "")
    records = Recoveries(core.database)
    running, rows = await asyncio.gather(_running(core, own, limit), records.recent(limit, ids_begin=own))
    ended = [recorded(row) for row in rows]
    on_record = {execution.execution_id for execution in ended}
    return [*(one for one in running if one.execution_id not in on_record), *ended][:limit]


async def _running(core: Core, own: str, limit: int) -> list[WorkflowExecution]:
    query = f"{open_runs(names.RECOVERY)} AND WorkflowId STARTS_WITH '{own}'"
    try:
        client = await core.client()
        runs = [run async for run in client.list_workflows(query, limit=limit)]
    except (TemporalUnreachable, RPCError) as error:
        _log.warning("recoveries that are under way are not listed: %s", error)
        return []
    found = await asyncio.gather(*(_as_far_as_it_has_come(client, run) for run in runs))
    return sorted(found, key=lambda one: (one.started_at is not None, one.started_at), reverse=True)


async def _as_far_as_it_has_come(client: Client, run: Run) -> WorkflowExecution:
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    try:
        report: RecoveryReport = await handle.query("progress", result_type=RecoveryReport, rpc_timeout=_ASKED_WITHIN)
    except (RPCError, WorkflowQueryFailedError):
        return WorkflowExecution(execution_id=run.id, started_at=run.start_time)
    return reported(report)
