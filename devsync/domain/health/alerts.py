"""The states of alerts, and who is told what when. Pure: every function takes `now`.

`apply` takes what the rules found and returns the next book with the notices to send. Facts first (what is wrong, what
is over), then telling: once when it begins, again after a cool-down while nobody has taken it, at once when it becomes
worse, and once when it is over. What must wait (a mute, the budget) is told later, if it is still true then.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.book import Alert, AlertBook, AlertPolicy, AlertState, Mute, Notice, Round, stamp
from devsync.domain.health.inhibition import is_said, left_to
from devsync.domain.health.rules import Problem, Verdict
from devsync.domain.health.since import became_of
from devsync.domain.health.telling import tell
from devsync.domain.instants import in_utc
from devsync.domain.refusal import NotThere, Refused

LONGEST_MUTE = timedelta(days=30)
"""What shall be silent for longer should not be a rule."""
MUTES_AT_MOST = 100


def apply(book: AlertBook, verdicts: Iterable[Verdict], policy: AlertPolicy, now: datetime) -> Round:
    """One tick; `verdicts` in the rules' order. The same again, a moment later, change nothing and tell nobody."""
    before = _without_future(book, now)
    alerts = {alert.key: alert for alert in before.alerts}
    left: dict[str, str] = {}
    for verdict in verdicts:
        left |= left_to(verdict.problems, alerts, now)
        alerts |= _observed(alerts, verdict, left, policy, now)
    kept = [_woken(alert, policy, now) for alert in alerts.values() if not _is_forgotten(alert, policy, now)]
    mutes = tuple(mute for mute in before.mutes if now < mute.until)
    return _round(book, tell(AlertBook(alerts=tuple(kept), mutes=mutes, told=before.told), policy, now))


def acknowledge(book: AlertBook, key: str, by: str, now: datetime) -> Round:
    """Somebody takes it: no more reminders while they have their time, unless it becomes worse."""
    alert = _open(book, key)
    if alert.state is AlertState.ACKNOWLEDGED:
        raise Refused(f"{alert.acknowledged_by} has acknowledged it already")
    taken = _changed(alert, state=AlertState.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=now)
    return _round(book, (_with(book, taken), ()))


def acknowledge_all(book: AlertBook, ids: Collection[str], by: str, now: datetime) -> Round:
    """As `acknowledge`, those of them that fire still. Raises Refused where none does."""
    firing = {one.id: one for one in book.alerts if one.id in ids and one.state is AlertState.FIRING}
    if not firing:
        raise Refused("none of them fires any more: they are over, or somebody has acknowledged them")
    taken = {
        id_: _changed(one, state=AlertState.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=now)
        for id_, one in firing.items()
    }
    alerts = tuple(taken.get(alert.id, alert) for alert in book.alerts)
    return _round(book, (book.model_copy(update={"alerts": alerts}), ()))


def mute(book: AlertBook, asked: Mute, now: datetime) -> Round:
    """Silence, from now on or in a maintenance window to come. Alerts go on being counted and shown."""
    if asked.until <= max(asked.since, now):
        raise Refused("it would be over before it begins; write a later end")
    if asked.until - asked.since > LONGEST_MUTE:
        raise Refused(f"nothing is muted for longer than {LONGEST_MUTE.days} days")
    if asked in book.mutes:
        raise Refused(f"{asked.pattern} is muted already, until {asked.until:%Y-%m-%d %H:%M %Z}")
    if len(book.mutes) >= MUTES_AT_MOST:
        raise Refused(f"there are {MUTES_AT_MOST} mutes already; end one of them")
    return _round(book, (book.model_copy(update={"mutes": (*book.mutes, asked)}), ()))


def mute_beside(book: AlertBook, alert_id: str, asked: Mute, now: datetime) -> Round:
    """As `mute`, by a button beside that alert: once, and only while it is open."""
    if not any(alert.id == alert_id and alert.is_open for alert in book.alerts):
        raise NotThere(became_of(alert_id, book.alerts))
    if (before := book.mute_of(asked.pattern, now)) is not None:
        raise Refused(f"{before.by} has muted it already, until {in_utc(before.until)}")
    return mute(book, asked, now)


def unmute(book: AlertBook, pattern: str) -> Round:
    """Ends every mute of that pattern: what still fires is told at the next tick."""
    kept = tuple(mute for mute in book.mutes if mute.pattern != pattern)
    if kept == book.mutes:
        raise NotThere(f"{pattern} is not muted")
    return _round(book, (book.model_copy(update={"mutes": kept}), ()))


def _observed(
    alerts: Mapping[str, Alert], verdict: Verdict, left: Mapping[str, str], policy: AlertPolicy, now: datetime
) -> dict[str, Alert]:
    """What one rule found, alike problems as one, and what of it is over: nothing where it did not see all. What is
    left to another alert does not begin; what began before goes on in silence."""
    problems: dict[str, Problem] = {}
    for problem in verdict.problems:
        is_open = problem.key in alerts and alerts[problem.key].is_open
        if is_said(problem, alerts, left) or (problem.key in left and not is_open):
            continue
        problems[problem.key] = _joined(problems.get(problem.key), problem)
    seen = {key: _seen(alerts.get(key), problem, left.get(key, ""), now) for key, problem in problems.items()}
    if not verdict.is_known:
        return seen
    quiet = {
        key: _quiet(alert, policy, now)
        for key, alert in alerts.items()
        if alert.rule is verdict.rule and alert.is_open and key not in problems
    }
    return seen | quiet


