"""`audit verify` and `audit list` against a real database, as people and as scripts read them."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from devsync.domain.audit import AuditEntry
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from sandbox.postgres import PostgresServer
from tests.command_line import invoked
from tests.servers import new_database
from tests.storage.tampering import tamper

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def entry(number: int, team: str) -> AuditEntry:
    return AuditEntry(
        team=team,
        id=f"alert:{number}",
        at=NOON,
        actor="anna [lead]",
        what=f"alert:{number}",
        action="acknowledge",
        outcome="taken\nby her",
    )


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    made = postgres.url(new_database(postgres))

    async def write() -> None:
        database = Database(made, pool_size=1)
        await Audit(database).write([entry(1, "payments"), entry(2, "payments"), entry(3, "")])
        await database.dispose()

    asyncio.run(write())
    return made


def audit(url: str, *arguments: str) -> tuple[int, str, str]:
    return invoked({"DATABASE_URL": url, "TEMPORAL_ADDRESS": "127.0.0.1:1"}, "audit", *arguments)


def test_a_whole_audit_is_said_to_be_whole(url: str) -> None:
    code, output, _ = audit(url, "verify")
    assert (code, output.splitlines()) == (
        0,
        [
            "(no team): whole, 1 entry, to number 1, held against 0 anchors",
            "payments: whole, 2 entries, to number 2, held against 0 anchors",
        ],
    )


def test_what_was_tampered_with_is_named_and_the_exit_code_tells(url: str) -> None:
    tamper(url, "UPDATE audit SET actor = 'nobody' WHERE id = 'alert:2'")
    code, output, _ = audit(url, "verify", "--team", "payments")
    assert code == 1
    assert output.splitlines() == [
        "payments: broken, 2 entries, to number 2, held against 0 anchors",
        "  changed: entry 2: its hash does not follow from it and from the entry before",
    ]
    code, output, told = audit(url, "verify", "--json")
    document = json.loads(output)
    assert (code, document["ok"], document["temporal_asked"]) == (1, False, False)
    assert told.startswith("without the heads that Temporal has noted: no Temporal server answers at 127.0.0.1:1")
    assert [(one["team"], [found["damage"] for found in one["findings"]]) for one in document["teams"]] == [
        ("", []),
        ("payments", ["changed"]),
    ]


def test_the_last_entries_say_who_did_what(url: str) -> None:
    code, output, _ = audit(url, "list", "--team", "payments", "--limit", "1")
    head, line = (" ".join(one.split()) for one in output.splitlines())
    assert (code, head) == (0, "when (UTC) team who action to what outcome")
    assert line == "2026-11-23 12:00:00 payments anna [lead] acknowledge alert:2 taken"
    code, output, _ = audit(url, "list", "--json")
    assert [one["id"] for one in json.loads(output)["entries"]] == ["alert:3", "alert:2", "alert:1"]


def test_an_empty_audit_and_a_team_that_is_none(postgres: PostgresServer, url: str) -> None:
    empty = postgres.url(new_database(postgres))
    assert audit(empty, "verify")[:2] == audit(empty, "list")[:2] == (0, "no entries in the audit\n")
    assert audit(url, "verify", "--team", "nobody")[:2] == (0, "no entries in the audit\n")


def test_a_database_that_is_not_migrated_is_told_with_the_cure(postgres: PostgresServer) -> None:
    code, output, told = audit(postgres.url("template1"), "verify", "--json")
    assert (code, "db upgrade" in told) == (1, True)
    assert "db upgrade" in json.loads(output)["error"]
