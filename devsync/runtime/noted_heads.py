"""The audit's heads as Temporal remembers them: what nobody changes who only reaches the database."""

from temporalio.client import Client

from devsync.contracts import names
from devsync.contracts.records import RecordsKept
from devsync.domain.audit import Head

AT_MOST = 500
"""Runs that are asked, the newest first: of three weeks, one an hour."""


async def noted_heads(client: Client, database: str) -> dict[str, list[Head]]:
    """By team, what the runs of RecordKeeping have noted of that database, as far as Temporal keeps them."""
    query = f"WorkflowType = '{names.RECORD_KEEPING}' AND ExecutionStatus = 'Completed'"
    found: dict[str, dict[int, Head]] = {}
    async for run in client.list_workflows(query, limit=AT_MOST):
        handle = client.get_workflow_handle(run.id, run_id=run.run_id, result_type=RecordsKept)
        kept = await handle.result(follow_runs=False)
        if kept.database == database:
            for team, head in kept.heads.items():
                found.setdefault(team, {})[head.number] = head
    return {team: list(heads.values()) for team, heads in found.items()}