def _joined(before: Problem | None, problem: Problem) -> Problem:
    if before is None:
        return problem
    worse = max(before, problem, key=lambda one: one.level.rank)
    if before.counted or problem.counted:  # that number is of its own kind: no other can be added to it
        return worse
    return worse.model_copy(update={"count": before.count + problem.count})


def _seen(before: Alert | None, problem: Problem, follows: str, now: datetime) -> Alert:
    if before is None or not (before.is_open or before.owes_its_end):
        return _begun(before, problem, now)
    changes: dict[str, Any] = {
        "aspect": problem.aspect,
        "level": problem.level,
        "summary": problem.summary,
        "details": problem.details,
        "count": problem.count,
        "counted": problem.counted,
        "follows": follows,
        "is_recovering": problem.is_recovering,
        "seen_at": now,
        "quiet_since": None,
    }
    # A level that people have heard of is no news, though it was lower meanwhile.
    is_worse = problem.level.rank > max(before.level.rank, before.told_level.rank if before.told_level else 0)
    if not before.is_open or (is_worse and before.state is AlertState.ACKNOWLEDGED):
        changes |= {"state": AlertState.FIRING, "acknowledged_by": "", "acknowledged_at": None, "resolved_at": None}
    return _changed(before, **changes)


def _begun(before: Alert | None, problem: Problem, now: datetime) -> Alert:
    """What comes back within the cool-down is told when that is over: flapping is one story."""
    told_before_at, told_level_before = _told_before(before)
    return Alert(
        id=f"{problem.key}@{stamp(now)}",
        key=problem.key,
        rule=problem.rule,
        aspect=problem.aspect,
        team=problem.team,
        level=problem.level,
        state=AlertState.FIRING,
        summary=problem.summary,
        details=problem.details,
        count=problem.count,
        counted=problem.counted,
        is_recovering=problem.is_recovering,
        opened_at=now,
        seen_at=now,
        told_before_at=told_before_at,
        told_level_before=told_level_before,
    )


def _told_before(before: Alert | None) -> tuple[datetime | None, ErrorSeverity | None]:
    """When people last heard of this problem. One that flaps within a cool-down is not told each time: it may be that
    they heard of it several times ago."""
    if before is None:
        return None, None
    if before.told_at is not None:
        return before.told_at, before.told_level
    return before.told_before_at, before.told_level_before


def _quiet(alert: Alert, policy: AlertPolicy, now: datetime) -> Alert:
    """It is over when it has been so for a while: a moment without it is none."""
    since = alert.quiet_since or now
    if now - since < policy.resolve_after:
        return _changed(alert, quiet_since=since)
    return _changed(alert, quiet_since=since, state=AlertState.RESOLVED, resolved_at=now)


def _woken(alert: Alert, policy: AlertPolicy, now: datetime) -> Alert:
    """Whoever has acknowledged and not put an end to it in time is reminded as everybody is."""
    taken = alert.acknowledged_at
    if alert.state is not AlertState.ACKNOWLEDGED or taken is None or now - taken < policy.acknowledged_for:
        return alert
    return _changed(alert, state=AlertState.FIRING, acknowledged_by="", acknowledged_at=None)


def _is_forgotten(alert: Alert, policy: AlertPolicy, now: datetime) -> bool:
    """A resolved one is remembered while its cool-down lasts, until its end has been told, and while what followed from
    it is still counted."""
    if alert.is_open or alert.resolved_at is None:
        return False
    last = alert.told_at or alert.told_before_at or alert.resolved_at
    is_cool = now - last >= policy.cool_down_of(alert.rule)
    return is_cool and not alert.owes_its_end and now - (alert.quiet_since or last) >= policy.looked_back


def _without_future(book: AlertBook, now: datetime) -> AlertBook:
    """A clock that went back must not make anybody wait until it has come forward again."""
    if not book.told and not book.alerts:
        return book
    alerts = tuple(_changed(alert, **alert.later_than(now)) for alert in book.alerts)
    return book.model_copy(update={"alerts": alerts, "told": tuple(min(at, now) for at in book.told)})


def _open(book: AlertBook, key: str) -> Alert:
    """By its key, whenever it fired; or by the id of the one time that it fired."""
    for alert in book.alerts:
        if key in {alert.key, alert.id} and alert.is_open:
            return alert
    raise NotThere(became_of(key, book.alerts))


def _with(book: AlertBook, changed: Alert) -> AlertBook:
    alerts = tuple(changed if alert.id == changed.id else alert for alert in book.alerts)
    return book.model_copy(update={"alerts": alerts})


def _changed(alert: Alert, **changes: Any) -> Alert:
    return alert.model_copy(update=changes)


def _round(before: AlertBook, after: tuple[AlertBook, Sequence[Notice]]) -> Round:
    book, notices = after
    rows = {alert.id: alert.standing for alert in before.alerts}
    changed = tuple(alert for alert in book.alerts if rows.get(alert.id) != alert.standing)
    return Round(book=book, notices=tuple(notices), changed=changed)
