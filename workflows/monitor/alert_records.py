"""Writes down what happens to alerts, in the background of the monitor: whatever the database does, people are told."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities
from devsync.contracts.monitor import AlertChange, RecordAlerts
from devsync.domain.audit import AuditEntry
from devsync.domain.health.book import Alert, AlertState, stamp
from devsync.runtime.policies import ENTITY, call
from workflows.shared.failures import failure_of

RECORDED_AT_ONCE = 100
OWED_AT_MOST = 1000
"""Changes and audit entries each, while the database is away; they cross continue-as-new. The oldest are lost."""
MONITOR = "monitor"
"""Who did what no person did."""


class AlertRecords:
    """What is to be written down."""

    def __init__(self, owed: RecordAlerts, lost: int) -> None:
        self._changes = list(owed.changes)
        self._entries = list(owed.entries)
        self.lost = lost
        self.is_stopping = False

    @property
    def owed(self) -> RecordAlerts:
        return RecordAlerts(changes=tuple(self._changes), entries=tuple(self._entries))

    @property
    def count(self) -> int:
        return max(len(self._changes), len(self._entries))

    def add(self, alerts: Iterable[Alert], now: datetime, by: str = MONITOR) -> None:
        """How alerts stand from now on."""
        for alert in alerts:
            self._changes.append(AlertChange(at=now, alert=alert))
            self._entries.append(_entry_of(alert, now, by))
        self._forget()

    def tell(self, entry: AuditEntry) -> None:
        """What is of no alert: a mute."""
        self._entries.append(entry)
        self._forget()

    def batch(self) -> RecordAlerts:
        return RecordAlerts(
            changes=tuple(self._changes[:RECORDED_AT_ONCE]), entries=tuple(self._entries[:RECORDED_AT_ONCE])
        )

    def written(self, batch: RecordAlerts) -> None:
        """Some of it may have been lost meanwhile."""
        changes, entries = set(map(id, batch.changes)), set(map(id, batch.entries))
        self._changes = [one for one in self._changes if id(one) not in changes]
        self._entries = [one for one in self._entries if id(one) not in entries]

    def _forget(self) -> None:
        over = max(self.count - OWED_AT_MOST, 0)
        self.lost += over
        self._changes, self._entries = self._changes[-OWED_AT_MOST:], self._entries[-OWED_AT_MOST:]


async def keep_recording(records: AlertRecords, recorded: Callable[[], None]) -> None:
    """Until `stop_recording`. `recorded` is called after each batch, written or given up."""
    while not records.is_stopping:
        await workflow.wait_condition(lambda: records.is_stopping or records.count > 0)
        if records.is_stopping:
            return
        batch = records.batch()
        try:
            await call(activities.RECORD_ALERTS, batch, ENTITY, summary=_summary(batch))
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.error("alerts are lost to the records: %s", failure_of(error).message)
            records.lost += len(batch.entries)
        records.written(batch)
        recorded()


async def stop_recording(records: AlertRecords, recording: "asyncio.Task[None]") -> None:
    """What is being written is given up, and written again by the next run, where it is told once all the same."""
    records.is_stopping = True
    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)


def mute_entry(action: str, pattern: str, by: str, now: datetime, **context: str) -> AuditEntry:
    """`muted` or `unmuted`."""
    return AuditEntry(
        team="",
        id=f"{MONITOR}:{action}:{pattern}:{stamp(now)}",
        at=now,
        actor=by,
        what=MONITOR,
        action=action,
        outcome=pattern,
        context=dict(context),
    )


def _entry_of(alert: Alert, now: datetime, by: str) -> AuditEntry:
    return AuditEntry(
        team=alert.team,
        id=f"alert:{alert.id}:{alert.state.value}:{alert.times_told}:{stamp(now)}",
        at=now,
        actor=by,
        what=f"alert:{alert.key}",
        action=alert.state.value,
        outcome=alert.summary,
        context={"level": alert.level.value, "count": alert.count, "times_told": alert.times_told},
    )


def _summary(batch: RecordAlerts) -> str:
    last = batch.entries[-1]
    is_alert = last.action in set(AlertState)
    return f"Record: {last.what.removeprefix('alert:')} {last.action}" if is_alert else f"Record: {last.action}"
