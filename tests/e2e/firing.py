"""Schedules in tests: the product's own, but for times that come within seconds."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import (
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionResult,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleIntervalSpec,
    SchedulePolicy,
    ScheduleSpec,
    WorkflowHandle,
)

from commands.apply import Namespace, apply_configuration
from devsync.contracts import names
from devsync.contracts.due import EditionDue
from devsync.runtime.schedules import handle_of, team_schedule
from devsync.settings.configuration import Configuration, load_configuration
from tests.e2e.stage import PATIENCE_SECONDS, Stage, eventually


def configuration(stage: Stage) -> Configuration:
    return load_configuration(stage.directory / "config")


async def apply(stage: Stage, **schedule: Any) -> Namespace:
    """The team's file gets this schedule, and what `apply` does is done."""
    stage.change_team(schedule=schedule)
    return await apply_configuration(stage.client, configuration(stage))


async def fast_schedule(stage: Stage, every: timedelta, policy: SchedulePolicy | None = None) -> ScheduleHandle:
    """The team's schedule, firing at whole multiples of `every`; `policy` None is the product's."""
    stage.change_team(schedule={"day": "monday", "time": "09:00"})
    schedule = team_schedule(configuration(stage).team(stage.team), datetime.now(UTC))
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)])
    return await stage.client.create_schedule(
        names.schedule_id(stage.team), replace(schedule, spec=spec, policy=policy or schedule.policy)
    )


async def described(stage: Stage) -> ScheduleDescription:
    return await handle_of(stage.client, stage.team).describe()


async def firings(stage: Stage, count: int) -> list[EditionDue]:
    """The outcomes of so many firings, all that there are, once they are over; in the order of when they were due.

    The schedule itself names what it started, the last ten: the server's lists of runs lag behind.
    """

    async def have_fired() -> bool:
        fired = (await described(stage)).info.num_actions
        assert fired <= count
        return fired == count

    await eventually(have_fired)
    started = (await described(stage)).info.recent_actions
    assert len(started) == count
    due = [await asyncio.wait_for(_run_of(stage, action).result(), PATIENCE_SECONDS) for action in started]
    return sorted(due, key=lambda one: one.scheduled_at)


async def until_quiet(stage: Stage, *due: EditionDue) -> None:
    """Until the editions that these firings led to are over, and their deliveries."""
    for one in due:
        edition = stage.client.get_workflow_handle(one.edition_id, run_id=one.edition_run_id or None)
        await asyncio.wait_for(edition.result(), PATIENCE_SECONDS)
        await asyncio.wait_for(stage.delivery(one.iso_week).result(), PATIENCE_SECONDS)


def _run_of(stage: Stage, action: ScheduleActionResult) -> WorkflowHandle[Any, EditionDue]:
    execution = action.action
    assert isinstance(execution, ScheduleActionExecutionStartWorkflow)
    return stage.client.get_workflow_handle(
        execution.workflow_id, run_id=execution.first_execution_run_id, result_type=EditionDue
    )
