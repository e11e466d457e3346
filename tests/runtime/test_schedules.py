"""Which week a changed schedule would leave out, without a server."""

from datetime import UTC, datetime, time, timedelta

import pytest

from devsync.runtime.schedules import left_out
from devsync.settings.team import GitHubSource, Schedule, SlackChannel, TeamConfig

TEAM = TeamConfig(
    team="payments",
    timezone="Europe/Berlin",
    schedule=Schedule(day="monday", time=time(8, 0)),
    github=GitHubSource(repositories=("acme/api",)),
    channels=(SlackChannel(channel="#payments"),),
)
"""As its file says since now."""
DUE = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
WEEK = "2026-W47"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONG_AGO = DUE - 100 * DAY
A_WEEK_BEFORE = DUE - 7 * DAY


@pytest.mark.parametrize(
    ("after", "created_at", "fired", "is_paused", "is_left_out"),
    [
        (30 * MINUTE, LONG_AGO, [A_WEEK_BEFORE], False, True),
        (30 * MINUTE, LONG_AGO, [], False, True),
        (0 * MINUTE, LONG_AGO, [], False, True),
        (6 * DAY - MINUTE, LONG_AGO, [], False, True),
        (6 * DAY, LONG_AGO, [], False, False),  # so late the next one is nearer
        (30 * MINUTE, LONG_AGO, [A_WEEK_BEFORE, DUE], False, False),
        (30 * MINUTE, LONG_AGO, [DUE - HOUR], False, False),  # at another time of the same week
        (30 * MINUTE, LONG_AGO, [], True, False),
        (30 * MINUTE, DUE - MINUTE, [], False, True),
        (30 * MINUTE, DUE, [], False, False),  # a new schedule begins with the next week
        (30 * MINUTE, DUE + MINUTE, [], False, False),
    ],
)
def test_a_week_is_left_out_that_was_due_and_did_not_fire(
    after: timedelta, created_at: datetime, fired: list[datetime], is_paused: bool, is_left_out: bool
) -> None:
    found = left_out(TEAM, created_at=created_at, fired=fired, is_paused=is_paused, now=DUE + after)
    assert found == ((WEEK, DUE) if is_left_out else None)
