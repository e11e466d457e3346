"""Retention in a real database: what is too old goes, what is held or needed stays, and the audit tells of it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from devsync.domain.audit import AUDIT, CUT
from devsync.domain.changelog.window import Window
from devsync.storage.artifacts import ArtifactMissing, ArtifactStore
from devsync.storage.audit import Audit
from devsync.storage.audit_check import AuditCheck
from devsync.storage.collected import CollectedUnits, RememberedUnit
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from devsync.storage.records import Records
from devsync.storage.retention import AGED, Due, Retention
from devsync.storage.tables import metadata
from tests.storage.tampering import rows_of, tamper
from tests.storage.test_audit import entry
from tests.storage.test_audit_of_records import write_one_of_each
from tests.storage.test_errors import record as error
from tests.storage.test_operations import operation
from tests.storage.test_records import MONDAY, edition

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MANY = 100_000
KEPT_ELSEWHERE = {"audit", "audit_heads", "audit_anchors", "collection_pages", "switched_off_addresses"}
"""The audit is cut, pages are scratch and go with their collection, an address is forgotten when it works again."""


def retention(
    database: Database, now: datetime, held: Callable[[str], bool] = lambda team: False, **keep: timedelta
) -> Retention:
    times: Mapping[str, timedelta] = {
        "collected": 60 * DAY, "editions": 1825 * DAY, "errors": 90 * DAY, "operations": 400 * DAY, "audit": 1825 * DAY,
    } | keep  # fmt: skip
    return Retention(database, times, held, now)


async def due(one: Retention) -> list[Due]:
    return [row async for row in one.due()]


async def findings(database: Database) -> list[str]:
    return [f"{found.detail}" async for one in AuditCheck(database).teams() for found in one.findings]


def test_every_table_grows_old_or_says_why_not() -> None:
    assert {aged.table for aged in AGED} | KEPT_ELSEWHERE == set(metadata.tables)


async def test_what_is_younger_stays(database: Database) -> None:
    await write_one_of_each(database)
    one = retention(database, NOON + 60 * DAY)
    assert await due(one) == []
    assert await one.remove(MANY) == {}


async def test_everything_grows_too_old_at_its_time(database: Database) -> None:
    await write_one_of_each(database)
    await Operations(database).write([operation(1), operation(2)])
    errors = {"errors": 3, "error_counts": 6}  # of each team and of all, by hour and by day
    assert await retention(database, NOON + 91 * DAY).remove(MANY) == errors
    later = retention(database, NOON + 402 * DAY)
    expected = {
        "recoveries": 1, "escalation_events": 2, "escalations": 1, "breaker_transitions": 2,
        "operations": 2, "operation_counts": 4,
    }  # fmt: skip
    assert await later.remove(MANY) == expected
    much_later = retention(database, NOON + 1827 * DAY)
    assert await much_later.remove(MANY) == {"deliveries": 2, "runs": 2, "editions": 1}
    assert await findings(database) == [], "the audit says what retention has removed"
    assert await much_later.remove(MANY) == {}


async def test_the_dry_run_says_what_would_go_and_removes_nothing(database: Database, url: str) -> None:
    await write_one_of_each(database)
    one = retention(database, NOON + 91 * DAY, lambda team: team == "payments")
    found = {(row.table, row.team): (row.rows, row.is_held, row.oldest) for row in await due(one)}
    minute = timedelta(minutes=1)
    assert found == {
        ("errors", "payments"): (2, True, NOON + minute),
        ("errors", ""): (1, False, NOON + 3 * minute),
        ("error_counts", "payments"): (2, True, NOON + 2 * minute),
        ("error_counts", ""): (4, False, NOON + 3 * minute),
    }
    assert rows_of(url, "SELECT count(*) FROM errors") == [(3,)]


async def test_a_legal_hold_keeps_everything_of_a_team_until_it_is_lifted(database: Database, url: str) -> None:
    await write_one_of_each(database)
    held = retention(database, NOON + 9999 * DAY, lambda team: team == "payments")
    removed = await held.remove(MANY)
    for table in ("errors", "recoveries", "escalations", "editions", "runs", "deliveries"):
        assert rows_of(url, f"SELECT DISTINCT team FROM {table}") == [("payments",)], table
    assert (removed["errors"], removed["runs"]) == (1, 1)
    everything = retention(database, NOON + 9999 * DAY, lambda team: True)
    assert await everything.remove(MANY) == {}
    assert (await retention(database, NOON + 9999 * DAY).remove(MANY))["errors"] == 2


async def test_rows_that_were_removed_past_retention_are_still_found(database: Database, url: str) -> None:
    await Errors(database).write([error(1), error(2)])
    await Errors(database).write([error(3, occurred_at=NOON + 100 * DAY)])
    await retention(database, NOON + 91 * DAY).remove(MANY)
    tamper(url, "DELETE FROM errors")
    assert await findings(database) == ["errors: error:run-1:3:1 is not there any more"]


async def test_an_open_escalation_stays(database: Database, url: str) -> None:
    await write_one_of_each(database)
    tamper(url, "UPDATE escalations SET state = 'acknowledged'")
    await retention(database, NOON + 9999 * DAY).remove(MANY)
    assert rows_of(url, "SELECT state FROM escalations") == [("acknowledged",)]


async def test_the_audit_is_cut_up_to_a_head_that_was_noted_and_no_further(database: Database, url: str) -> None:
    audit = Audit(database)
    for number in range(9):
        await audit.write([entry(number)])
        if number in (2, 5):
            await audit.anchor(NOON + number * DAY)
    one = retention(database, NOON + 105 * DAY, audit=100 * DAY)
    (found,) = await due(one)
    assert (found.table, found.rows) == (AUDIT, 3), "the head of day 5 was not noted more than 100 days ago"
    assert await one.remove(MANY) == {AUDIT: 3}
    assert rows_of(url, "SELECT number FROM audit ORDER BY number") == [(number,) for number in range(4, 11)]
    assert rows_of(url, "SELECT number FROM audit_anchors ORDER BY number") == [(3,), (6,)]
    (said,) = await audit.latest(limit=1)
    assert (said.entry.action, said.entry.what, said.entry.context["number"]) == (CUT, AUDIT, 3)
    assert await findings(database) == []
    assert await one.remove(MANY) == {}

    assert await retention(database, NOON + 200 * DAY, audit=100 * DAY).remove(MANY) == {AUDIT: 3}
    assert await findings(database) == []


async def test_without_a_head_that_was_noted_nothing_of_the_audit_goes(database: Database) -> None:
    await Audit(database).write(map(entry, range(9)))
    assert await retention(database, NOON + 9999 * DAY).remove(MANY) == {}


async def test_a_chain_whose_anchor_does_not_hold_is_not_cut_there(database: Database, url: str) -> None:
    audit = Audit(database)
    await audit.write(map(entry, range(9)))
    await audit.anchor(NOON)
    tamper(url, "UPDATE audit SET hash = repeat('f', 64) WHERE number = 9")
    assert await retention(database, NOON + 9999 * DAY).remove(MANY) == {}
    assert await findings(database) != []


async def test_a_long_chain_is_cut_in_pieces_each_up_to_an_anchor(
    database: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devsync.storage.retention._AT_ONCE", 4)
    audit = Audit(database)
    for number in range(12):
        await audit.write([entry(number)])
        if number in (1, 2, 9):
            await audit.anchor(NOON)
    assert await retention(database, NOON + 9999 * DAY).remove(MANY) == {AUDIT: 10}
    assert await findings(database) == []
    cuts = "SELECT context ->> 'number' FROM audit WHERE action = 'retention.cut' ORDER BY number"
    assert rows_of(url, cuts) == [("3",), ("10",)]


async def test_what_one_run_leaves_the_next_one_removes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devsync.storage.retention._AT_ONCE", 3)
    await Errors(database).write([error(number) for number in range(10)])
    one = retention(database, NOON + 9999 * DAY)
    assert [await one.remove(5), await one.remove(5)] == [{"errors": 6}, {"errors": 4, "error_counts": 2}]


async def test_artifacts_go_when_nothing_on_record_refers_to_them(database: Database, url: str) -> None:
    store = ArtifactStore(database)
    contents = {name: name.encode() for name in ("edition", "rendering", "collected", "forgotten")}
    references = {name: await store.put(content, kind=name, team="payments") for name, content in contents.items()}
    await Records(database, store).write(
        edition=edition(edition=references["edition"], renderings={"slack": references["rendering"]})
    )
    window = Window(start=MONDAY, end=MONDAY + 7 * DAY, timezone="UTC")
    await CollectedUnits(database).remember(
        team="payments",
        unit="github:acme/web",
        window=window,
        form=1,
        remembered=RememberedUnit(artifact=references["collected"], collected_at=NOON + 30 * DAY),
    )
    tamper(url, f"UPDATE artifacts SET created_at = '{NOON:%Y-%m-%d}'")
    assert await retention(database, NOON + 61 * DAY).remove(MANY) == {"artifacts": 1}
    assert await retention(database, NOON + 91 * DAY).remove(MANY) == {"collected_units": 1, "artifacts": 1}
    fresh = ArtifactStore(database)
    assert await fresh.get(references["edition"]) == b"edition"
    for name in ("collected", "forgotten"):
        with pytest.raises(ArtifactMissing):
            await fresh.get(references[name])


async def test_an_artifact_that_is_put_again_is_young_again(database: Database, url: str) -> None:
    store = ArtifactStore(database)
    for team in ("payments", "search"):
        await store.put(b"the same every week", kind="collected", team=team)
    tamper(url, "UPDATE artifacts SET created_at = now() - interval '90 d'")
    await store.put(b"the same every week", kind="collected", team="payments")
    assert await retention(database, datetime.now(UTC)).remove(MANY) == {"artifacts": 1}
    assert rows_of(url, "SELECT team FROM artifacts") == [("payments",)]


async def test_the_heads_are_noted_of_this_database_by_whatever_address(database: Database, url: str) -> None:
    other = Database(url.replace("127.0.0.1", "localhost"))
    assert await Audit(database).database_id() == await Audit(other).database_id()
    await other.dispose()
