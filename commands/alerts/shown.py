"""What `alerts list` prints."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from devsync.contracts.monitor import MonitorAnswer, MonitorView
from devsync.domain.health.book import Alert
from devsync.domain.health.leads import command_of
from devsync.domain.health.wording import counted_words, span_words, state_words


def table(alerts: Iterable[Alert]) -> Table:
    """A line an alert, whole."""
    columns = ("alert", "level", "state", "since (UTC)", "what", "counted")
    found = Table(*columns, box=None, pad_edge=False)
    for alert in alerts:
        cells = (alert.key, alert.level.value, state_words(alert), _at(alert.opened_at), alert.summary, _counted(alert))
        found.add_row(*map(Text, cells))
    return found


def lines(view: MonitorView, alerts: Sequence[Alert]) -> Iterator[str]:
    """What stands below the table of those: first, what to type to see more of each."""
    yield from (f"to look at {alert.key}: {command_of(alert)}" for alert in alerts)
    if not alerts:
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
        "count": alert.count,
        "counted": alert.counted.model_dump(mode="json") if alert.counted else None,
        "follows": alert.follows,
        "command": command_of(alert),
        "opened_at": alert.opened_at,
        "told_at": alert.told_at,
        "times_told": alert.times_told,
        "acknowledged_by": alert.acknowledged_by,
        "resolved_at": alert.resolved_at,
    }


def answer_document(answer: MonitorAnswer) -> dict[str, Any]:
    return {"answer": answer.text}


def _counted(alert: Alert) -> str:
    return f"{counted_words(alert)}, {span_words(alert.counted.over)}" if alert.counted else ""


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"
