"""Which alerts are told now, and in how few messages."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.book import Alert, AlertBook, AlertPolicy, AlertState, Notice, NoticeKind, stamp

HOUR = timedelta(hours=1)


def tell(book: AlertBook, policy: AlertPolicy, now: datetime) -> tuple[AlertBook, list[Notice]]:
    """The notices that are due, within what an hour allows; the book knows of each that it was told."""
    told = [at for at in book.told if now - at < HOUR]
    if policy.is_silent:
        return book.model_copy(update={"told": tuple(told)}), []
    left = max(policy.notices_per_hour - len(told), 0)
    notices: list[Notice] = []
    for notice in sorted(_due_notices(book, policy, now), key=lambda one: -one.level.rank):
        # What is over may wait, whatever it was; what is critical may not.
        if left > 0 or (notice.level is ErrorSeverity.CRITICAL and notice.kind is not NoticeKind.RESOLVED):
            notices.append(notice)
            left -= 1
    by_id = {alert.id: _told(alert, notice, now) for notice in notices for alert in notice.alerts}
    alerts = tuple(by_id.get(alert.id, alert) for alert in book.alerts)
    after = book.model_copy(update={"alerts": alerts, "told": (*told, *[now] * len(notices))})
    return after, notices


def due(alert: Alert, policy: AlertPolicy, now: datetime) -> NoticeKind | None:
    """What should be said of it now; mutes and the budget aside."""
    if alert.state is AlertState.RESOLVED:
        return NoticeKind.RESOLVED if alert.told_at is not None and not alert.is_end_told else None
    if alert.follows:
        return None
    if alert.told_at is None or alert.told_level is None:
        told_before = alert.told_before_at
        is_too_soon = told_before is not None and now - told_before < policy.cool_down_of(alert.rule)
        return None if is_too_soon and not _is_worse(alert, alert.told_level_before) else _first_time(alert)
    if _is_worse(alert, alert.told_level):
        return NoticeKind.WORSE
    is_cool = now - alert.told_at >= policy.cool_down_of(alert.rule)
    # What is quiet is about to be resolved: no reminder of it.
    is_easing = alert.is_recovering or alert.quiet_since is not None
    return NoticeKind.REMINDED if is_cool and alert.state is AlertState.FIRING and not is_easing else None


def _first_time(alert: Alert) -> NoticeKind | None:
    """Who was not told while it was wrong need not hear of it when it is over; nor who has taken it already."""
    return NoticeKind.FIRED if alert.state is AlertState.FIRING and not alert.quiet_since else None


def _is_worse(alert: Alert, told: ErrorSeverity | None) -> bool:
    return told is None or alert.level.rank > told.rank


def _due_notices(book: AlertBook, policy: AlertPolicy, now: datetime) -> Iterable[Notice]:
    """Many of one rule at once are one notice. What is over is told in a mute, too: it ends a story that was told."""
    wanted = [
        (alert, kind)
        for alert in book.alerts
        if (kind := due(alert, policy, now)) and (kind is NoticeKind.RESOLVED or not book.is_muted(alert.key, now))
    ]
    wanted.sort(key=lambda pair: (pair[0].rule.value, pair[1].value))  # stable: within a group, as in the book
    for (_, kind), pairs in groupby(wanted, key=lambda pair: (pair[0].rule.value, pair[1])):
        alerts = [alert for alert, _ in pairs]
        if len(alerts) >= policy.grouped_from:
            yield _notice(kind, alerts, now)
        else:
            yield from (_notice(kind, [alert], now) for alert in alerts)


def _notice(kind: NoticeKind, alerts: Sequence[Alert], now: datetime) -> Notice:
    worst = max(alerts, key=lambda alert: alert.level.rank)
    is_one = len(alerts) == 1
    rule = worst.rule.value.replace("_", " ")
    # A tick that is repeated makes the same ids: the channels see that they have those already.
    of_one, of_many = f"{worst.id}/{kind.value}/{worst.times_told + 1}", f"{worst.rule.value}/{kind.value}@{stamp(now)}"
    return Notice(
        id=of_one if is_one else of_many,
        kind=kind,
        rule=worst.rule,
        level=worst.level,
        summary=worst.summary if is_one else f"{len(alerts)} alerts of {rule}, the first one: {worst.summary}",
        alerts=tuple(alerts),
    )


def _told(alert: Alert, notice: Notice, now: datetime) -> Alert:
    if notice.kind is NoticeKind.RESOLVED:
        return alert.model_copy(update={"is_end_told": True})
    worst = alert.level if _is_worse(alert, alert.told_level) else alert.told_level
    told_in, times_told = alert.told_in or notice.id, alert.times_told + 1
    return alert.model_copy(update={"told_at": now, "told_level": worst, "times_told": times_told, "told_in": told_in})
