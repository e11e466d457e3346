"""Schedules on the real server: what `apply` makes of a team's file, and what stays the operators' own."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from temporalio.client import ScheduleOverlapPolicy, ScheduleUpdate, ScheduleUpdateInput

from commands.person import me
from devsync.runtime.schedules import Change, digest_of, handle_of, scheduled_teams
from devsync.settings.team import DAYS
from sandbox.worlds.demo import demo_world
from tests.e2e.firing import apply, described
from tests.e2e.stage import Stage, eventually, stage_for
from tests.servers import Servers, running_temporal

MONDAY_NINE = {"day": "monday", "time": "09:00", "jitter": "2m"}
FRIDAY_EVENING = {"day": "friday", "time": "17:30"}
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def own_stage(servers: Servers, tmp_path: Path) -> AsyncIterator[Stage]:
    """With a server of its own, for what concerns every schedule of a namespace."""
    async with running_temporal() as temporal:
        own = Servers(servers.postgres, temporal)
        async with stage_for(demo_world("2026-W47"), own, tmp_path) as stage:
            yield stage


async def test_apply_makes_a_schedule_as_the_file_says(stage: Stage) -> None:
    applied = (await apply(stage, **MONDAY_NINE)).schedules[stage.team]
    assert applied.change is Change.CREATED
    assert applied.description.id == f"changelog:{stage.team}"
    for at in applied.description.info.next_action_times:
        local = at.astimezone(BERLIN)
        assert (local.weekday(), local.hour) == (0, 9)
        assert local.minute * 60 + local.second <= 120
    policy = applied.description.schedule.policy
    assert (policy.overlap, policy.catchup_window) == (ScheduleOverlapPolicy.ALLOW_ALL, timedelta(days=6))


async def test_apply_leaves_alone_what_is_as_the_file_says(stage: Stage) -> None:
    made = (await apply(stage, **MONDAY_NINE)).schedules[stage.team]
    again = (await apply(stage, **MONDAY_NINE)).schedules[stage.team]
    assert again.change is Change.UNCHANGED
    assert again.description.info.last_updated_at == made.description.info.last_updated_at


async def test_apply_follows_a_changed_file_and_the_memo_tells_which(stage: Stage) -> None:
    made = (await apply(stage, **MONDAY_NINE)).schedules[stage.team]
    changed = (await apply(stage, **FRIDAY_EVENING)).schedules[stage.team]
    assert changed.change is Change.UPDATED
    assert {at.astimezone(BERLIN).weekday() for at in changed.description.info.next_action_times} == {4}
    digests = [await digest_of(made.description), await digest_of(changed.description)]
    assert None not in digests
    assert digests[0] != digests[1]


async def test_a_schedule_that_somebody_bent_by_hand_is_put_right(stage: Stage) -> None:
    await apply(stage, **MONDAY_NINE)

    def bend(current: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = current.description.schedule
        schedule.policy.catchup_window = timedelta(minutes=1)
        return ScheduleUpdate(schedule)

    await handle_of(stage.client, stage.team).update(bend)
    assert (await apply(stage, **MONDAY_NINE)).schedules[stage.team].change is Change.UPDATED
    assert (await described(stage)).schedule.policy.catchup_window == timedelta(days=6)


async def test_an_operators_pause_and_note_survive_apply(stage: Stage) -> None:
    await apply(stage, **MONDAY_NINE)
    code, output, _ = await stage.starter("schedule", "pause", stage.team, "--note", "moving house")
    assert code == 0
    assert "paused" in output
    for schedule in (MONDAY_NINE, FRIDAY_EVENING):
        await apply(stage, **schedule)
        state = (await described(stage)).schedule.state
        assert state.paused
        assert (state.note or "").endswith(": moving house")
    code, output, _ = await stage.starter("schedule", "resume", stage.team)
    assert code == 0
    assert "resumed, next Fri" in output
    assert not (await described(stage)).schedule.state.paused
    audit = stage.rows(
        "SELECT actor, action, outcome, context FROM audit WHERE action LIKE 'schedule.%' ORDER BY number"
    )
    assert [(row["action"], row["outcome"], row["context"]["note"]) for row in audit] == [
        ("schedule.pause", "paused", "moving house"),
        ("schedule.resume", "active", ""),
    ]
    assert {row["actor"] for row in audit} == {me()}


async def test_without_a_database_it_is_done_and_said_not_to_be_in_the_audit(stage: Stage) -> None:
    await apply(stage, **MONDAY_NINE)
    code, _, errors = await stage.starter("schedule", "pause", stage.team, DATABASE_URL="")
    assert (code, "it is done, and not in the audit: DATABASE_URL" in errors) == (0, True)
    assert (await described(stage)).schedule.state.paused


async def test_a_schedule_outlives_its_file_until_somebody_says_so(own_stage: Stage) -> None:
    stage = own_stage
    await apply(stage, **MONDAY_NINE)

    async def is_listed() -> bool:
        return await scheduled_teams(stage.client) == [stage.team]

    await eventually(is_listed)
    (stage.directory / "config" / "teams" / f"{stage.team}.yaml").unlink()
    code, _, errors = await stage.starter("apply")
    assert code == 0
    assert f"the schedule of {stage.team} has no team file" in errors
    assert (await described(stage)).info.next_action_times
    code, output, _ = await stage.starter("apply", "--prune")
    assert code == 0
    assert f"schedule of {stage.team} deleted" in output

    async def is_gone() -> bool:
        return await scheduled_teams(stage.client) == []

    await eventually(is_gone)


async def test_delete_removes_it_and_apply_makes_it_again(stage: Stage) -> None:
    await apply(stage, **MONDAY_NINE)
    code, output, _ = await stage.starter("schedule", "delete", stage.team)
    assert code == 0
    assert "`apply` makes it again" in output
    code, _, errors = await stage.starter("schedule", "pause", stage.team)
    assert code == 2
    assert f'the team "{stage.team}" has no schedule on the server' in errors
    assert (await apply(stage, **MONDAY_NINE)).schedules[stage.team].change is Change.CREATED


async def test_a_broken_configuration_keeps_nobody_from_a_schedule(stage: Stage) -> None:
    await apply(stage, **MONDAY_NINE)
    team_file = stage.directory / "config" / "teams" / f"{stage.team}.yaml"
    team_file.write_text(team_file.read_text() + "deliver_by: soon\n")
    for verb in ("pause", "resume", "delete"):
        code, output, _ = await stage.starter("schedule", verb, stage.team)
        assert (code, verb in output) == (0, True)


async def test_a_new_schedule_begins_with_the_next_week(stage: Stage) -> None:
    just_now = datetime.now(BERLIN) - timedelta(minutes=2)
    made = (await apply(stage, day=DAYS[just_now.weekday()], time=f"{just_now:%H:%M}")).schedules[stage.team]
    assert made.caught_up is None
    assert made.description.info.num_actions == 0
