"""Past weeks made up for: the same windows, ids and editions as the schedule would have made."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import ScheduleBackfill
from temporalio.service import RPCError

from devsync.contracts import names
from devsync.domain.changelog.window import week_window
from devsync.runtime.schedules import handle_of
from sandbox.expectation import expected_items
from sandbox.worlds.demo import demo_world
from tests.e2e.firing import apply, firings, until_quiet
from tests.e2e.stage import Stage, forget, stage_for
from tests.servers import Servers

WEEKS = ["2026-W42", "2026-W43", "2026-W44"]
"""Clocks go back at the end of the second: it has 169 hours."""


@pytest.fixture
async def stage(servers: Servers, tmp_path: Path) -> AsyncIterator[Stage]:
    """A team whose busy week is the one with 169 hours."""
    async with stage_for(demo_world("2026-W43"), servers, tmp_path) as ready:
        yield ready
        await forget(ready.client, ready.team)


async def backfill(stage: Stage, *options: str) -> dict[str, Any]:
    code, output, errors = await stage.starter(
        "schedule", "backfill", stage.team, "--from", WEEKS[0], "--to", WEEKS[-1], "--json", *options
    )
    assert code == 0, errors
    document: dict[str, Any] = json.loads(output)
    assert document["failures"] == []
    return document


def windows(stage: Stage) -> list[tuple[str, datetime, datetime]]:
    rows = stage.rows("SELECT iso_week, window_start, window_end FROM editions ORDER BY iso_week, revision")
    return [(row["iso_week"], row["window_start"], row["window_end"]) for row in rows]


async def test_three_weeks_are_delivered_once_each_as_the_schedule_would_have_done(stage: Stage) -> None:
    await apply(stage, day="monday", time="09:00")
    async with stage.worker():
        document = await backfill(stage, "--deliver")
        assert [edition["workflow_id"] for edition in document["editions"]] == [
            names.edition_id(stage.team, week) for week in WEEKS
        ]
        by_hand = windows(stage)
        assert by_hand == [
            (week, window.start, window.end)
            for week, window in zip(WEEKS, (week_window(week, "Europe/Berlin") for week in WEEKS), strict=True)
        ]
        assert by_hand[1][2] - by_hand[1][1] == timedelta(hours=169)
        world = stage.sandbox.world
        assert [edition["item_count"] for edition in document["editions"]] == [
            len(expected_items(world, world.teams[0], week)) for week in WEEKS
        ]
        posts = stage.slack.counts.posts
        assert posts == len(set(stage.keys)) == len(stage.messages)
        assert {key.split("/")[1] for key in stage.keys} == set(WEEKS)

        # Now the server's own firings of the same weeks: the same ids and windows, and nothing new to post.
        schedule = handle_of(stage.client, stage.team)
        await schedule.backfill(ScheduleBackfill(datetime(2026, 10, 18, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)))
        due = await firings(stage, 3)
        await until_quiet(stage, *due)
    assert [(one.iso_week, one.edition_id) for one in due] == [
        (week, names.edition_id(stage.team, week)) for week in WEEKS
    ]
    assert windows(stage) == by_hand
    assert (stage.slack.counts.posts, stage.slack.counts.updates) == (posts, 0)


async def test_without_deliver_they_are_stored_and_a_later_backfill_posts_the_same(stage: Stage) -> None:
    async with stage.worker():
        stored = await backfill(stage)
        assert stage.messages == []
        for week in WEEKS:
            with pytest.raises(RPCError, match="not found"):
                await stage.delivery(week).describe()
        assert [edition["channels"] for edition in stored["editions"]] == [[], [], []]
        digests = stage.rows("SELECT iso_week, revision, content_digest FROM editions ORDER BY iso_week")
        assert [(row["iso_week"], row["revision"]) for row in digests] == [(week, 1) for week in WEEKS]
        await backfill(stage, "--deliver")
    assert stage.rows("SELECT iso_week, revision, content_digest FROM editions ORDER BY iso_week") == digests
    assert stage.slack.counts.posts == len(set(stage.keys)) == len(stage.messages)
    assert {key.split("/")[1] for key in stage.keys} == set(WEEKS)


async def test_since_the_last_edition_the_weeks_join_without_gap_or_overlap(stage: Stage) -> None:
    stage.change_team(period="since_last_edition", schedule={"day": "wednesday", "time": "10:30"})
    due = [datetime(2026, 10, 21, 8, 30, tzinfo=UTC)]  # clocks go back before the second
    due += [datetime(2026, 10, 28, 9, 30, tzinfo=UTC), datetime(2026, 11, 4, 9, 30, tzinfo=UTC)]
    first = week_window(WEEKS[0], "Europe/Berlin")
    expected = [
        (WEEKS[0], first.start, first.end),  # nothing was delivered before: the week, and it says so
        (WEEKS[1], first.end, due[1]),
        (WEEKS[2], due[1], due[2]),
    ]
    async with stage.worker():
        await backfill(stage, "--deliver")
        assert windows(stage) == expected
        # Run again they keep their windows, since a week's own edition does not count as an earlier one.
        await backfill(stage, "--deliver")
    assert windows(stage) == expected
    assert stage.slack.counts.posts == len(set(stage.keys)) == len(stage.messages)
