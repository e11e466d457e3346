"""A team's calendar over the wire: read, confirmed, refused, broken in every way, and its address never told."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from aiohttp import web
from temporalio.testing import ActivityEnvironment

from activities.calendar import CalendarActivities
from activities.clients import calendar as client_module
from activities.clients.calendar import CalendarClient
from devsync.contracts.collection import CollectCalendar, UnitCollected
from devsync.contracts.recovery import FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.surroundings import CalendarData
from devsync.domain.changelog.window import Window, week_window
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.classification import MalformedAnswer, classify
from devsync.runtime.failures.outgoing import AddressForbidden
from devsync.settings.problems import ConfigError
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.collected import CollectedUnits
from devsync.storage.database import Database
from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from sandbox.worlds.demo import demo_world
from tests.configuration import shipped_settings

WEEK = week_window("2026-W47", "Europe/Berlin")
SECRET = "key-that-opens-the-calendar"


def fault(kind: FaultKind, **fields: Any) -> Fault:
    return Fault(kind=kind, service="calendar", **fields)


@dataclass
class Stage:
    sandbox: Sandbox
    store: ArtifactStore
    activities: CalendarActivities
    team_file: Path

    def name_calendar(self, address: str | None) -> None:
        team: dict[str, Any] = {
            "team": "payments",
            "timezone": "Europe/Berlin",
            "jira": {"projects": ["PAY"]},
            "calendar": {"ics": address} if address else {"holidays": "DE"},
            "channels": [{"kind": "slack", "channel": "#payments"}],
        }
        self.team_file.write_text(yaml.safe_dump(team))

    @property
    def address(self) -> str:
        return f"{self.sandbox.urls['calendar']}/calendars/payments.ics?key={SECRET}"

    async def collect(self, window: Window = WEEK) -> UnitCollected:
        message = CollectCalendar(collection_id="one", team="payments", window=window)
        collected: UnitCollected = await ActivityEnvironment().run(self.activities.collect, message)
        return collected

    async def data(self, collected: UnitCollected) -> CalendarData:
        return CalendarData.model_validate_json(await self.store.get(collected.artifact))

    @property
    def statuses(self) -> list[int | None]:
        return [record.status for record in self.sandbox.log.select("calendar")]


@pytest.fixture
async def stage(url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage_for(url, tmp_path, frozenset({"localhost"})) as ready:
        yield ready


@asynccontextmanager
async def stage_for(url: str, directory: Path, private_hosts: frozenset[str]) -> AsyncIterator[Stage]:
    config = shipped_settings(directory / "config")
    database = Database(url, pool_size=2)
    store = ArtifactStore(database)
    client = CalendarClient(
        private_hosts=private_hosts,
        concurrency=2,
        connect_timeout=timedelta(seconds=1),
        read_timeout=timedelta(seconds=1),
    )
    async with run_sandbox(demo_world(), services=["calendar"]) as sandbox:
        activities = CalendarActivities(client, config, store, CollectedUnits(database))
        ready = Stage(sandbox, store, activities, config / "teams" / "payments.yaml")
        ready.name_calendar(ready.address)
        yield ready
    await client.close()
    await database.dispose()


async def test_the_calendar_tells_who_is_away_and_which_days_are_marked(stage: Stage) -> None:
    collected = await stage.collect()
    data = await stage.data(collected)
    assert collected.unit == "calendar:payments"
    assert [one.who for one in data.absences if "<" not in one.who] == [
        "Mehmet Yıldız: parental leave",
        "Anna Lindqvist: vacation",
        "Priya Raman at a conference",
    ]
    assert [one.title for one in data.milestones] == [
        "Code freeze for Black Friday",
        "Launch: instant payouts, Austria",
    ]
    assert collected.counts == {"absences": 4, "milestones": 2}


async def test_an_unchanged_calendar_is_confirmed_with_a_304(stage: Stage) -> None:
    first, second = await stage.collect(), await stage.collect()
    assert stage.statuses == [200, 304]
    assert second.is_unchanged
    assert (second.artifact, second.counts) == (first.artifact, first.counts)


async def test_a_changed_calendar_another_window_and_another_address_are_read_anew(stage: Stage) -> None:
    await stage.collect()
    stage.sandbox.world.calendars["payments"].events.pop()
    assert not (await stage.collect()).is_unchanged
    assert not (await stage.collect(week_window("2026-W48", "Europe/Berlin"))).is_unchanged
    stage.name_calendar(f"{stage.address}2")
    assert not (await stage.collect()).is_unchanged
    assert stage.statuses == [200] * 4


@pytest.mark.parametrize(
    ("wrong", "category", "is_retryable"),
    [
        (fault(FaultKind.STATUS, status=503), ErrorCategory.EXTERNAL_SERVICE, True),
        (fault(FaultKind.STATUS, status=404), ErrorCategory.DATA_COLLECTION, False),
        (fault(FaultKind.STATUS, status=401), ErrorCategory.AUTHENTICATION, False),
        (fault(FaultKind.RATE_LIMIT, retry_after_seconds=30), ErrorCategory.RATE_LIMITING, True),
        (fault(FaultKind.HTML, status=502), ErrorCategory.EXTERNAL_SERVICE, True),
        (fault(FaultKind.EMPTY), ErrorCategory.EXTERNAL_SERVICE, True),
        (fault(FaultKind.MALFORMED), ErrorCategory.EXTERNAL_SERVICE, True),
        (fault(FaultKind.CUT_JSON), ErrorCategory.EXTERNAL_SERVICE, True),
        (fault(FaultKind.TRUNCATED), ErrorCategory.NETWORK, True),
        (fault(FaultKind.RESET), ErrorCategory.NETWORK, True),
        (fault(FaultKind.LATENCY, latency_ms=3000), ErrorCategory.NETWORK, True),
    ],
    ids=lambda value: value.kind.value + str(value.status or "") if isinstance(value, Fault) else "",
)
async def test_every_fault_is_a_failure_of_its_kind_and_never_an_empty_calendar(
    stage: Stage, wrong: Fault, category: ErrorCategory, is_retryable: bool
) -> None:
    stage.sandbox.faults.add(wrong)
    with pytest.raises(Exception) as caught:  # noqa: PT011 (of many libraries: how it is classified counts)
        await stage.collect()
    failure = classify(caught.value, "calendar", datetime.now(UTC))
    assert (failure.category, failure.is_retryable) == (category, is_retryable)


async def test_a_refused_connection_is_a_failure_of_the_network(stage: Stage) -> None:
    stage.sandbox.pause("calendar")
    with pytest.raises(httpx.ConnectError):
        await stage.collect()


async def test_a_calendar_that_is_far_too_large_is_not_read_to_its_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MOST_BYTES", 500)
    with pytest.raises(MalformedAnswer, match="more than"):
        await stage.collect()


async def test_an_answer_that_drips_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MOST_SECONDS", 0.5)
    stage.sandbox.faults.add(fault(FaultKind.SLOW_DRIP, seconds=30))
    with pytest.raises(TimeoutError):
        await stage.collect()


@asynccontextmanager
async def server_that_answers(status: int, **headers: str) -> AsyncIterator[str]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    app = web.Application()
    app.router.add_get("/team.ics", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0).start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}/team.ics"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("status", [204, 304])
async def test_a_success_without_a_calendar_is_an_error(stage: Stage, status: int) -> None:
    async with server_that_answers(status) as address:
        stage.name_calendar(address)
        with pytest.raises(MalformedAnswer):
            await stage.collect()


async def test_a_redirect_is_followed_to_another_address_that_may_be_asked(stage: Stage) -> None:
    async with server_that_answers(302, Location=stage.address) as address:
        stage.name_calendar(address)
        assert (await stage.collect()).counts["absences"] == 4


async def test_a_redirect_into_a_private_network_is_not_followed(stage: Stage) -> None:
    async with server_that_answers(302, Location=stage.address.replace("localhost", "127.0.0.1")) as address:
        stage.name_calendar(address)
        with pytest.raises(AddressForbidden):
            await stage.collect()
    assert stage.statuses == []


async def test_this_machine_is_not_asked_where_no_operator_allows_it(url: str, tmp_path: Path) -> None:
    async with stage_for(url, tmp_path, frozenset()) as stage:
        with pytest.raises(AddressForbidden, match="localhost"):
            await stage.collect()
        assert stage.statuses == []


async def test_a_team_whose_file_names_no_calendar_any_more_is_told_so(stage: Stage) -> None:
    stage.name_calendar(None)
    with pytest.raises(ConfigError, match="names no calendar"):
        await stage.collect()


async def test_the_address_stands_in_no_result_no_record_no_log_and_no_failure(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpcore", "sandbox", "aiohttp", "asyncio"):
        caplog.set_level(logging.INFO, logger=name)
    said = [(await stage.collect()).model_dump_json()]
    rows = await stage.activities._units._database.execute(_everything())
    said += [str(tuple(row)) for row in rows]
    for status in (404, 503):
        stage.sandbox.faults.add(fault(FaultKind.STATUS, status=status, count=1))
        with pytest.raises(httpx.HTTPStatusError) as caught:
            await stage.collect()
        said += [str(caught.value), classify(caught.value, "calendar", datetime.now(UTC)).model_dump_json()]
    assert rows
    assert SECRET not in "\n".join([*said, caplog.text])


def _everything() -> Any:
    from sqlalchemy import text

    return text("SELECT row_to_json(collected_units)::text FROM collected_units")


async def asked_again(stage: Stage) -> StepResult:
    failed = FailedUnit(
        unit="calendar:payments",
        service="calendar",
        failure=Failure(category=ErrorCategory.NETWORK, message="nobody answers", is_retryable=True),
        ask=CollectCalendar(collection_id="one", team="payments", window=WEEK),
    )
    request = StepRequest(
        step="retry",
        team="payments",
        iso_week="2026-W47",
        service="calendar",
        phase="collect",
        units=(failed,),
        until=datetime.now(UTC) + timedelta(minutes=1),
    )
    # As it comes out of a history: the ask is one of five messages that look alike.
    again = StepRequest.model_validate_json(request.model_dump_json())
    run: Callable[..., Any] = ActivityEnvironment().run
    result: StepResult = await run(stage.activities.collect_again, again)
    return result


async def test_the_step_that_asks_again_heals_the_unit_with_live_data(stage: Stage) -> None:
    (healed,) = (await asked_again(stage)).healed
    assert healed.unit == "calendar:payments"
    assert len((await stage.data(healed)).absences) == 4


async def test_the_step_that_asks_again_fails_where_the_calendar_is_still_away(stage: Stage) -> None:
    stage.sandbox.faults.add(fault(FaultKind.STATUS, status=503))
    with pytest.raises(httpx.HTTPStatusError):
        await asked_again(stage)
