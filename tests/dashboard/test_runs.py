"""The page of a run: one that is over from the records, one that is open from its workflow, and what is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from dashboard.links import run_page
from dashboard.run_picture import Stretch, amending, phases_of_progress, phases_of_record
from dashboard.run_watch import RunWatch
from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.edition import EditionProgress, EditionRequest, Phase
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.runtime.plugin import DevSyncPlugin
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.errors import Errors
from devsync.storage.escalations import Escalations
from devsync.storage.operations import Operations
from devsync.storage.records import Records
from devsync.storage.recoveries import Recoveries
from tests.dashboard.conftest import House
from tests.servers import running_temporal
from tests.storage.test_errors import record as error
from tests.storage.test_escalations import message as on_record
from tests.storage.test_escalations import opened as opened_escalation
from tests.storage.test_operations import operation
from tests.storage.test_records import delivery, edition, run
from tests.storage.test_recoveries import CACHED, FAILED_RETRY
from tests.storage.test_recoveries import record as recovery
from workflows.edition.weekly_changelog import WeeklyChangelog

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WEEK = "2026-W46"
"""No other test starts a run of it on the server that all share."""
EDITION, DELIVERY = names.edition_id("payments", WEEK), names.delivery_id("payments", WEEK, "slack-payments")
PAGE = f"/teams/payments/runs/{WEEK}"
SECONDS = {"total": 60.0, "plan": 1.0, "collect": 40.0, "compose": 4.0, "deliver": 15.0}


async def write(house: House, **changes: Any) -> None:
    """A run from 12:00 to 12:01, and what went with it."""
    database = house.site.database
    parts = [delivery(iso_week=WEEK, state="failed", attempts=4, last_error="channel_not_found")]
    own = {"workflow_id": EDITION, "iso_week": WEEK}
    records = Records(database, ArtifactStore(database))
    await records.write(run=run(**(own | {"seconds": SECONDS} | changes)), edition=edition(**own), deliveries=parts)


async def test_a_run_that_is_over_is_told_from_the_records(house: House) -> None:
    await write(house, requested_by="anna")
    database, at = house.site.database, NOON + timedelta(seconds=20)
    await Operations(database).write(
        [
            operation(1, workflow_id=EDITION, ended_at=at, succeeded=False, peak_memory_mb=181.0),
            operation(1, workflow_id=EDITION, ended_at=at, attempt=2, peak_memory_mb=190.4, api_calls=7),
            operation(2, workflow_id=DELIVERY, run_id="d", owner_run_id="run-1", ended_at=at + MINUTE, service="slack"),
        ]
    )
    await Errors(database).write([error(1, workflow_id=EDITION, occurred_at=at, message="github <b>answered</b> 503")])
    stood_in = recovery(1, RecoveryOutcome.STAND_IN, FAILED_RETRY, CACHED, owner_run_id="run-1")
    of_week = {"iso_week": WEEK, "started_at": at, "ended_at": at + timedelta(seconds=9)}
    await Recoveries(database).write(stood_in.model_copy(update=of_week))
    shown = (await (await house.visitor("anna")).get(PAGE)).text
    for words in (
        "<dt>Took</dt><dd>1 min</dd>",
        "<dt>Asked for by</dt><dd>anna</dd>",
        "<dt>Retries</dt><dd>1</dd>",
        "<dt>Peak memory</dt><dd>190 MB</dd>",
        "github &lt;b&gt;answered&lt;/b&gt; 503",
        "cached healed 1",
        "channel_not_found",
        "Temporal does not keep it any more; what stands here is on record.",
        '<td>Afterwards</td><th scope="row">Slack</th>',
    ):
        assert words in shown, words
    assert "Run in Temporal" not in shown
    for phase, took in (("Plan", "1.0 s"), ("Collect", "40 s"), ("Compose", "4.0 s"), ("Deliver", "15 s")):
        row = next(line for line in shown.splitlines() if f'<th scope="row">{phase}' in line)
        assert row.endswith(f">{took}</td></tr>"), phase
    assert "sse-connect" not in shown


async def test_its_stream_shows_it_once_and_says_that_it_is_over(house: House) -> None:
    await write(house)
    told = (await (await house.visitor("anna")).get(f"{PAGE}/live")).text
    assert told.count("<h1>") == 1
    assert told.endswith("event: over\ndata: \n\n")


async def test_the_editions_lead_to_it(house: House) -> None:
    await write(house)
    anna = await house.visitor("anna")
    assert f'href="{PAGE}"' in (await anna.get("/editions")).text
    assert f'href="{PAGE}?run=run-1"' in (await anna.get("/teams/payments/editions/2026-W46")).text
    assert (await anna.get(f"{PAGE}?run=run-1")).status_code == 200


async def test_a_week_with_several_runs_has_a_tab_for_each_and_shows_the_edition_first(house: House) -> None:
    await write(house)
    records = Records(house.site.database, ArtifactStore(house.site.database))
    later = {"started_at": NOON + 5 * MINUTE, "ended_at": NOON + 6 * MINUTE}
    dry = {"workflow_id": names.preview_id("payments", WEEK), "iso_week": WEEK, "run_id": "dry", "status": "complete"}
    await records.write(run=run(**dry, **later))
    anna = await house.visitor("anna")
    shown = (await anna.get(PAGE)).text
    assert f"{PAGE}?run=dry" in shown
    assert '?run=run-1" aria-current="page"' in shown
    assert '?run=dry" aria-current="page"' in (await anna.get(f"{PAGE}?run=dry")).text


@pytest.mark.parametrize("path", ["/teams/payments/runs/2026-W40", f"{PAGE}?run=unknown", "/teams/payments/runs/week"])
async def test_a_run_that_never_was_is_not_there(house: House, path: str) -> None:
    await write(house)
    assert (await (await house.visitor("anna")).get(path)).status_code in {404, 422}


async def test_while_temporal_is_away_the_records_are_shown_and_the_page_asks_again(house: House) -> None:
    async with running_temporal() as server:
        lost = await Client.connect(server.address, plugins=[DevSyncPlugin()])
    house.site.__dict__["runs"] = RunWatch(house.site.database, lost, house.site.configuration)
    await write(house)
    anna = await house.visitor("anna")
    shown = (await anna.get(PAGE)).text
    assert "Temporal does not answer" in shown
    assert "Collect" in shown
    assert "sse-connect" in shown
    assert "Temporal does not answer" in (await anna.get("/teams/payments/runs/2026-W40")).text
    assert "Temporal does not answer" in (await anna.get("/live/editions")).text


@asynccontextmanager
async def opened(house: House, week: str) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """An edition that nobody plans: no worker does activities."""
    handle = await house.site.temporal.start_workflow(
        names.WEEKLY_CHANGELOG,
        EditionRequest(team="payments", iso_week=week),
        id=names.edition_id("payments", week),
        task_queue=names.EDITIONS_QUEUE,
    )
    try:
        yield handle
    finally:
        await handle.terminate()


async def test_an_open_run_tells_what_it_does_and_then_that_it_is_over(house: House) -> None:
    page = "/teams/payments/runs/2025-W01"
    async with opened(house, "2025-W01"):
        anna, ben = await house.visitor("anna"), await house.visitor("ben")
        async with Worker(house.site.temporal, task_queue=names.EDITIONS_QUEUE, workflows=[WeeklyChangelog]):
            pictures = house.site.runs.pictures("payments", "2025-W01")
            first = await anext(pictures)
            assert first.progress is not None
            assert [(one.name, one.is_now) for one in first.phases] == [("plan", True)]
            shown = (await anna.get(page)).text
            assert "It reads the configuration." in shown
            assert f'sse-connect="{page}/live?run="' in shown
            assert (await ben.get(page)).status_code == 404
            assert page in (await anna.get("/live/editions")).text
            assert page not in (await ben.get("/live/editions")).text
            sent = await anna.get("/teams/payments/editions/2025-W01")
            assert (sent.status_code, sent.headers["location"]) == (303, page), "a message may lead there before"
            second = await anext(pictures)
            assert second.phases[0].seconds > first.phases[0].seconds
    assert [picture.open async for picture in pictures][-1] is None


@workflow.defn(sandboxed=False)
class Telling:
    """Stays open, and answers `progress` with what it was given."""

    @workflow.init
    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told

    @workflow.run
    async def run(self, told: dict[str, Any]) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.query
    def progress(self) -> dict[str, Any]:
        return self._told


async def test_an_open_run_shows_the_steps_of_its_recoveries_while_they_run(house: House) -> None:
    week, temporal = "2025-W03", house.site.temporal
    recovery_id = names.recovery_id("payments", week, "github", "collect", 1)
    step = {"id": "mirror", "activity": "git_mirror.collect", "state": "succeeded", "started_at": NOON.isoformat()}
    report = {
        "plan": "github-collection",
        "service": "github",
        "phase": "collect",
        "steps": [step | {"duration": 3.5, "healed": ["github:acme/web", "github:acme/ios"], "message": "<b>cloned"}],
    }
    progress = {
        "phase": "collect",
        "phase_since": NOON.isoformat(),
        "units_total": 3,
        "units_done": ["jira:PAY"],
        "gaps": [{"unit": "calendar:payments", "service": "calendar", "reason": "<i>nobody answers"}],
        "recoveries": [{"workflow_id": recovery_id, "service": "github", "phase": "collect"}],
    }
    async with Worker(temporal, task_queue="telling", workflows=[Telling]):
        told: dict[str, dict[str, Any]] = {names.edition_id("payments", week): progress, recovery_id: report}
        runs = [
            await temporal.start_workflow("Telling", what, id=one, task_queue="telling") for one, what in told.items()
        ]
        shown = (await (await house.visitor("anna")).get(f"/teams/payments/runs/{week}")).text
        for run in runs:
            await run.terminate()
    for words in ("1 of 3 sources", "&lt;i&gt;nobody answers", "healed 2", "after 3.5 s", "&lt;b&gt;cloned"):
        assert words in shown, words


async def test_of_an_open_run_without_a_worker_it_says_so(house: House) -> None:
    async with opened(house, "2025-W02"):
        shown = (await (await house.visitor("anna")).get("/teams/payments/runs/2025-W02")).text
    assert "No worker answers for it" in shown


def test_phases_follow_each_other_in_their_order_whatever_that_of_the_record() -> None:
    assert list(phases_of_record({"deliver": 2.0, "plan": 1.0, "total": 5.0, "collect": 2.0})) == [
        Stretch("plan", 0.0, 1.0),
        Stretch("collect", 1.0, 2.0),
        Stretch("deliver", 3.0, 2.0),
    ]


def test_the_phase_that_a_run_is_in_lasts_until_now() -> None:
    progress = EditionProgress(phase=Phase.COLLECTING, phase_since=NOON, seconds={"plan": 1.0, "collect": 0.5})
    assert list(phases_of_progress(progress, NOON + MINUTE)) == [
        Stretch("plan", 0.0, 1.0),
        Stretch("collect", 1.0, 60.5, is_now=True),
    ]
    assert list(phases_of_progress(EditionProgress(phase=Phase.COLLECTING), NOON)) == []


@pytest.mark.parametrize(
    ("workflow_id", "page"),
    [
        ("changelog:payments:2026-W46", PAGE),
        ("recovery:payments:2026-W46:github.collect:1", PAGE),
        ("escalation:changelog:payments:2026-W46", PAGE),
        ("delivery:payments:2026-W46:slack-payments", PAGE),
        ("recovery:program:bot:2026", ""),
        ("breaker:github", ""),
        ("refresh:payments-2026-11-23T08:00:00Z", ""),
        ("changelog:a/../b:2026-W46", "/teams/a%2F..%2Fb/runs/2026-W46"),
    ],
)
def test_a_workflow_of_a_week_leads_to_the_week_s_run(workflow_id: str, page: str) -> None:
    assert run_page(workflow_id) == page


async def test_an_open_amendment_tells_what_is_there_again_and_moves_by_itself(house: House) -> None:
    await write(house, status="partial")
    amendment_id = names.amendment_id("payments", WEEK)
    failure = {"category": "external_service", "message": "github <b>answered</b> 503", "is_retryable": True}
    units = [{"unit": f"github:acme/{name}", "service": "github", "failure": failure} for name in ("web", "ios")]
    progress = {
        "revision": 2,
        "missing": units,
        "given_up": ["github:acme/ios"],
        "healed": ["jira:PAY"],
        "until": "2026-11-26T12:00:00Z",
        "tries": 3,
    }
    temporal = house.site.temporal
    async with Worker(temporal, task_queue="telling", workflows=[Telling]):
        amendment = await temporal.start_workflow("Telling", progress, id=amendment_id, task_queue="telling")
        anna = await house.visitor("anna")
        edition_page = (await anna.get(PAGE)).text
        address = f"{PAGE}?run={amendment.result_run_id}"
        shown = (await anna.get(address)).text
        pictures = house.site.runs.pictures("payments", WEEK, str(amendment.result_run_id))
        assert (await anext(pictures)).amendment is not None
        await amendment.terminate()
    assert f'href="{address}"' in edition_page
    assert "running</a>" in edition_page
    assert 'run=run-1" aria-current="page"' in edition_page, "the edition itself is shown first"
    for words in (
        "It asks again for what is missing",
        "1 of 3 sources there again",
        "<strong>github:acme/web</strong>: <bdi>github &lt;b&gt;answered",
        "nobody asks for it any more",
        "<dt>Asked again</dt><dd>3 times</dd>",
        "2026-11-26 13:00 CET",
        f'sse-connect="{PAGE}/live?run={amendment.result_run_id}"',
    ):
        assert words in shown, words


BROKEN = {"category": "external_service", "message": "github answered 503", "is_retryable": True}
WEB = {"unit": "github:acme/web", "service": "github", "failure": BROKEN}
AMENDED = {"revision": 1, "missing": [WEB], "until": "2026-11-26T12:00:00Z"}
ASKED = {"recovery": "recovery:x", "escalations": ["escalation:service:github"], "choices": ["retry", "use_fallback"]}


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({}, "It asks again for what is missing"),
        ({"asked": ASKED}, "It waits for people to decide"),
        ({"given_up": ["github:acme/web"]}, "Nobody asks for what is missing any more"),
        ({"given_up": ["github:acme/web"], "asked": ASKED}, "Nobody asks for what is missing any more"),
        ({"given_up": ["jira:PAY"]}, "It asks again for what is missing"),
        ({"missing": []}, "Everything is there"),
        ({"ended": "its time is up", "asked": ASKED}, "It asks no more: its time is up."),
    ],
)
def test_an_amendment_says_what_it_does_now(known: dict[str, Any], words: str) -> None:
    assert amending(AmendmentProgress.model_validate(AMENDED | known)).startswith(words)


async def test_an_open_run_leads_to_those_who_are_asked_and_says_what_they_can_decide(house: House) -> None:
    week, temporal = "2025-W06", house.site.temporal
    await Escalations(house.site.database).write(on_record(*opened_escalation(datetime.now(UTC))))
    recovery = {"workflow_id": "recovery:x", "service": "github", "phase": "collect", "outcome": "running"}
    asking = {"escalations": ASKED["escalations"], "choices": ASKED["choices"]}
    told: dict[str, dict[str, Any]] = {
        names.amendment_id("payments", week): AMENDED | {"asked": ASKED},
        names.preview_id("payments", week): {"phase": "collect", "recoveries": [recovery | asking]},
    }
    async with Worker(temporal, task_queue="telling", workflows=[Telling]):
        runs = [
            await temporal.start_workflow("Telling", what, id=one, task_queue="telling") for one, what in told.items()
        ]
        anna = await house.visitor("anna")
        shown = [(await anna.get(f"/teams/payments/runs/{week}?run={run.result_run_id}")).text for run in runs]
        for run in runs:
            await run.terminate()
    for text in shown:
        assert 'People are asked: <a href="/escalations/escalation%3Aservice%3Agithub">' in text
        assert "team lead was asked last; retry, use fallback can be decided" in text
    assert "It waits for people to decide what becomes of what is missing." in shown[0]
    assert "It asks again" not in shown[0]
