"""Editions from outside of their workflows: starting one."""

from datetime import datetime
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from devsync.contracts import names
from devsync.contracts.edition import EditionRequest, EditionResult


async def start_edition(
    client: Client,
    team: str,
    iso_week: str,
    *,
    requested_by: str,
    is_dry_run: bool = False,
    scheduled_at: datetime | None = None,
    deliver: bool = True,
    replace: bool = False,
) -> WorkflowHandle[Any, EditionResult]:
    """Starts the week's edition, or joins the run that is under way: the workflow id is the lock.

    A run that is joined delivers from now on unless `deliver` is False, which changes nothing about it. It does not
    learn of `replace`: post the edition also over a revision that is more complete.
    """
    workflow_id = names.preview_id(team, iso_week) if is_dry_run else names.edition_id(team, iso_week)
    return await client.start_workflow(
        names.WEEKLY_CHANGELOG,
        EditionRequest(
            team=team,
            iso_week=iso_week,
            scheduled_at=scheduled_at,
            is_dry_run=is_dry_run,
            deliver=deliver,
            requested_by=requested_by,
            replace=replace,
        ),
        id=workflow_id,
        task_queue=names.EDITIONS_QUEUE,
        result_type=EditionResult,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        start_signal="deliver" if deliver and not is_dry_run else None,
        static_summary=f"Changelog of {team} for {iso_week}{' (dry run)' if is_dry_run else ''}",
    )
