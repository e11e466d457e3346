"""Which week a firing means, and what a file that is wrong or gone does to it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.due import DueActivities
from devsync.contracts.due import DueWeek, FindDueWeek
from tests.activities.test_planning import configured

DUE = datetime(2026, 11, 23, 8, tzinfo=UTC)
"""Monday 09:00 in Berlin."""


@pytest.fixture(autouse=True)
def _configured(tmp_path: Path) -> None:
    configured(tmp_path)


async def due_week(directory: Path, team: str = "payments") -> DueWeek:
    activities = DueActivities(directory)
    return await ActivityEnvironment().run(activities.find_due_week, FindDueWeek(team=team, scheduled_at=DUE))


async def test_the_week_had_ended_when_the_schedule_meant_to_fire_whatever_another_teams_file_holds(
    tmp_path: Path,
) -> None:
    assert await due_week(tmp_path) == DueWeek(iso_week="2026-W47", jitter=timedelta(minutes=2))


async def test_a_file_that_is_wrong_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "teams" / "payments.yaml").write_text("team: 'payments\n")
    with pytest.raises(ApplicationError, match=r"payments\.yaml:2:1: is not YAML") as wrong:
        await due_week(tmp_path)
    assert not wrong.value.non_retryable


async def test_a_team_without_a_file_is_gone_for_good_and_the_message_has_the_cure(tmp_path: Path) -> None:
    with pytest.raises(ApplicationError, match="schedule delete web") as gone:
        await due_week(tmp_path, "web")
    assert gone.value.non_retryable


async def test_a_folder_without_any_team_is_waited_for(tmp_path: Path) -> None:
    for path in (tmp_path / "teams").iterdir():
        path.unlink()
    with pytest.raises(ApplicationError, match="has no file") as wrong:
        await due_week(tmp_path)
    assert not wrong.value.non_retryable
