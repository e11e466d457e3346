"""Alerts on record: each is one row however often it is written, and the audit tells each of its changes once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from devsync.contracts.monitor import RecordAlerts
from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.bands import Band, Health
from devsync.domain.health.book import Alert, AlertState
from devsync.domain.health.naming import RuleName
from devsync.domain.health.snapshot import Machine
from devsync.domain.insight.span import Span
from devsync.storage.alerts import Alerts
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.health_checks import HealthChecks
from devsync.storage.retention import Retention
from tests.storage.tampering import rows_of
from workflows.monitor.alert_records import AlertRecords

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def alert(**changes: Any) -> Alert:
    values: dict[str, Any] = {
        "id": "error_rate:github@1",
        "key": "error_rate:github",
        "rule": RuleName.ERROR_RATE,
        "level": ErrorSeverity.HIGH,
        "state": AlertState.FIRING,
        "summary": "github: 10 % of 100 attempts failed",
        "details": ("10 × 503",),
        "count": 10,
        "counted": {"over": {"start": NOON - HOUR, "end": NOON}, "of": 100},
        "opened_at": NOON,
        "seen_at": NOON,
    }
    return Alert.model_validate(values | changes)


RESOLVED = alert(state=AlertState.RESOLVED, resolved_at=NOON + HOUR, told_at=NOON, times_told=1)
MISSING = alert(
    id="edition_missing:core:2026-W47@1", key="edition_missing:core:2026-W47", rule="edition_missing", team="core"
)


def record(*changes: tuple[datetime, Alert]) -> RecordAlerts:
    """As the monitor tells it."""
    records = AlertRecords(RecordAlerts(), 0)
    for at, changed in changes:
        records.add([changed], at)
    return records.owed


async def test_an_alert_is_one_row_and_each_change_one_entry(database: Database) -> None:
    records, first, last = Alerts(database), record((NOON, alert())), record((NOON + HOUR, RESOLVED))
    for message in (first, first, last, first):  # repeated, and late
        await records.write(message)
    (kept,) = await records.within(Span(start=NOON - HOUR, end=NOON + 2 * HOUR))
    assert kept.counted == alert().counted
    assert (kept.state, kept.resolved_at, kept.details, kept.count) == (
        AlertState.RESOLVED, NOON + HOUR, ("10 × 503",), 10,
    )  # fmt: skip
    entries = [one.entry for one in await Audit(database).latest(limit=10)]
    assert [(one.action, one.actor, one.what) for one in entries] == [
        ("resolved", "monitor", "alert:error_rate:github"),
        ("firing", "monitor", "alert:error_rate:github"),
    ]


async def test_both_changes_in_one_message_leave_the_last_standing(database: Database) -> None:
    await Alerts(database).write(record((NOON, alert()), (NOON + HOUR, RESOLVED)))
    (kept,) = await Alerts(database).within(Span(start=NOON, end=NOON + 2 * HOUR))
    assert kept.state is AlertState.RESOLVED


async def test_a_window_has_what_was_open_in_it_of_one_team_where_one_is_asked_for(database: Database) -> None:
    records = Alerts(database)
    await records.write(record((NOON, RESOLVED), (NOON, MISSING)))
    later = Span(start=NOON + 2 * HOUR, end=NOON + 3 * HOUR)
    assert [one.key for one in await records.within(later)] == [MISSING.key], "the other one was over by then"
    assert [one.key for one in await records.within(Span(start=NOON, end=NOON + HOUR), team="core")] == [MISSING.key]
    assert await records.within(Span(start=NOON - HOUR, end=NOON)) == []


async def test_a_missing_edition_is_told_in_its_teams_audit(database: Database) -> None:
    await Alerts(database).write(record((NOON, MISSING)))
    assert [one.entry.team for one in await Audit(database).latest(team="core", limit=10)] == ["core"]


async def test_a_look_is_on_record_once(database: Database, url: str) -> None:
    health = Health(
        at=NOON, band=Band.HEALTHY, reasons=("all is well",), services=(), machine=Machine(cpu_percent=5, memory_mb=100)
    )
    for _ in range(2):
        await HealthChecks(database).write(health)
    assert rows_of(url, "SELECT band, reasons, cpu_percent, memory_mb, disk_free_mb FROM health_checks") == [
        ("healthy", ["all is well"], 5.0, 100.0, None)
    ]


async def test_what_is_over_grows_too_old_and_what_fires_stays(database: Database, url: str) -> None:
    await Alerts(database).write(record((NOON, RESOLVED), (NOON, MISSING)))
    await HealthChecks(database).write(Health(at=NOON, band=Band.HEALTHY, reasons=(), services=()))
    names = ("collected", "editions", "errors", "operations", "audit")
    keep = dict.fromkeys(names, timedelta(days=400))
    removed = await Retention(database, keep, lambda _: False, NOON + timedelta(days=500)).remove(1000)
    assert removed == {"alerts": 1, "health_checks": 1}
    assert rows_of(url, "SELECT key FROM alerts") == [(MISSING.key,)]
