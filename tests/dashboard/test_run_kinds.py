"""Every kind of run on its page: what it shows is its own, and reads as it went."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.api.workflowservice.v1 import (
    GetWorkflowExecutionHistoryReverseResponse,
    ResetWorkflowExecutionRequest,
)
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from devsync.contracts import names
from devsync.contracts.operations import OperationKind
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from devsync.storage.records import Records
from devsync.storage.recoveries import Recoveries
from tests.dashboard.conftest import House
from tests.dashboard.test_runs import Telling, opened
from tests.storage.test_errors import record as error
from tests.storage.test_operations import operation
from tests.storage.test_records import delivery, run
from tests.storage.test_recoveries import CACHED, FAILED_RETRY, RETRY
from tests.storage.test_recoveries import record as recovery

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
WEEK = "2026-W45"
PAGE = f"/teams/payments/runs/{WEEK}"
EDITION, PREVIEW = names.edition_id("payments", WEEK), names.preview_id("payments", WEEK)
AMENDMENT = names.amendment_id("payments", WEEK)
RECOVERY = names.recovery_id("payments", WEEK, "github", "collect", 1)
DELIVERY = names.delivery_id("payments", WEEK, "slack-payments")
SECONDS = {"total": 60.0, "plan": 1.0, "collect": 40.0, "compose": 4.0, "deliver": 15.0}
CALL, REFUSAL = {"kind": OperationKind.CALL}, {"kind": OperationKind.REFUSAL, "succeeded": False}
NOT_FOUND, NOTHING = RPCError("gone", RPCStatusCode.NOT_FOUND, b""), GetWorkflowExecutionHistoryReverseResponse()


async def write_run(house: House, workflow_id: str, run_id: str, **changes: Any) -> None:
    """From 12:00 to 12:01, where nothing else is said."""
    database = house.site.database
    values = {"workflow_id": workflow_id, "run_id": run_id, "iso_week": WEEK, "seconds": SECONDS} | changes
    await Records(database, ArtifactStore(database)).write(run=run(**values))


async def write_work(house: House, workflow_id: str, run_id: str, service: str) -> None:
    """An attempt with a call, an error and a recovery, all at the same moments whoever's they are."""
    database = house.site.database
    owned: dict[str, Any] = {"workflow_id": RECOVERY, "run_id": f"r-{run_id}", "owner_run_id": run_id}
    at = {"service": service, "ended_at": NOON + 20 * SECOND}
    await Operations(database).write(
        [
            operation(1, workflow_id=workflow_id, run_id=run_id, api_calls=1, **at),
            operation(1, workflow_id=workflow_id, run_id=run_id, number=1, **at, **CALL),
            operation(1, **owned, **at, api_calls=2),
            operation(1, **owned, **at, number=1, **CALL),
            operation(1, **owned, **at, number=2, succeeded=False, **CALL),
            operation(1, **owned, **at, number=3, **REFUSAL),
        ]
    )
    await Errors(database).write(
        [error(1, **owned, service=service, fingerprint=service, message=f"{service} is away", occurred_at=NOON)]
    )
    told = recovery(1, RecoveryOutcome.STAND_IN, FAILED_RETRY, CACHED, **owned, plan=f"{service}-plan")
    times = {"started_at": NOON + 10 * SECOND, "ended_at": NOON + 20 * SECOND}
    await Recoveries(database).write(told.model_copy(update={"iso_week": WEEK, **times}))


async def shown(house: House, run_id: str = "", page: str = PAGE) -> str:
    return (await (await house.visitor("anna")).get(f"{page}?run={run_id}")).text


def phases(text: str) -> list[str]:
    """Of the timeline, with what is below it."""
    found = re.search(r'class="timeline">(.*?)</table>', text, re.DOTALL)
    rows = re.findall(r'<th scope="row">(.*?)</th>', found[1]) if found else []
    return [re.sub(r"<[^>]+>", "", row).strip() for row in rows]


async def test_runs_of_a_week_at_the_same_time_show_each_its_own(house: House) -> None:
    """The same workflow ids of recoveries in turn, the same minute: only who asked for it tells them apart."""
    for workflow_id, run_id, service in ((EDITION, "edition", "github"), (PREVIEW, "dry", "jira")):
        await write_run(house, workflow_id, run_id)
        await write_work(house, workflow_id, run_id, service)
    await write_run(house, EDITION, "backfill", started_at=NOON - MINUTE, ended_at=NOON + 50 * SECOND)
    pages = {run_id: await shown(house, run_id) for run_id in ("edition", "dry", "backfill")}
    for run_id, text in pages.items():
        found = [one for one in ("github", "jira") if f"{one}-plan" in text or f"{one} is away" in text]
        assert found == {"edition": ["github"], "dry": ["jira"], "backfill": []}[run_id], run_id
    assert "Its attempts are not on record any more, or none were made." in pages["backfill"]


