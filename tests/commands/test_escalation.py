"""`escalation list --window`: what people were asked, as the records have it; no worker and no Temporal is needed."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from devsync.contracts.escalation import Subscriber, SubscriberEntry, SubscriberState
from devsync.domain.escalation import machine
from devsync.domain.recovery.decision import Decision
from devsync.storage.database import Database
from devsync.storage.escalations import Escalations
from sandbox.postgres import PostgresServer
from tests.command_line import invoked
from tests.servers import new_database
from tests.storage.test_escalations import HOUR, NOON, message, opened

UNTIL = ("--until", (NOON + 3 * HOUR).isoformat())


@pytest.fixture(scope="module")
async def asked(postgres: PostgresServer) -> Mapping[str, str]:
    """About GitHub at noon, answered an hour later; about JIRA at one, for payments, and open still."""
    url = postgres.url(new_database(postgres))
    database = Database(url, pool_size=1)
    record, first = opened()
    over, second = machine.resolve(record, "anna [lead]", Decision.RETRY, "back", NOON + HOUR)
    store = Escalations(database)
    await store.write(message(record, first))
    await store.write(message(over, second, 2))
    waiting = SubscriberEntry(
        subscriber=Subscriber(workflow_id="changelog:payments:2026-W47", team="payments", subject="all of JIRA"),
        state=SubscriberState.WAITING,
        joined_at=NOON + HOUR,
    )
    jira: dict[str, Any] = {"workflow_id": "escalation:service:jira", "service": "jira", "team": "payments"}
    await store.write(message(*opened(NOON + HOUR), **jira, subscribers=(waiting,)))
    await database.dispose()
    return {"DATABASE_URL": url, "TEMPORAL_ADDRESS": "127.0.0.1:1", "COLUMNS": "200"}


def listed(environment: Mapping[str, str], *arguments: str) -> list[str]:
    code, output, _ = invoked(environment, "escalation", "list", *arguments, *UNTIL, "--json")
    assert code == 0
    return [one["workflow_id"].removeprefix("escalation:service:") for one in json.loads(output)["escalations"]]


def test_those_are_listed_that_were_open_within_the_window(asked: Mapping[str, str]) -> None:
    assert listed(asked, "--window", "24h") == ["jira", "github"]
    assert listed(asked, "--window", "1h") == ["jira"]
    assert listed(asked) == ["jira", "github"], "a day without --window"
    assert listed(asked, "--window", "24h", "--team", "payments") == ["jira"]


def test_a_person_reads_what_came_of_each(asked: Mapping[str, str]) -> None:
    code, output, _ = invoked(asked, "escalation", "list", *UNTIL)
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert (code, lines[1:]) == (
        0,
        [
            "2026-11-23 13:00 escalation:service:jira firing team_lead nobody\ufffd answers",
            "2026-11-23 12:00 escalation:service:github resolved team_lead 2026-11-23 13:00 retry, decided by "
            "anna [lead] nobody\ufffd answers",
        ],
    )
    before = ("--window", "1h", "--until", (NOON - timedelta(days=9)).isoformat())
    assert invoked(asked, "escalation", "list", *before)[1] == f"no escalation was open in the 1h before {before[-1]}\n"


def test_a_list_that_is_cut_says_so(asked: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.escalation._LISTED", 1)
    assert listed(asked, "--window", "24h") == ["jira"]
    code, output, _ = invoked(asked, "escalation", "list", *UNTIL)
    assert (code, output.splitlines()[-1]) == (0, "these are the last 1; to see earlier ones: --until")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--window", "-3d"], '--window: "-3d" is negative; write "3d"'),
        (["--until", "2199-01-01"], "--until: the window lies in the future"),
        (["--window", "24h", "--team", "nobody"], 'neither config/ nor a record knows the team "nobody"'),
    ],
)
def test_what_makes_no_sense_is_refused(asked: Mapping[str, str], arguments: list[str], problem: str) -> None:
    code, output, errors = invoked(asked, "escalation", "list", *arguments)
    assert (code, output, problem in errors) == (2, "", True), errors
