"""Editions of a real worker on real servers that meet the faults of the matrix, many at once, and what came of each."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from temporalio.client import WorkflowHandle

from commands.apply import apply_breakers
from commands.editions import start_edition
from devsync.contracts import names
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionResult
from devsync.runtime.breaker.operations import BreakerOperations
from devsync.settings.configuration import load_configuration
from sandbox.request_log import RequestRecord
from tests.e2e.stage import Stage, eventually, key_of, stage_for
from tests.faults.casts import HTTP_READ, RESERVE, WEEK, Cast, Company
from tests.faults.endings import ATTEMPTS, End, Ending
from tests.faults.matrix import SLACK
from tests.servers import Servers

PATIENCE_SECONDS = 150
SERVICES = (names.GITHUB, names.JIRA, names.SLACK)


class Tried(NamedTuple):
    """What Temporal's history says of one thing that was asked or posted."""

    attempts: int
    waited: timedelta
    """From when it was first wanted until its last attempt began."""


class Seen(NamedTuple):
    """What became of one thing that met a fault."""

    ending: Ending
    waited: timedelta
    category: str
    """Of a gap."""


class Played(NamedTuple):
    """All editions of a company, when they are over."""

    seen: dict[tuple[str, str, str], Seen]
    """By API, fault and how it struck."""
    results: dict[tuple[str, str], EditionResult]
    """By API and how."""
    things: dict[tuple[str, str, str], str]
    """What met the fault, likewise."""
    calls: list[RequestRecord]
    keys: Counter[str]
    """Of all messages: one that occurs twice was posted twice."""


async def play(company: Company, servers: Servers, directory: Path) -> Played:
    """What strikes one thing, once or always, first; then closed ports; then an hour's pause."""
    async with stage_for(company.world, servers, directory) as stage:
        _configure(stage, company)
        async with stage.worker():
            await _with_breakers(stage)
            editions = await _met(stage, [*company.once, *company.always])
            editions += await _met(stage, company.closed)
            editions += await _met(stage, company.paused)
        messages = [message for channel in stage.slack.channels.values() for message in channel.messages.values()]
        return Played(
            seen={(cast.api, name, cast.how): seen for cast, _, found in editions for name, seen in found.items()},
            results={(cast.api, cast.how): result for cast, result, _ in editions},
            things={(cast.api, role.row.name, cast.how): role.thing for cast, _, _ in editions for role in cast.roles},
            calls=stage.sandbox.log.select(),
            keys=Counter(key_of(message) for message in messages if message.metadata),
        )


Edition = tuple[Cast, EditionResult, dict[str, Seen]]


def _configure(stage: Stage, company: Company) -> None:
    for service in SERVICES:
        stage.change_service(service, "timeouts", http_read=HTTP_READ)
    for service in ("github", "jira"):
        stage.change_service(service, "retry", attempts=ATTEMPTS)
    # What recoveries make of it is told elsewhere: here is seen what the policies' own tries come to.
    plans = stage.directory / "config" / "recovery.yaml"
    plans.write_text(yaml.safe_dump({"rendering": yaml.safe_load(plans.read_text())["rendering"]}))
    # As many tries as a source has; the next one comes when the edition has long been reported.
    stage.change_delivery(delivery_reserve=RESERVE, slack={"retry_schedule": ["1s"] * (ATTEMPTS - 1) + ["1h"]})
    for cast in company.casts:
        path = stage.directory / "config" / "teams" / f"{cast.team.team}.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | cast.file(), sort_keys=False))


async def _with_breakers(stage: Stage) -> None:
    """None opens under the stage's rules. A new one judges by the defaults until it has read them."""
    operations = BreakerOperations(stage.client)
    await apply_breakers(stage.client, load_configuration(stage.directory / "config"))

    async def are_configured() -> bool:
        snapshots = [await operations.snapshot(service) for service in SERVICES]
        return all(snapshot is not None and snapshot.is_configured for snapshot in snapshots)

    await eventually(are_configured)


async def _met(stage: Stage, casts: Sequence[Cast]) -> list[Edition]:
    """The casts' editions, all at once, while the faults of their roles are in force."""
    for cast in casts:
        for role in cast.roles:
            if fault := role.fault(cast.how):
                stage.sandbox.faults.add(fault)
    editions = await asyncio.gather(*(_edition(stage, cast) for cast in casts))
    stage.sandbox.faults.clear()
    return editions


async def _edition(stage: Stage, cast: Cast) -> Edition:
    handle = await start_edition(stage.client, cast.team.team, WEEK)
    result = await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
    see = _channels if cast.api == SLACK else _sources
    return cast, result, await see(stage, cast, handle, result)


async def _sources(
    stage: Stage, cast: Cast, handle: WorkflowHandle[Any, EditionResult], result: EditionResult
) -> dict[str, Seen]:
    tried, gaps = await _tried(handle), {gap.unit: gap for gap in result.gaps}
    unit_of = names.project_unit if cast.api.startswith("jira") else names.repository_unit
    found = {}
    for role in cast.roles:
        unit = unit_of(role.thing)
        attempts, waited = tried[f"Collect {unit}"]
        end = End.GAP if unit in gaps else End.COMPLETE
        found[role.row.name] = Seen(Ending(end, attempts), waited, gaps[unit].category if unit in gaps else "")
    return found


ENDS = {
    DeliveryState.DELIVERED: End.DELIVERED,
    DeliveryState.QUEUED: End.QUEUED,
    DeliveryState.FAILED: End.FAILED,
}


async def _channels(
    stage: Stage, cast: Cast, _handle: WorkflowHandle[Any, EditionResult], result: EditionResult
) -> dict[str, Seen]:
    states = {channel.channel: channel.state for channel in result.channels}
    found = {}
    for role in cast.roles:
        delivery = stage.client.get_workflow_handle(names.delivery_id(cast.team.team, WEEK, f"slack-{role.thing}"))
        attempts, waited = (await _tried(delivery))[f"Post the channel message in #{role.thing}"]
        found[role.row.name] = Seen(Ending(ENDS[states[f"#{role.thing}"]], attempts), waited, "")
    return found


async def _tried(handle: WorkflowHandle[Any, Any]) -> dict[str, Tried]:
    """By the summary of the activity."""
    wanted: dict[int, str] = {}
    tried: dict[str, Tried] = {}
    first: dict[str, datetime] = {}
    async for event in handle.fetch_history_events():
        at = event.event_time.ToDatetime(UTC)
        if event.HasField("activity_task_scheduled_event_attributes"):
            wanted[event.event_id] = json.loads(event.user_metadata.summary.data)
            first.setdefault(wanted[event.event_id], at)
        elif event.HasField("activity_task_started_event_attributes"):
            started = event.activity_task_started_event_attributes
            summary = wanted[started.scheduled_event_id]
            before = tried[summary].attempts if summary in tried else 0
            tried[summary] = Tried(before + started.attempt, at - first[summary])
    return tried