async def test_calls_are_the_same_number_wherever_they_are_counted(house: House) -> None:
    await write_run(house, EDITION, "edition", api_calls={"github": 999})
    await write_work(house, EDITION, "edition", "github")
    text = await shown(house, "edition")
    row = re.search(r'<th scope="row">GitHub</th>((?:<td class="number">.*?</td>)+)</tr>', text)
    assert row is not None
    assert re.findall(r"\d+", re.sub(r"<[^>]+>", " ", row[1])) == ["3", "2", "1", "1"], (
        "asked, answered, failed, refused"
    )
    tried = re.search(r'<td class="fixed">collect repository</td>(.*?)</tr>', text)
    assert tried is not None
    assert re.findall(r'class="number">(\d+)<', tried[1]) == ["2", "0", "0", "3"], "attempts, retries, failed, calls"
    assert "999" not in text, "of what succeeded alone, which is another number"


async def test_a_complete_run_has_its_phases_one_after_the_other(house: House) -> None:
    await write_run(house, EDITION, "edition", status="complete")
    text = await shown(house)
    assert phases(text) == ["Plan", "Collect", "Compose", "Deliver"]
    assert '<span class="chip good">complete</span>' in text
    assert 'id="recovered"' not in text


async def test_a_partial_run_has_its_recovery_in_the_timeline_and_with_its_steps(house: House) -> None:
    await write_run(house, EDITION, "edition")
    await write_work(house, EDITION, "edition", "github")
    text = await shown(house)
    assert phases(text) == ["Plan", "Collect", "Compose", "Deliver", "Recovery: GitHub, collect"]
    assert '<rect x="166.7" y="0" width="166.7"' in text, "a sixth of the minute after its begin, a sixth long"
    assert '<span class="chip good">cached healed 1</span>' in text
    assert '<span class="hint">retry failed</span>' in text


async def test_of_a_run_whose_delivery_is_queued_what_comes_later_is_told_as_that(house: House) -> None:
    database = house.site.database
    await write_run(house, EDITION, "edition")
    own = {"workflow_id": DELIVERY, "run_id": "d", "service": "slack", "operation": "send_part", "succeeded": False}
    await Operations(database).write(
        [
            operation(1, **own, owner_run_id="edition", ended_at=NOON + 50 * SECOND),
            operation(31, **own, owner_run_id="edition"),
            operation(32, **own, owner_run_id="amendment"),
        ]
    )
    late = delivery(iso_week=WEEK, state="pending", attempts=2, last_error="ratelimited", updated_at=NOON + 31 * MINUTE)
    await Records(database, ArtifactStore(database)).write(deliveries=[late])
    text = await shown(house)
    rows = re.findall(r'<tr><td>(\w+)</td><th scope="row">Slack</th><td class="fixed">send part</td><td.*?>(\d)', text)
    assert rows == [("Deliver", "1"), ("Afterwards", "1")]
    assert '<span class="chip warn">still tried</span>' in text
    assert "ratelimited" in text


async def test_an_amended_run_leads_to_its_amendment_which_has_no_phases_of_another(house: House) -> None:
    await write_run(house, EDITION, "edition")
    later = {"started_at": NOON + MINUTE, "ended_at": NOON + 90 * MINUTE, "requested_by": "amendment"}
    await write_run(house, AMENDMENT, "amendment", status="complete", seconds={}, **later)
    own = {"workflow_id": AMENDMENT, "run_id": "amendment", "operation": "collect_again"}
    await Operations(house.site.database).write([operation(30, **own)])
    edition, amendment = await shown(house), await shown(house, "amendment")
    assert f'href="{PAGE}?run=amendment"' in edition
    assert phases(edition) == ["Plan", "Collect", "Compose", "Deliver"]
    assert "collect again" not in edition
    assert phases(amendment) == []
    assert '<span class="chip plain">amendment</span>' in amendment
    assert '<tr><th scope="row">GitHub</th><td class="fixed">collect again</td>' in amendment
    assert 'scope="col">Phase</th>' not in amendment, "no empty column"


async def test_a_dry_run_has_no_channels(house: House) -> None:
    await write_run(house, PREVIEW, "dry")
    database = house.site.database
    await Records(database, ArtifactStore(database)).write(deliveries=[delivery(iso_week=WEEK)])
    text = await shown(house)
    assert '<span class="chip plain">dry run</span>' in text
    assert "in its channels" not in text


async def test_a_cancelled_run_has_the_phases_that_it_came_to_and_says_who_cancelled_it(house: House) -> None:
    spent = {"total": 5.0, "plan": 1.0, "collect": 4.0}
    await write_run(house, EDITION, "edition", status="cancelled", cancelled_because="anna: <b>no", seconds=spent)
    text = await shown(house)
    assert phases(text) == ["Plan", "Collect"]
    assert "It was cancelled: anna: &lt;b&gt;no" in text


