"""`apply`: makes the Temporal namespace what this build and the configuration need; idempotent, run at every deploy."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from temporalio.client import Client

from commands.console import AsJson, Exit, command, emit, progress
from commands.person import me
from commands.times import local_time
from devsync.contracts import names
from devsync.runtime.breaker.operations import BreakerOperations, Rules
from devsync.runtime.connection import connect, register_search_attributes
from devsync.runtime.monitor import MonitorOperations, Started
from devsync.runtime.record_schedule import apply_records
from devsync.runtime.refresh_schedules import apply_refresh, delete_refresh
from devsync.runtime.schedules import Applied, Change, apply_schedule, handle_of, scheduled_teams
from devsync.runtime.side_by_side import side_by_side
from devsync.settings.configuration import Configuration, load_configuration
from devsync.settings.durations import format_duration
from devsync.settings.environment import read_environment


@dataclass(frozen=True)
class Namespace:
    """What was applied."""

    name: str
    search_attributes_added: list[str]
    schedules: dict[str, Applied]
    """By team."""
    orphans: list[str]
    """Teams that have a schedule on the server and none in a file."""
    is_pruned: bool
    """Whether the orphans' schedules were deleted."""
    refreshes: dict[str, Change]
    """What became of the schedules that refresh the sources between editions, by team."""
    breakers: dict[str, Rules]
    """What became of each breaker's rules, by service."""
    records: Change
    """What became of the schedule that keeps the records."""
    monitor: Started
    """What became of the monitor."""


@command
async def apply(
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete the schedules of teams that have none in a file any more.")
    ] = False,
    as_json: AsJson = False,
) -> Exit:
    """Bring search attributes, schedules and the breakers' rules to what the files say, and start the monitor.

    Pauses of schedules stay, and so does what an operator has decided about a breaker.
    """
    configuration = load_configuration(read_environment().config_dir)
    applied = await apply_configuration(await connect(), configuration, prune=prune)
    if as_json:
        emit(_document(applied))
    else:
        for line in lines(applied, configuration):
            typer.echo(line)
    for team in [] if prune else applied.orphans:
        progress.print(f"the schedule of {team} has no team file that asks for it; it goes on firing", markup=False)
    if applied.orphans and not prune:
        progress.print("delete it with `schedule delete TEAM`, or all of them with `apply --prune`", markup=False)
    return Exit.OK


async def apply_configuration(client: Client, configuration: Configuration, *, prune: bool = False) -> Namespace:
    """Search attributes first: what is started is marked with some."""
    added = await register_search_attributes(client)
    teams = [name for name, team in configuration.teams.items() if team.schedule]
    applied = await side_by_side(lambda name: apply_schedule(client, configuration.team(name)), teams)
    orphans = [team for team in await scheduled_teams(client) if team not in teams]
    if prune:
        for team in orphans:
            await handle_of(client, team).delete()
            await delete_refresh(client, team)
    refreshes = await apply_refreshes(client, configuration)
    breakers = await apply_breakers(client, configuration)
    records = await apply_records(client, configuration.records)
    monitor = await apply_monitor(client, configuration)
    return Namespace(
        client.namespace,
        added,
        dict(zip(teams, applied, strict=True)),
        orphans,
        prune,
        refreshes,
        breakers,
        records,
        monitor,
    )


async def apply_refreshes(client: Client, configuration: Configuration) -> dict[str, Change]:
    """By team, for those that have such a schedule or had one."""
    teams = list(configuration.teams)
    changes = await side_by_side(lambda name: apply_refresh(client, configuration.team(name)), teams)
    return {team: change for team, change in zip(teams, changes, strict=True) if change is not None}


async def apply_breakers(client: Client, configuration: Configuration) -> dict[str, Rules]:
    """Makes the breakers that are not there yet, and sends rules to those that have others."""
    operations, services = BreakerOperations(client), configuration.services
    who = f"{me()}, by apply"
    rules = [operations.apply_rules(name, services.breaker(name), who) for name in services.guarded]
    return dict(zip(services.guarded, await asyncio.gather(*rules), strict=True))


async def apply_monitor(client: Client, configuration: Configuration) -> Started:
    """Starts it where it does not run; its settings it reads by itself. One that runs and is switched off goes on, and
    looks at nothing."""
    if not configuration.monitoring.enable_real_time_monitoring:
        return Started.OFF
    return await MonitorOperations(client).start()


def lines(applied: Namespace, configuration: Configuration) -> list[str]:
    """What a person reads, a line a fact."""
    added = applied.search_attributes_added
    what = f"added {', '.join(added)}" if added else "all there already"
    told = [f"namespace {applied.name}: search attributes {what}"]
    for team, schedule in applied.schedules.items():
        state, upcoming = schedule.description.schedule.state, schedule.description.info.next_action_times
        when = f"next {local_time(upcoming[0], configuration.team(team).timezone)}" if upcoming else "never again"
        if state.paused:
            when = f"paused: {state.note or 'no reason given'}"
        told.append(f"schedule of {team} {schedule.change.value}, {when}")
        if schedule.caught_up:
            told.append(f"  {schedule.caught_up} was due before this change and had not run: started now")
    for team, change in applied.refreshes.items():
        every = format_duration(configuration.team(team).refresh.every)
        how_often = "" if change is Change.DELETED else f", every {every}"
        told.append(f"refresh of the sources of {team} {change.value}{how_often}")
    often = format_duration(configuration.records.anchor_every)
    told.append(f"keeping of the records {applied.records.value}, every {often}")
    told.append(f"monitor {applied.monitor.value}")
    for rules in Rules:
        services = [service for service, became in applied.breakers.items() if became is rules]
        if services:
            told.append(f"rules of the breakers of {', '.join(services)} {rules.value}")
    if applied.is_pruned:
        told += [f"schedule of {team} deleted: no team file asks for it" for team in applied.orphans]
    return told


def _document(applied: Namespace) -> dict[str, Any]:
    return {
        "namespace": applied.name,
        "search_attributes_added": applied.search_attributes_added,
        "schedules": [
            {
                "team": team,
                "schedule_id": names.schedule_id(team),
                "change": schedule.change.value,
                "paused": schedule.description.schedule.state.paused,
                "note": schedule.description.schedule.state.note,
                "next": [
                    time.isoformat(timespec="seconds") for time in schedule.description.info.next_action_times[:3]
                ],
                "caught_up": schedule.caught_up,
            }
            for team, schedule in applied.schedules.items()
        ],
        "refreshes": [
            {"team": team, "schedule_id": names.refresh_id(team), "change": change.value}
            for team, change in applied.refreshes.items()
        ],
        "breakers": [{"service": service, "rules": rules.value} for service, rules in applied.breakers.items()],
        "records": {"schedule_id": names.RECORDS_ID, "change": applied.records.value},
        "monitor": {"workflow_id": names.MONITOR_ID, "change": applied.monitor.value},
        "orphans": [{"team": team, "deleted": applied.is_pruned} for team in applied.orphans],
    }
