"""Alerts on record: when each fired, who took it, when it was over. A copy of what the monitor remembers."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, Row, select, tuple_

from devsync.contracts.monitor import AlertChange, RecordAlerts
from devsync.domain.health.book import Alert, AlertState
from devsync.domain.insight.span import Span
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.tables import alerts
from devsync.storage.upsert import upsert


class Alerts:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._audit = Audit(database)

    async def write(self, message: RecordAlerts) -> None:
        """One transaction; nothing older replaces something newer.

        Raises DatabaseUnavailable (retry) and NotMigrated.
        """
        await self._audit.write(message.entries, *_standing(message.changes))

    async def within(self, span: Span, *, team: str | None = None) -> list[Alert]:
        """Those that were open within the window, the newest first."""
        table = alerts.c
        query = select(alerts).where(table.opened_at < span.end)
        query = query.where((table.resolved_at.is_(None)) | (table.resolved_at >= span.start))
        if team is not None:
            query = query.where(table.team == team)
        rows = await self._database.execute(query.order_by(table.opened_at.desc(), table.id))
        return [_alert(row) for row in rows]

    async def newest(
        self,
        *,
        teams: Collection[str] | None,
        state: AlertState | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int,
    ) -> list[Alert]:
        """The latest first: of all, or of these teams alone.

        `after`: when the last one before was opened, and its id.
        """
        query = select(alerts)
        if teams is not None:
            query = query.where(alerts.c.team.in_(teams))
        if state is not None:
            query = query.where(alerts.c.state == state.value)
        if after is not None:
            query = query.where(tuple_(alerts.c.opened_at, alerts.c.id) < after)
        rows = await self._database.execute(query.order_by(alerts.c.opened_at.desc(), alerts.c.id.desc()).limit(limit))
        return [_alert(row) for row in rows]


def _alert(row: Row[Any]) -> Alert:
    return Alert.model_validate({**row._mapping, "seen_at": row.changed_at})


def _standing(changes: Sequence[AlertChange]) -> list[Executable]:
    """Of each alert its last change."""
    last = {change.alert.id: change for change in changes}
    if not last:
        return []
    rows = [_row(change) for change in last.values()]
    return [upsert(alerts, rows, may_replace=lambda new: new.excluded.changed_at >= alerts.c.changed_at)]


def _row(change: AlertChange) -> dict[str, object]:
    alert = change.alert
    return {
        "id": alert.id,
        "team": alert.team,
        "key": alert.key,
        "rule": alert.rule.value,
        "level": alert.level.value,
        "state": alert.state.value,
        "summary": alert.summary,
        "details": list(alert.details),
        "count": alert.count,
        "counted": alert.counted.model_dump(mode="json") if alert.counted else None,
        "acknowledged_by": alert.acknowledged_by,
        "times_told": alert.times_told,
        "opened_at": alert.opened_at,
        "told_at": alert.told_at,
        "resolved_at": alert.resolved_at,
        "changed_at": change.at,
    }
