"""Schedules in tests: the product's own, but for times that come within seconds."""

import asyncio
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import (
    ScheduleDescription,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleSpec,
    ScheduleState,
    WorkflowExecution,
    WorkflowExecutionStatus,
)

from commands.apply import Namespace, apply_configuration
from commands.stack import ROOT
from devsync.contracts import names
from devsync.contracts.due import EditionDue
from devsync.runtime.schedules import handle_of, team_schedule
from devsync.settings.configuration import Configuration, load_configuration
from tests.e2e.stage import Stage, eventually


def configuration(stage: Stage) -> Configuration:
    return load_configuration(stage.directory / "config")


async def apply(stage: Stage, **schedule: Any) -> Namespace:
    """The team's file gets this schedule, and what `apply` does is done."""
    stage.change_team(schedule=schedule)
    return await apply_configuration(stage.client, configuration(stage))


async def fast_schedule(stage: Stage, every: timedelta, *, is_paused: bool = False) -> ScheduleHandle:
    """The team's schedule, firing at whole multiples of `every`."""
    stage.change_team(schedule={"day": "monday", "time": "09:00"})
    schedule = team_schedule(configuration(stage).team(stage.team), datetime.now(UTC))
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)])
    return await stage.client.create_schedule(
        names.schedule_id(stage.team), replace(schedule, spec=spec, state=ScheduleState(paused=is_paused))
    )


async def described(stage: Stage) -> ScheduleDescription:
    return await handle_of(stage.client, stage.team).describe()


async def executions(stage: Stage, workflow_type: str) -> list[WorkflowExecution]:
    """Every run of the team, oldest first."""
    query = f'Team = "{stage.team}" AND WorkflowType = "{workflow_type}"'
    found = [execution async for execution in stage.client.list_workflows(query)]
    return sorted(found, key=lambda execution: execution.start_time)


async def firings(stage: Stage, count: int) -> list[EditionDue]:
    """The outcomes of so many firings, all that there are, once they are over; in the order of when they were due."""

    async def are_over() -> bool:
        runs = await executions(stage, names.EDITION_TRIGGER)
        assert len(runs) <= count
        return [run.status for run in runs] == [WorkflowExecutionStatus.COMPLETED] * count

    await eventually(are_over)
    outcomes = []
    for run in await executions(stage, names.EDITION_TRIGGER):
        handle = stage.client.get_workflow_handle(run.id, run_id=run.run_id, result_type=EditionDue)
        outcomes.append(await handle.result())
    return sorted(outcomes, key=lambda due: due.scheduled_at)


async def until_quiet(stage: Stage) -> None:
    """Until no edition and no delivery of the team runs."""

    async def is_quiet() -> bool:
        kinds = (names.EDITION_TRIGGER, names.WEEKLY_CHANGELOG, names.DELIVERY)
        runs = [run for kind in kinds for run in await executions(stage, kind)]
        return bool(runs) and all(run.status is not WorkflowExecutionStatus.RUNNING for run in runs)

    await eventually(is_quiet)


async def starter(stage: Stage, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of `python starter.py …` against the stage's servers."""
    environment = os.environ | stage.environment | {"COLUMNS": "200"} | variables
    process = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "starter.py", *arguments, env=environment, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()
