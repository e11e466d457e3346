"""The pages of errors: alike ones together, how often, what became of them; and who sees none of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.pages.errors import LINES
from devsync.contracts.errors import ErrorRecord
from devsync.domain.errors import ErrorSeverity
from devsync.domain.recovery.builtin import DELIVER_EMAIL
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from devsync.storage.records import Records
from devsync.storage.recoveries import Recoveries
from tests.dashboard.conftest import House
from tests.storage.test_errors import record
from tests.storage.test_operations import operation
from tests.storage.test_records import delivery, run
from tests.storage.test_recoveries import RETRY, step
from tests.storage.test_recoveries import record as recovery

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


def error(number: int, **changes: Any) -> ErrorRecord:
    return record(number, **({"occurred_at": NOW - 2 * HOUR + timedelta(seconds=number)} | changes))


async def write(house: House, *told: ErrorRecord) -> None:
    await Errors(house.site.database).write(told)


async def test_alike_errors_are_one_line_with_their_count_and_chart(house: House) -> None:
    await write(house, error(1), error(2, severity=ErrorSeverity.CRITICAL), error(3, fingerprint="f2", message="odd"))
    shown = (await (await house.visitor("anna")).get("/errors")).text
    assert shown.count('class="spark"') == 2
    assert "critical" in shown
    assert shown.index("/errors/f1") < shown.index("/errors/f2")
    assert 'aria-label="at most 2 times on one day"' in shown


async def test_each_sees_errors_of_their_teams_and_nobody_elses_numbers(house: House) -> None:
    of_search = error(2, team="search", workflow_id="changelog:search:2026-W47")
    await write(house, error(1), of_search, error(3, team="", fingerprint="f0"))
    pages = {name: await house.visitor(name) for name in ("anna", "ben", "root")}
    for name, times in (("anna", 1), ("ben", 1), ("root", 2)):
        shown = (await pages[name].get("/errors/f1")).text
        assert f"<dt>Times</dt><dd>{times}</dd>" in shown, name
        assert ("search" in shown, "payments" in shown) == (name != "anna", name != "ben"), name
    assert (await pages["anna"].get("/errors/f0")).status_code == 404
    assert (await pages["root"].get("/errors/f0")).status_code == 200
    assert (await pages["ben"].get("/errors/f1?team=payments")).status_code == 404
    assert "/errors/f1" not in (await pages["ben"].get("/errors?team=payments")).text


async def test_filters_stand_in_the_address(house: House) -> None:
    await write(house, error(1), error(2, fingerprint="f2", service="jira", severity=ErrorSeverity.HIGH))
    await write(house, error(3, fingerprint="f3", occurred_at=NOW - 48 * HOUR))
    anna = await house.visitor("anna")
    for query, expected in (
        ("", ["f1", "f2", "f3"]),
        ("?window=24h", ["f1", "f2"]),
        ("?service=jira", ["f2"]),
        ("?severity=high&category=external_service", ["f2"]),
        ("?category=network", []),
        ("?team=search", []),
    ):
        shown = (await anna.get(f"/errors{query}")).text
        assert [one for one in ("f1", "f2", "f3") if f'"/errors/{one}' in shown] == expected, query
        assert ("No error matches" in shown) == (not expected), query
    assert (await anna.get("/errors?window=1y")).status_code == 422
    assert (await anna.get("/errors?page=0")).status_code == 422


async def test_a_long_list_has_pages(house: House) -> None:
    await write(house, *(error(number, fingerprint=f"kind{number:03}") for number in range(LINES + 2)))
    anna = await house.visitor("anna")
    first, second = (await anna.get("/errors")).text, (await anna.get("/errors?page=2")).text
    assert ("page=2" in first, "page=1" in second) == (True, True)
    assert (first.count('"/errors/kind'), second.count('"/errors/kind')) == (LINES, 2)


async def test_a_kind_tells_what_became_of_it_and_leads_to_its_runs(house: House) -> None:
    database = house.site.database
    began = NOW - 3 * HOUR
    await Records(database, ArtifactStore(database)).write(run=run(started_at=began, ended_at=NOW - HOUR))
    await write(house, error(1), error(2))
    await Operations(database).write([operation(1, attempt=2, ended_at=NOW - HOUR)])
    healed = recovery(1, RecoveryOutcome.HEALED, RETRY, owner_run_id="run-1")
    await Recoveries(database).write(
        healed.model_copy(update={"started_at": NOW - 2 * HOUR, "ended_at": NOW - 1.5 * HOUR})
    )
    shown = (await (await house.visitor("anna")).get("/errors/f1")).text
    assert "After 1 of the last 2 errors a later attempt" in shown
    assert "retry healed 2" in shown
    assert "/recoveries/recovery%3Apayments%3A2026-W47%3Agithub.collect%3A1/run-1" in shown
    assert 'href="/teams/payments/runs/2026-W47?run=run-1"' in shown


SLACK = {"workflow_id": "delivery:payments:2026-W47:slack-payments", "owner_run_id": "edition", "service": "slack"}


@pytest.mark.parametrize(
    ("state", "words", "tone"),
    [
        ("delivered", "delivered later", "good"),
        ("pending", "still tried", "warn"),
        ("uncertain", "uncertain", "warn"),
        ("dead", "dead", "bad"),
        ("failed", "failed", "bad"),
    ],
)
async def test_of_a_delivery_s_error_it_tells_what_the_delivery_came_to(
    house: House, state: str, words: str, tone: str
) -> None:
    await write(house, error(1, **SLACK), error(2, **SLACK))
    database = house.site.database
    came = delivery(state=state, updated_at=NOW - HOUR)
    await Records(database, ArtifactStore(database)).write(deliveries=[came])
    shown = (await (await house.visitor("anna")).get("/errors/f1")).text
    assert f'Its delivery: <span class="chip {tone}">{words}</span></p>' in shown
    page = "/teams/payments/deliveries/2026-W47/slack-payments"
    assert shown.count(f'<a href="{page}"><span class="chip {tone}">{words}</span>') == 2
    assert "a later attempt" not in shown, "each try of a delivery is an activity of its own"
    assert 'href="/teams/payments/runs/2026-W47?run=edition"' in shown


async def test_several_deliveries_are_counted_and_a_channel_that_stands_in_is_told(house: House) -> None:
    database = house.site.database
    await write(house, error(1, **SLACK), error(2, **(SLACK | {"workflow_id": "delivery:payments:2026-W46:slack-x"})))
    gave_up = delivery(state="dead", updated_at=NOW - HOUR)
    later = delivery(iso_week="2026-W46", channel="slack-x", updated_at=NOW - HOUR)
    await Records(database, ArtifactStore(database)).write(deliveries=[gave_up, later])
    by_mail = step("email", StepState.RESOLVED, "slack-payments").model_copy(update={"activity": DELIVER_EMAIL})
    of_slack: dict[str, Any] = {"service": "slack", "phase": "deliver", "owner_run_id": "edition"}
    await Recoveries(database).write(recovery(1, RecoveryOutcome.STAND_IN, by_mail, **of_slack))
    shown = (await (await house.visitor("anna")).get("/errors/f1")).text
    assert "Its deliveries:" in shown
    for words in ("another channel stands in: 1", "delivered later: 1", "email healed 1"):
        assert words in shown, words
    assert "No recovery that has ended was about it." not in shown


async def test_a_code_stands_in_the_list_as_on_its_own_page(house: House) -> None:
    await write(house, error(1, code="RATE_LIMITED"))
    anna = await house.visitor("anna")
    for path in ("/errors", "/errors/f1"):
        assert "RATE_LIMITED" in (await anna.get(path)).text, path


async def test_what_somebody_else_has_written_changes_nothing_on_the_pages(house: House) -> None:
    hostile = "<script>alert(1)</script> \u202etxt.exe " + 10_000 * "x"
    await write(house, error(1, message=hostile, operation="<b>o"), error(2, team="payments", code='"><i>'))
    anna = await house.visitor("anna")
    for path in ("/errors", "/errors/f1"):
        shown = (await anna.get(path)).text
        assert "<script>alert" not in shown
        assert "<b>o" not in shown
        assert "\u202e" not in shown
        assert 700 * "x" not in shown
