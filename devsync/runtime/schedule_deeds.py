"""What people do to a team's schedule: they pause it, resume it, and have it fire now."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from temporalio.client import Client, ScheduleActionResult, ScheduleDescription, WorkflowFailureError

from devsync.contracts import names
from devsync.domain.audit import AuditEntry, deed
from devsync.runtime.refusals import NotDone, NotThere
from devsync.runtime.schedule_states import Firing, firing_of
from devsync.runtime.schedules import describe, handle_of, scheduled_teams, started_by
from devsync.settings.problems import did_you_mean

FIRING_SECONDS = 5.0
"""Within this a server has started what was triggered."""
WORKER_SECONDS = 10.0
"""Within this a worker that is there has worked out the week."""


class NoSchedule(NotThere):
    """The team has none on the server."""


class NotFired(NotDone):
    """Nothing was started, or what was started failed."""


async def schedule_of(client: Client, team: str) -> ScheduleDescription:
    """Raises NoSchedule."""
    description = await describe(client, team)
    if description is None:
        known = await scheduled_teams(client)
        cure = did_you_mean(team, known, "run `python starter.py apply` when its file asks for one")
        raise NoSchedule(f'the team "{team}" has no schedule on the server; {cure}')
    return description


async def pause(client: Client, team: str, by: str, note: str = "") -> ScheduleDescription:
    """Nothing fires until it is resumed. Raises NoSchedule."""
    await schedule_of(client, team)
    await handle_of(client, team).pause(note=f"{by}: {note}" if note else f"paused by {by}")
    return await schedule_of(client, team)


async def resume(client: Client, team: str, by: str, note: str = "") -> ScheduleDescription:
    """Weeks that fell due meanwhile are not made up for. Raises NoSchedule."""
    await schedule_of(client, team)
    await handle_of(client, team).unpause(note=f"{by}: {note}" if note else f"resumed by {by}")
    return await schedule_of(client, team)


async def trigger(client: Client, team: str) -> Firing:
    """Fires now, also while paused. Waits for the week that it is about, as long as a worker takes that is there.

    Raises NoSchedule and NotFired.
    """
    action = await _fire(client, team)
    result = client.get_workflow_handle(started_by(action)).result()
    with suppress(TimeoutError, WorkflowFailureError):
        await asyncio.wait_for(result, WORKER_SECONDS)
    firing = await firing_of(client, action)
    if firing.state not in {"running", "completed"}:
        raise NotFired(f"{firing.due_id} {firing.state}: {firing.problem}")
    return firing


def in_audit(team: str, by: str, action: str, outcome: str, note: str = "") -> AuditEntry:
    """What the audit tells of it: `schedule.pause`, `schedule.resume`, `schedule.trigger`, `schedule.delete`."""
    return deed(
        team=team,
        by=by,
        at=datetime.now(UTC),
        what=names.schedule_id(team),
        action=f"schedule.{action}",
        outcome=outcome,
        note=note,
    )


async def _fire(client: Client, team: str) -> ScheduleActionResult:
    """What the server started. Triggers of the same second share one: their ids have whole seconds."""
    before = (await schedule_of(client, team)).info.num_actions
    await handle_of(client, team).trigger()
    deadline = asyncio.get_running_loop().time() + FIRING_SECONDS
    while True:
        info = (await schedule_of(client, team)).info
        is_over = asyncio.get_running_loop().time() > deadline
        if info.recent_actions and (info.num_actions > before or is_over):
            return info.recent_actions[-1]
        if is_over:
            raise NotFired(f"the server did not start anything within {FIRING_SECONDS:.0f} s")
        await asyncio.sleep(0.1)
