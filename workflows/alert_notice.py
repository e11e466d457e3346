"""What people read about an alert: one message that is changed in place as long as the channel can."""

from collections.abc import Sequence
from datetime import datetime

from devsync.contracts.monitor import AlertStory
from devsync.contracts.notifications import Notice
from devsync.domain.health.book import Alert, AlertState, NoticeKind
from devsync.domain.health.book import Notice as Telling
from devsync.domain.health.meaning import MEANINGS

_SHOWN = 20
_SAID = {
    NoticeKind.FIRED: "Fires",
    NoticeKind.WORSE: "Worse",
    NoticeKind.REMINDED: "Still so",
    NoticeKind.RESOLVED: "Resolved",
}


def notice_of(story: AlertStory) -> Notice:
    """It changes only when something happens, never by the clock."""
    worst = worst_of(story.alerts)
    is_one = len(story.alerts) == 1
    rule = worst.rule.value.replace("_", " ")
    subject = worst.summary if is_one else f"{len(story.alerts)} alerts of {rule}"
    meaning = MEANINGS[worst.rule]
    fields = {"State": _state(story.alerts), "Level": worst.level.value, "Since": _at(min(_openings(story.alerts)))}
    if is_one and worst.count > 1:
        fields["Events"] = str(worst.count)
    return Notice(
        title=f"{_heading(story.alerts)}: {subject}",
        body="\n\n".join([*_details(story.alerts), meaning.means, _what_to_do(story.alerts)]),
        fields=fields,
        data={
            "alert_id": worst.id if is_one else story.id,
            "alerts": " ".join(alert.key for alert in story.alerts[:_SHOWN]),
            "rule": worst.rule.value,
            "level": worst.level.value,
            "state": state_of(story.alerts).value,
        },
    )


def note_of(telling: Telling) -> str:
    """A line in the thread of a message that stands there already."""
    return f"{_SAID[telling.kind]}: {telling.summary}"


def state_of(alerts: Sequence[Alert]) -> AlertState:
    """Of all together: firing while one is, over when all are."""
    states = {alert.state for alert in alerts}
    return next(state for state in (AlertState.FIRING, AlertState.ACKNOWLEDGED, AlertState.RESOLVED) if state in states)


def worst_of(alerts: Sequence[Alert]) -> Alert:
    return max(alerts, key=lambda alert: alert.level.rank)


def _heading(alerts: Sequence[Alert]) -> str:
    state, worst = state_of(alerts), worst_of(alerts)
    if state is AlertState.RESOLVED:
        return "Resolved"
    by = next((alert.acknowledged_by for alert in alerts if alert.acknowledged_by), "")
    return f"Acknowledged by {by}" if state is AlertState.ACKNOWLEDGED else f"Alert ({worst.level.value})"


def _state(alerts: Sequence[Alert]) -> str:
    if len(alerts) == 1:
        return alerts[0].state.value
    counts = {state: sum(alert.state is state for alert in alerts) for state in AlertState}
    return ", ".join(f"{count} {state.value}" for state, count in counts.items() if count)


def _details(alerts: Sequence[Alert]) -> list[str]:
    if len(alerts) == 1:
        return ["\n".join(alerts[0].details)] if alerts[0].details else []
    lines = [f"{alert.summary} ({alert.state.value})" for alert in alerts[:_SHOWN]]
    rest = [f"and {len(alerts) - _SHOWN} more"] if len(alerts) > _SHOWN else []
    return ["\n".join([*lines, *rest])]


def _what_to_do(alerts: Sequence[Alert]) -> str:
    look, subject = MEANINGS[alerts[0].rule].do, alerts[0].key.partition(":")[2]
    lines = [f"To look: {look.replace('SUBJECT', subject) if len(alerts) == 1 else look}"]
    open_ones = [alert for alert in alerts if alert.state is AlertState.FIRING]
    if len(alerts) == 1 and open_ones:
        lines.append(f"To take it: python starter.py alerts ack {alerts[0].key}")
    elif open_ones:
        lines.append("To take one: python starter.py alerts ack KEY (alerts list has the keys)")
    return "\n".join(lines)


def _openings(alerts: Sequence[Alert]) -> list[datetime]:
    return [alert.opened_at for alert in alerts]


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
