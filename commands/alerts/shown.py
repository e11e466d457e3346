"""What `alerts list` prints."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from devsync.contracts.monitor import MonitorAnswer, MonitorView
from devsync.domain.health.book import Alert


def table(alerts: Iterable[Alert]) -> Table:
    """A line an alert, whole."""
    columns = ("alert", "level", "state", "since (UTC)", "events", "what")
    found = Table(*columns, box=None, pad_edge=False)
    for alert in alerts:
        cells = (alert.key, alert.level.value, _state(alert), _at(alert.opened_at), str(alert.count), alert.summary)
        found.add_row(*map(Text, cells))
    return found


def lines(view: MonitorView, *, has_alerts: bool) -> Iterator[str]:
    """What stands below the table."""
    if not has_alerts:
        yield "no alert is open"
    for mute in view.mutes:
        why = f": {mute.reason}" if mute.reason else ""
        yield f"muted {mute.pattern} from {_at(mute.since)} until {_at(mute.until)} UTC by {mute.by}{why}"
    for one in view.told:
        yield f"not reached: {one.target.target} ({one.state.value}): {one.error}"
    yield from (f"note: {note}" for note in view.notes)
    yield from (f"refused: {message}" for message in view.refused)
    if not view.is_on:
        yield "the monitor is switched off by config/monitoring.yaml"
    elif view.looked_at is None:
        yield "the monitor has not looked yet"
    else:
        yield f"looked at {view.looked_at:%Y-%m-%d %H:%M:%S} UTC"


def document(view: MonitorView, alerts: Iterable[Alert]) -> dict[str, Any]:
    """What `--json` prints of now."""
    return {
        "is_on": view.is_on,
        "looked_at": view.looked_at,
        "alerts": [kept_document(alert) for alert in alerts],
        "mutes": [mute.model_dump(mode="json") for mute in view.mutes],
        "not_reached": [
            {"kind": one.target.kind, "target": one.target.target, "state": one.state.value, "error": one.error}
            for one in view.told
        ],
        "notes": list(view.notes),
        "unrecorded": view.unrecorded,
        "refused": list(view.refused),
    }


def kept_document(alert: Alert) -> dict[str, Any]:
    """One alert, by the monitor or on record."""
    return {
        "key": alert.key,
        "id": alert.id,
        "rule": alert.rule.value,
        "team": alert.team,
        "level": alert.level.value,
        "state": alert.state.value,
        "summary": alert.summary,
        "details": list(alert.details),
        "events": alert.count,
        "opened_at": alert.opened_at,
        "told_at": alert.told_at,
        "times_told": alert.times_told,
        "acknowledged_by": alert.acknowledged_by,
        "resolved_at": alert.resolved_at,
    }


def answer_document(answer: MonitorAnswer) -> dict[str, Any]:
    return {"answer": answer.text}


def _state(alert: Alert) -> str:
    return f"{alert.state.value} by {alert.acknowledged_by}" if alert.acknowledged_by else alert.state.value


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"
