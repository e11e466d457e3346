"""The audit in a real database: written once each, in one order, together with what it tells of; and verified."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text

from devsync.contracts.errors import ErrorRecord
from devsync.domain.audit import AuditEntry, Damage, Head
from devsync.storage.audit import Audit
from devsync.storage.audit_check import FINDINGS_OF_A_TEAM, AuditCheck, TeamChecked
from devsync.storage.connection import DatabaseUnavailable
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from sandbox.postgres import PostgresServer
from tests.storage.tampering import rows_of, tamper
from tests.storage.test_errors import record

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def entry(number: int, team: str = "payments", **changes: object) -> AuditEntry:
    values: dict[str, object] = {
        "team": team,
        "id": f"alert:{number}",
        "at": NOON + timedelta(seconds=number),
        "actor": "anna",
        "what": f"alert:{number}",
        "action": "acknowledge",
        "outcome": "acknowledged",
        "context": {"level": "team_lead", "number": number},
    }
    return AuditEntry.model_validate(values | changes)


@pytest.fixture
def audit(database: Database) -> Audit:
    return Audit(database)


async def checked(database: Database, **anchors: Sequence[Head]) -> list[TeamChecked]:
    return [one async for one in AuditCheck(database).teams(anchors=anchors)]


async def damages(database: Database, **anchors: Sequence[Head]) -> list[tuple[Damage, int]]:
    found = await checked(database, **anchors)
    return [(finding.damage, finding.number) for one in found for finding in one.findings]


async def test_entries_come_back_as_they_were_written_each_team_in_a_chain_of_its_own(
    audit: Audit, database: Database
) -> None:
    await audit.write([entry(1), entry(2, "search"), entry(3)])
    await audit.write([entry(4)])
    found = await audit.latest(team="payments", limit=10)
    assert [(one.number, one.entry) for one in found] == [(3, entry(4)), (2, entry(3)), (1, entry(1))]
    assert [one.entry.what for one in await audit.latest(limit=2)] == ["alert:4", "alert:3"]
    assert [(one.team, one.entries, one.findings) for one in await checked(database)] == [
        ("payments", 3, ()),
        ("search", 1, ()),
    ]


async def test_an_entry_is_there_once_however_often_it_is_told(audit: Audit, database: Database) -> None:
    for _ in range(3):
        await audit.write([entry(1), entry(1, outcome="told again"), entry(2)])
    found = await audit.latest(limit=10)
    assert [(one.number, one.entry) for one in found] == [(2, entry(2)), (1, entry(1))]
    assert await damages(database) == []


async def test_entries_and_what_they_tell_of_are_written_together_or_not_at_all(
    audit: Audit, database: Database
) -> None:
    with pytest.raises(Exception, match="division by zero"):
        await audit.write([entry(1)], text("SELECT 1 / 0"))
    assert await audit.latest(limit=10) == []
    assert await checked(database) == []


async def test_twenty_writers_of_one_team_make_one_chain_and_repeat_nothing(audit: Audit, database: Database) -> None:
    async def write(writer: int) -> None:
        for number in range(writer, writer + 10):  # each of most entries is written by ten of them
            await audit.write([entry(number), entry(number, "search")])

    await asyncio.gather(*map(write, range(20)))
    assert [(one.team, one.entries, one.findings) for one in await checked(database)] == [
        ("payments", 29, ()),
        ("search", 29, ()),
    ]


async def test_writers_of_two_teams_in_different_orders_do_not_block_each_other(
    audit: Audit, database: Database
) -> None:
    async def write(writer: int) -> None:
        both = [entry(writer), entry(writer, "search")]
        await audit.write(both if writer % 2 else both[::-1])

    await asyncio.gather(*map(write, range(40)))
    assert [one.entries for one in await checked(database)] == [40, 40]


async def test_text_that_the_database_cannot_hold_is_hashed_as_it_is_kept(audit: Audit, database: Database) -> None:
    await audit.write([entry(1, outcome="a\0b \ud800", context={"message": "\0 \U0001f40d é"})])
    (kept,) = await audit.latest(limit=1)
    assert (kept.entry.outcome, kept.entry.context["message"]) == ("a\ufffdb \ufffd", "\ufffd \U0001f40d é")
    assert await damages(database) == []


TAMPERED = [
    pytest.param("UPDATE audit SET outcome = 'all was well' WHERE number = 3", [(Damage.CHANGED, 3)], id="changed"),
    pytest.param("UPDATE audit SET at = at + '1 us' WHERE number = 3", [(Damage.CHANGED, 3)], id="moved in time"),
    pytest.param(
        """UPDATE audit SET context = context || '{"level": "executive"}' WHERE number = 9""",
        [(Damage.CHANGED, 9)],
        id="the newest changed",
    ),
    pytest.param("DELETE FROM audit WHERE number = 1", [(Damage.REMOVED, 1)], id="the first removed"),
    pytest.param("DELETE FROM audit WHERE number IN (4, 5)", [(Damage.REMOVED, 4)], id="removed"),
    pytest.param("DELETE FROM audit WHERE number = 9", [(Damage.REMOVED, 9)], id="the newest removed"),
    pytest.param("DELETE FROM audit", [(Damage.REMOVED, 1)], id="all removed"),
    pytest.param(
        "INSERT INTO audit SELECT team, 10, 'x', at, actor, what, action, outcome, context, hash FROM audit"
        " WHERE number = 9",
        [(Damage.INSERTED, 10)],
        id="one added",
    ),
    pytest.param(
        "INSERT INTO audit SELECT team, 0, 'x', at, actor, what, action, outcome, context, hash FROM audit"
        " WHERE number = 1",
        [(Damage.INSERTED, 0)],
        id="one before the first",
    ),
    pytest.param(
        "UPDATE audit_heads SET cut_number = 4, cut_hash = (SELECT hash FROM audit WHERE number = 4);"
        " DELETE FROM audit WHERE number <= 4",
        [(Damage.REMOVED, 1)],
        id="the beginning removed as if by retention",
    ),
    pytest.param("UPDATE audit_heads SET hash = repeat('0', 64)", [(Damage.CHANGED, 9)], id="the head changed"),
]


@pytest.mark.parametrize(("statement", "expected"), TAMPERED)
async def test_whatever_is_done_to_the_audit_is_found(
    audit: Audit, database: Database, url: str, statement: str, expected: list[tuple[Damage, int]]
) -> None:
    await audit.write(map(entry, range(9)))
    tamper(url, statement)
    assert await damages(database) == expected


async def test_an_entry_slipped_in_between_is_found(audit: Audit, database: Database, url: str) -> None:
    await audit.write(map(entry, range(9)))
    tamper(
        url,
        "UPDATE audit SET number = -number - 1 WHERE number >= 4",
        "UPDATE audit SET number = -number WHERE number < 0",
        "INSERT INTO audit SELECT team, 4, 'x', at, actor, what, action, outcome, context, hash FROM audit"
        " WHERE number = 3",
    )
    assert (Damage.INSERTED, 10) in await damages(database)


async def test_the_newest_removed_together_with_its_head_is_found_by_an_anchor(
    audit: Audit, database: Database, url: str
) -> None:
    await audit.write(map(entry, range(9)))
    anchors = await audit.anchor(NOON)
    tamper(
        url,
        "DELETE FROM audit WHERE number = 9",
        "UPDATE audit_heads SET number = 8, hash = (SELECT hash FROM audit WHERE number = 8)",
    )
    assert await damages(database) == [(Damage.REMOVED, 9)]
    tamper(url, "DELETE FROM audit_anchors")
    assert await damages(database) == [], "nothing in the database knows of it any more"
    assert await damages(database, payments=[anchors["payments"]]) == [(Damage.REMOVED, 9)]


async def test_a_team_of_which_nothing_is_left_is_missed_by_its_anchor(
    audit: Audit, database: Database, url: str
) -> None:
    await audit.write([entry(1), entry(1, "search")])
    anchors = await audit.anchor(NOON)
    tamper(url, *(f"DELETE FROM {table} WHERE team = 'search'" for table in ("audit", "audit_heads", "audit_anchors")))
    assert await damages(database) == []
    assert await damages(database, search=[anchors["search"]]) == [(Damage.REMOVED, 1)]


async def test_thousands_of_findings_are_cut_short(audit: Audit, database: Database, url: str) -> None:
    await audit.write(map(entry, range(300)))
    tamper(url, "UPDATE audit SET outcome = 'well'")
    assert len(await damages(database)) == FINDINGS_OF_A_TEAM


@pytest.mark.parametrize("statement", ["UPDATE audit SET outcome = 'well'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_nobody_changes_the_audit_by_mistake(audit: Audit, url: str, statement: str) -> None:
    await audit.write([entry(1)])
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"), psycopg.connect(url) as connection:
        connection.execute(statement.encode())
    assert len(await audit.latest(limit=10)) == 1


async def test_an_anchor_is_noted_once_and_a_team_without_entries_has_none(audit: Audit, url: str) -> None:
    await audit.write([entry(1), entry(2), entry(1, "search")])
    first = await audit.anchor(NOON)
    await audit.write([entry(3)])
    second = await audit.anchor(NOON + timedelta(hours=1))
    assert (first["payments"].number, second["payments"].number) == (2, 3)
    assert first["search"] == second["search"]
    assert rows_of(url, "SELECT team, number FROM audit_anchors ORDER BY team, number") == [
        ("payments", 2),
        ("payments", 3),
        ("search", 1),
    ]


BESIDE = [
    pytest.param("UPDATE errors SET message = 'well' WHERE attempt = 2", Damage.CHANGED, 2, id="changed"),
    pytest.param("UPDATE errors SET occurred_at = now() WHERE attempt = 3", Damage.CHANGED, 3, id="moved in time"),
    pytest.param("DELETE FROM errors WHERE attempt = 3", Damage.REMOVED, 3, id="the newest removed"),
    pytest.param(
        "INSERT INTO errors SELECT run_id, activity_id, 4, workflow_id, team, service, operation, category, severity,"
        " code, fingerprint, message, occurred_at FROM errors WHERE attempt = 3",
        Damage.INSERTED,
        0,
        id="one slipped in",
    ),
]


@pytest.mark.parametrize(("statement", "damage", "number"), BESIDE)
async def test_a_row_of_errors_that_does_not_agree_with_the_audit_is_found(
    database: Database, url: str, statement: str, damage: Damage, number: int
) -> None:
    await Errors(database).write([error(attempt) for attempt in (1, 2, 3)])
    assert await damages(database) == []
    tamper(url, statement)
    (found,) = await checked(database)
    (finding,) = found.findings
    assert (finding.damage, finding.number) == (damage, number)
    assert finding.detail.startswith("errors: error:run-1:5:")


def error(attempt: int) -> ErrorRecord:
    return record(5, attempt=attempt)


async def test_an_error_is_in_the_audit_with_who_what_when_and_why(database: Database, audit: Audit) -> None:
    await Errors(database).write([error(2)])
    (found,) = await audit.latest(limit=10)
    assert found.entry == AuditEntry(
        team="payments",
        id="error:run-1:5:2",
        at=NOON + timedelta(minutes=5),
        actor="worker",
        what="changelog:payments:2026-W47",
        action="github.collect_repository",
        outcome="failed",
        context={
            "category": "external_service",
            "severity": "medium",
            "code": "503",
            "fingerprint": "f1",
            "message": "github answered 503",
        },
    )


@pytest.mark.timeout(60)
async def test_a_database_that_stops_leaves_a_whole_chain(breakable: tuple[PostgresServer, Database]) -> None:
    server, database = breakable
    audit = Audit(database)
    await audit.write(map(entry, range(5)))

    async def write(number: int) -> None:
        while True:
            try:
                return await audit.write([entry(number)])
            except DatabaseUnavailable:
                await asyncio.sleep(0.1)

    writers = [asyncio.create_task(write(number)) for number in range(5, 40)]
    await server.kill()
    await server.start()
    await asyncio.gather(*writers)
    (found,) = await checked(database)
    assert (found.entries, found.findings) == (40, ())
