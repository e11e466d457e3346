"""What people read about an alert: one message that is changed in place as long as the channel can."""

from collections.abc import Sequence
from datetime import datetime

from devsync.contracts import names
from devsync.contracts.monitor import AlertStory
from devsync.contracts.notifications import Notice, NoticeLink
from devsync.domain.answers import Answer, Deed, Offer
from devsync.domain.dashboard_pages import ALERTS, OPEN, alert_page
from devsync.domain.health.book import Alert, AlertState, Mute, NoticeKind
from devsync.domain.health.book import Notice as Telling
from devsync.domain.health.leads import STARTER, command_of, leads_of
from devsync.domain.health.meaning import MEANINGS
from devsync.domain.health.wording import counted_words, span_words, state_words
from devsync.domain.instants import in_utc

_SHOWN = 20
MUTED_MINUTES = 60
"""By the button."""
_SAID = {
    NoticeKind.FIRED: "Fires",
    NoticeKind.WORSE: "Worse",
    NoticeKind.REMINDED: "Still so",
    NoticeKind.RESOLVED: "Resolved",
}


def notice_of(story: AlertStory, mute: Mute | None = None) -> Notice:
    """It changes only when something happens; of the clock's doing, only when a `mute` of that very alert is over."""
    worst = worst_of(story.alerts)
    is_one = len(story.alerts) == 1
    rule = worst.rule.value.replace("_", " ")
    subject = worst.summary if is_one else f"{len(story.alerts)} alerts of {rule}"
    fields = {"State": _state(story.alerts), "Level": worst.level.value, "Since": _at(min(_openings(story.alerts)))}
    if over := _over(story.alerts):
        fields["Over"] = _at(over)
    if is_one and worst.counted is not None:
        fields["Counted"] = f"{counted_words(worst)}, {span_words(worst.counted.over)}"
    if is_one and worst.is_open and mute is not None:
        fields["Muted"] = f"until {_at(mute.until)}, by {mute.by}"
    return Notice(
        title=f"{_heading(story.alerts)}: {subject}",
        body="\n\n".join([*_details(story.alerts), MEANINGS[worst.rule], _what_to_do(story.alerts)]),
        fields=fields,
        links=_links(story.alerts),
        offers=offers_of(worst, is_muted=mute is not None) if is_one else offers_of_all(story),
        data={
            "alert_id": worst.id if is_one else story.id,
            "alerts": " ".join(alert.key for alert in story.alerts[:_SHOWN]),
            "rule": worst.rule.value,
            "level": worst.level.value,
            "state": state_of(story.alerts).value,
        },
    )


def facts_of(story: AlertStory, mute: Mute | None = None) -> Notice:
    """The notice without what it says of every alert of the rule and without its buttons and links, which follow from
    its state: a build that words those otherwise changes no message that stands in a channel, and no command of a
    monitor that runs. Nor does the time that was counted over, which goes on at each look."""
    notice, worst = notice_of(story, mute), worst_of(story.alerts)
    fields = notice.fields | ({"Counted": counted_words(worst)} if "Counted" in notice.fields else {})
    fields.pop("Over", None)  # the state says it; histories have messages without the time
    only_details = "\n\n".join(_details(story.alerts))
    return notice.model_copy(update={"body": only_details, "fields": fields, "links": (), "offers": ()})


def offers_of(alert: Alert, *, is_muted: bool = False) -> tuple[Offer, ...]:
    """What makes sense in its state; nothing once it is over."""
    if not alert.is_open:
        return ()
    take = Offer(label="Acknowledge", answer=_answer(alert, Deed.TAKE_ALERT))
    mute = Offer(label="Mute 1 h", answer=_answer(alert, Deed.MUTE_ALERT, str(MUTED_MINUTES)))
    return (*([take] if alert.state is AlertState.FIRING else []), *([] if is_muted else [mute]))


def offers_of_all(story: AlertStory) -> tuple[Offer, ...]:
    """Of a message about many, while one of them fires."""
    if state_of(story.alerts) is not AlertState.FIRING:
        return ()
    answer = Answer(deed=Deed.TAKE_ALERTS, workflow_id=names.MONITOR_ID, run_id=story.id)
    return (Offer(label="Acknowledge all", answer=answer),)


def note_of(telling: Telling) -> str:
    """A line in the thread of a message that stands there already."""
    return f"{_SAID[telling.kind]}: {telling.summary}"


def state_of(alerts: Sequence[Alert]) -> AlertState:
    """Of all together: firing while one is, over when all are."""
    states = {alert.state for alert in alerts}
    return next(state for state in (AlertState.FIRING, AlertState.ACKNOWLEDGED, AlertState.RESOLVED) if state in states)


def worst_of(alerts: Sequence[Alert]) -> Alert:
    return max(alerts, key=lambda alert: alert.level.rank)


def _answer(alert: Alert, deed: Deed, argument: str = "") -> Answer:
    return Answer(deed=deed, argument=argument, workflow_id=names.MONITOR_ID, run_id=alert.id)


def _links(alerts: Sequence[Alert]) -> tuple[NoticeLink, ...]:
    """Where the cause is seen, and the alert among the others."""
    if len(alerts) > 1:
        return (NoticeLink(label=OPEN, url=ALERTS),)
    (alert,) = alerts
    leads = [NoticeLink(label=lead.label, url=lead.page) for lead in leads_of(alert)]
    return (*leads, NoticeLink(label=OPEN, url=alert_page(alert.key)))


def _heading(alerts: Sequence[Alert]) -> str:
    state, worst = state_of(alerts), worst_of(alerts)
    if state is AlertState.RESOLVED:
        return "Resolved"
    by = next((alert.acknowledged_by for alert in alerts if alert.acknowledged_by), "")
    return f"Acknowledged by {by}" if state is AlertState.ACKNOWLEDGED else f"Alert ({worst.level.value})"


def _state(alerts: Sequence[Alert]) -> str:
    if len(alerts) == 1:
        return state_words(alerts[0])
    counts = {state: sum(alert.state is state for alert in alerts) for state in AlertState}
    return ", ".join(f"{count} {state.value}" for state, count in counts.items() if count)


def _details(alerts: Sequence[Alert]) -> list[str]:
    if len(alerts) == 1:
        return ["\n".join(alerts[0].details)] if alerts[0].details else []
    lines = [f"{alert.summary} ({alert.state.value})" for alert in alerts[:_SHOWN]]
    rest = [f"and {len(alerts) - _SHOWN} more"] if len(alerts) > _SHOWN else []
    return ["\n".join([*lines, *rest])]


def _what_to_do(alerts: Sequence[Alert]) -> str:
    firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
    if len(alerts) == 1:
        lines = [f"To look: {command_of(alerts[0])}"]
        take = f"To take it: {STARTER} alerts ack {alerts[0].key}"
    else:
        lines = [f"To look: {STARTER} alerts list"]
        take = f"To take one: {STARTER} alerts ack KEY (alerts list has the keys)"
    return "\n".join([*lines, *([take] if firing else [])])


def _over(alerts: Sequence[Alert]) -> datetime | None:
    """When the last of them was over; None while one is not."""
    ends = [alert.resolved_at for alert in alerts if alert.resolved_at is not None]
    return max(ends) if len(ends) == len(alerts) else None


def _openings(alerts: Sequence[Alert]) -> list[datetime]:
    return [alert.opened_at for alert in alerts]


def _at(instant: datetime) -> str:
    return in_utc(instant)