async def test_a_terminated_run_is_there_although_it_wrote_nothing(house: House) -> None:
    page, edition_id = "/teams/payments/runs/2025-W21", names.edition_id("payments", "2025-W21")
    handle = await house.site.temporal.start_workflow("Telling", {}, id=edition_id, task_queue="nobody")
    await handle.terminate(reason="stuck <b>since Monday")
    run_id = str(handle.result_run_id)
    mine = {"workflow_id": edition_id, "run_id": run_id, "operation": "plan_edition", "service": "local"}
    await Operations(house.site.database).write([operation(1, **mine, ended_at=datetime.now(UTC))])
    for text in [await shown(house, each, page) for each in ("", run_id)]:
        assert '<span class="chip bad">terminated</span>' in text
        assert "It was terminated: stuck &lt;b&gt;since Monday. So it wrote no record" in text
        assert "plan edition" in text
        assert "Run in Temporal" in text
        assert "sse-connect" not in text
        assert phases(text) == []


@pytest.mark.parametrize("answer", [NOT_FOUND, NOTHING])
async def test_of_a_terminated_run_whose_history_is_forgotten_no_reason_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch, answer: RPCError | GetWorkflowExecutionHistoryReverseResponse
) -> None:
    async def history(*_: object, **__: object) -> GetWorkflowExecutionHistoryReverseResponse:
        if isinstance(answer, RPCError):
            raise answer
        return answer

    page, edition_id = "/teams/payments/runs/2025-W23", names.edition_id("payments", "2025-W23")
    handle = await house.site.temporal.start_workflow("Telling", {}, id=edition_id, task_queue="nobody")
    await handle.terminate(reason="stuck")
    service = house.site.temporal.workflow_service
    monkeypatch.setattr(service, "get_workflow_execution_history_reverse", history)
    text = await shown(house, page=page)
    assert '<span class="chip bad">terminated</span>' in text
    assert "Temporal does not answer" not in text


async def test_a_run_that_is_open_while_its_worker_is_away_has_what_it_did(house: House) -> None:
    page = "/teams/payments/runs/2025-W22"
    async with opened(house, "2025-W22") as handle:
        mine = {"workflow_id": handle.id, "run_id": str(handle.result_run_id), "operation": "plan_edition"}
        await Operations(house.site.database).write([operation(1, **mine, ended_at=datetime.now(UTC))])
        text = await shown(house, page=page)
    assert "No worker answers for it. It is open, loses nothing, and goes on when one runs." in text
    assert "plan edition" in text
    assert phases(text) == []
    assert "sse-connect" in text


async def test_a_run_that_temporal_has_forgotten_is_told_from_the_records_alone(house: House) -> None:
    await write_run(house, EDITION, "edition", status="complete")
    await Recoveries(house.site.database).write(
        recovery(1, RecoveryOutcome.HEALED, RETRY, owner_run_id="edition").model_copy(update={"iso_week": WEEK})
    )
    text = await shown(house, "edition")
    assert "Temporal does not keep it any more; what stands here is on record." in text
    assert "Run in Temporal" not in text
    assert "retry healed 2" in text


async def test_of_a_run_that_nobody_keeps_any_more_the_week_s_others_are_shown(house: House) -> None:
    await write_run(house, EDITION, "edition")
    answer = await (await house.visitor("anna")).get(f"{PAGE}?run=long-gone")
    assert answer.status_code == 404
    assert "That run is not on record, and Temporal does not keep it." in answer.text
    assert f'href="{PAGE}?run=edition"' in answer.text
    assert phases(answer.text) == []


async def test_a_run_that_was_reset_is_the_one_that_it_was(house: House) -> None:
    week, temporal = "2025-W23", house.site.temporal
    edition_id = names.edition_id("payments", week)
    async with Worker(temporal, task_queue="telling", workflows=[Telling]):
        told = {"phase": "collect"}
        before = await temporal.start_workflow("Telling", told, id=edition_id, task_queue="telling")
        await before.query("progress")
        execution = (await before.describe()).raw_description.workflow_execution_info.execution
        reset = await temporal.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=temporal.namespace,
                workflow_execution=execution,
                reason="a test",
                workflow_task_finish_event_id=4,
                request_id="reset-of-a-test",
            )
        )
        own = {"workflow_id": edition_id, "ended_at": datetime.now(UTC), "operation": "plan_edition"}
        first = str(before.result_run_id)
        await Operations(house.site.database).write(
            [operation(1, run_id=first, **own), operation(2, run_id=reset.run_id, owner_run_id=first, **own)]
        )
        page = f"/teams/payments/runs/{week}"
        texts = [await shown(house, run_id, page) for run_id in ("", first, reset.run_id)]
        await temporal.get_workflow_handle(edition_id).terminate()
    for text in texts:
        found = re.search(r'<td class="fixed">plan edition</td><td class="number">(\d)</td>', text)
        assert found is not None
        assert found[1] == "2"
