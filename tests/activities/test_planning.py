"""The plan's period and what planning has to say of it and of lateness."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.testing import ActivityEnvironment

from activities.editions import PATIENT_ATTEMPTS, EditionActivities
from activities.planning import LastDelivered, plan_edition
from commands.stack import ROOT
from devsync.contracts.edition import EditionPlan, PlanEdition
from devsync.contracts.refresh import PlanRefresh
from devsync.domain.changelog.window import week_window
from devsync.settings.configuration import TeamConfiguration, load_team
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.connection import DatabaseUnavailable
from devsync.storage.database import Database

WEEK = week_window("2026-W47", "Europe/Berlin")
DUE = datetime(2026, 11, 23, 8, tzinfo=UTC)
"""Monday 09:00 in Berlin."""
BEFORE = datetime(2026, 11, 16, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def configured(directory: Path, **changes: Any) -> TeamConfiguration:
    """The shipped settings and one team, beside another whose file is broken."""
    (directory / "teams").mkdir()
    (directory / "teams" / "broken.yaml").write_text("team: 'broken\n")
    for name in ("services.yaml", "delivery.yaml", "recovery.yaml"):
        (directory / name).write_text((ROOT / "config" / name).read_text())
    team = {
        "team": "payments",
        "timezone": "Europe/Berlin",
        "schedule": {"day": "monday", "time": "09:00", "jitter": "2m"},
        "github": {"repositories": ["acme/payments-api"]},
        "channels": [{"kind": "slack", "channel": "#payments"}],
    }
    (directory / "teams" / "payments.yaml").write_text(yaml.safe_dump(team | changes))
    return load_team(directory, "payments")


@pytest.fixture
def since_last(tmp_path: Path) -> TeamConfiguration:
    return configured(tmp_path, period="since_last_edition")


def plan(configuration: TeamConfiguration, last: LastDelivered, **message: Any) -> EditionPlan:
    return plan_edition(configuration, PlanEdition(team="payments", iso_week="2026-W47", **message), last)


def test_the_previous_week_is_the_week_whatever_was_delivered(tmp_path: Path) -> None:
    planned = plan(configured(tmp_path), LastDelivered(BEFORE), scheduled_at=DUE, started_at=DUE)
    assert (planned.window, planned.notes) == (WEEK, ())


def test_since_the_last_edition_runs_from_its_end_to_the_scheduled_time(since_last: TeamConfiguration) -> None:
    planned = plan(since_last, LastDelivered(BEFORE), scheduled_at=DUE, started_at=DUE + HOUR)
    assert (planned.window.start, planned.window.end) == (BEFORE, DUE)


@pytest.mark.parametrize(("started_at", "end"), [(DUE - HOUR, DUE - HOUR), (DUE + HOUR, DUE), (None, DUE)])
def test_by_hand_it_ends_when_it_is_due_or_now_if_that_is_earlier(
    since_last: TeamConfiguration, started_at: datetime | None, end: datetime
) -> None:
    planned = plan(since_last, LastDelivered(BEFORE), started_at=started_at)
    assert (planned.window.start, planned.window.end) == (BEFORE, end)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (LastDelivered(), "no earlier edition was delivered"),
        (LastDelivered(is_known=False), "the records cannot be read"),
        (LastDelivered(DUE), "an edition until 2026-11-23 09:00 Europe/Berlin is out already"),
    ],
)
def test_where_there_is_no_such_time_the_week_stands_in_and_says_so(
    since_last: TeamConfiguration, last: LastDelivered, said: str
) -> None:
    planned = plan(since_last, last, scheduled_at=DUE, started_at=DUE)
    assert planned.window == WEEK
    assert [said in note for note in planned.notes] == [True]


@pytest.mark.parametrize(
    ("late", "notes"),
    [
        (timedelta(minutes=3), ()),
        (timedelta(hours=3, minutes=12), ("schedule: due 2026-11-23 09:00 Europe/Berlin, started 3 h 12 min late",)),
    ],
)
def test_lateness_beyond_the_jitter_is_told(tmp_path: Path, late: timedelta, notes: tuple[str, ...]) -> None:
    planned = plan(configured(tmp_path), LastDelivered(), scheduled_at=DUE, started_at=DUE + late)
    assert planned.notes == notes


@pytest.mark.usefixtures("since_last")
async def test_a_database_that_is_away_is_waited_for_and_then_done_without(tmp_path: Path) -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    activities = EditionActivities(tmp_path, ArtifactStore(database), database)
    message = PlanEdition(team="payments", iso_week="2026-W47", scheduled_at=DUE, started_at=DUE)
    attempt = ActivityEnvironment()
    with pytest.raises(DatabaseUnavailable):
        await attempt.run(activities.plan, message)
    attempt.info = dataclasses.replace(attempt.info, attempt=PATIENT_ATTEMPTS)
    planned = await attempt.run(activities.plan, message)
    assert planned.window == WEEK
    assert "the records cannot be read" in planned.notes[0]


def test_a_run_by_hand_is_never_late(tmp_path: Path) -> None:
    assert plan(configured(tmp_path), LastDelivered(), started_at=DUE + 100 * HOUR).notes == ()


def test_boards_deployments_the_calendar_and_holidays_are_planned(tmp_path: Path) -> None:
    planned = plan(
        configured(
            tmp_path,
            github={"repositories": ["acme/api", "acme/web"], "deployments": ["production"]},
            jira={"projects": ["PAY"], "boards": [42]},
            calendar={"ics": "https://calendar.acme.dev/private-key/payments.ics", "holidays": "US"},
        ),
        LastDelivered(),
    )
    assert planned.units == (
        "github:acme/api",
        "github:acme/web",
        "jira:PAY",
        "jira:board/42",
        "github:acme/api/deployments",
        "github:acme/web/deployments",
        "calendar:payments",
    )
    assert [(str(one.day), one.name) for one in planned.holidays] == [("2026-11-26", "Thanksgiving Day")]


def test_the_address_of_a_calendar_is_not_in_the_plan(tmp_path: Path) -> None:
    team = configured(tmp_path, calendar={"ics": "https://calendar.acme.dev/private-key/payments.ics"})
    assert "private-key" not in plan(team, LastDelivered()).model_dump_json()


def test_a_calendar_of_holidays_alone_asks_nobody(tmp_path: Path) -> None:
    planned = plan(configured(tmp_path, calendar={"holidays": "US"}), LastDelivered())
    assert planned.units == ("github:acme/payments-api",)
    assert planned.holidays


@pytest.mark.parametrize("period", ["previous_week", "since_last_edition"])
@pytest.mark.parametrize("before", [timedelta(days=6, hours=23), HOUR, timedelta(seconds=1)])
async def test_a_refresh_plans_the_very_window_that_the_next_edition_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, period: str, before: timedelta
) -> None:
    configured(tmp_path, period=period)
    database = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    activities = EditionActivities(tmp_path, ArtifactStore(database), database)

    async def last(_message: PlanEdition) -> LastDelivered:
        return LastDelivered(BEFORE)

    monkeypatch.setattr(activities, "_last_delivered", last)
    run = ActivityEnvironment().run
    refreshed = await run(activities.plan_refresh, PlanRefresh(team="payments", at=DUE - before))
    scheduled = PlanEdition(team="payments", iso_week="2026-W47", scheduled_at=DUE, started_at=DUE + HOUR)
    edition = await run(activities.plan, scheduled)
    assert (refreshed.iso_week, refreshed.window, refreshed.units) == ("2026-W47", edition.window, edition.units)
