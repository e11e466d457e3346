"""`audit verify` and `audit list` against a real database, as people and as scripts read them."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from devsync.domain.audit import AuditEntry
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from sandbox.postgres import PostgresServer
from tests.command_line import invoked
from tests.servers import new_database
from tests.storage.tampering import tamper
from tests.storage.test_errors import record

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OF_NOON = "of 2026-11-23 12:00:00 to 2026-11-23 12:00:00 UTC"


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
            f"(no team): whole, 1 entry, number 1 to 1, {OF_NOON}",
            "  held against no anchor yet",
            "  could not see whether somebody has written entry 1 anew with the head: no later head is noted",
            f"payments: whole, 2 entries, number 1 to 2, {OF_NOON}",
            "  held against no anchor yet",
            "  could not see whether somebody has written entries 1 to 2 anew with the head: no later head is noted",
        ],
    )


def test_it_tells_how_far_anchors_and_rows_reach_and_what_retention_took(url: str) -> None:
    noted = "INSERT INTO audit_anchors SELECT team, 2, hash, now() FROM audit WHERE team = 'payments' AND number = 2"
    tamper(url, noted)

    async def write() -> None:
        database = Database(url, pool_size=1)
        await Errors(database).write([record(3)])
        await database.dispose()

    asyncio.run(write())
    _, output, _ = audit(url, "verify", "--team", "payments")
    assert output.splitlines()[1:] == [
        "  held against 1 row of errors and 1 anchor, the newest of entry 2",
        "  could not see whether somebody has written entry 3 anew with the head: no later head is noted",
    ]
    tamper(url, noted.replace(" 2,", " 3,").replace("= 2", "= 3"))
    assert "could not see" not in audit(url, "verify", "--team", "payments")[1]
    (told,) = json.loads(audit(url, "verify", "--team", "payments", "--json")[1])["teams"]
    assert (told["anchored"], told["beside"]["errors"], told["unseen"]) == (3, 1, [])


def test_what_was_tampered_with_is_named_and_the_exit_code_tells(url: str) -> None:
    tamper(url, "UPDATE audit SET actor = 'nobody' WHERE id = 'alert:2'")
    code, output, _ = audit(url, "verify", "--team", "payments")
    assert code == 1
    assert output.splitlines() == [
        f"payments: broken, 2 entries, number 1 to 2, {OF_NOON}",
        "  changed: entry 2: its hash does not follow from it and from the entry before",
        "  held against no anchor yet",
        "  could not see whether somebody has written entries 1 to 2 anew with the head: no later head is noted",
    ]
    code, output, told = audit(url, "verify", "--json")
    document = json.loads(output)
    assert (code, document["ok"], document["temporal_asked"]) == (1, False, False)
    assert told.startswith("could not see the heads that Temporal has noted: no Temporal server answers at 127.0.0.1:1")
    assert [(one["team"], [found["damage"] for found in one["findings"]]) for one in document["teams"]] == [
        ("", []),
        ("payments", ["changed"]),
    ]


def test_of_a_team_all_of_whose_entries_are_gone_what_was_noted_tells(url: str) -> None:
    tamper(url, "INSERT INTO audit_anchors SELECT team, number, hash, now() FROM audit_heads WHERE team = 'payments'")
    tamper(url, "DELETE FROM audit WHERE team = 'payments'; DELETE FROM audit_heads WHERE team = 'payments'")
    for arguments in (["--team", "payments"], []):
        code, output, _ = audit(url, "verify", *arguments)
        assert (code, "payments: broken, 0 entries\n" in output) == (1, True)
        assert "  removed: " in output


def test_a_team_of_which_there_is_nothing_is_not_said_to_be_whole(postgres: PostgresServer) -> None:
    code, output, told = audit(postgres.url(new_database(postgres)), "verify", "--team", "payments")
    assert (code, output) == (1, "")
    assert "nothing was verified: the audit has no entry of payments, and no head of it was noted" in told


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
    code, output, told = audit(url, "verify", "--team", "nobody")
    assert (code, output) == (2, "")
    assert 'neither config/ nor a record knows the team "nobody"; the known ones are payments' in told


def test_a_database_that_is_not_migrated_is_told_with_the_cure(postgres: PostgresServer) -> None:
    code, output, told = audit(postgres.url("template1"), "verify", "--json")
    assert (code, "db upgrade" in told) == (1, True)
    assert "db upgrade" in json.loads(output)["error"]
