"""What a button of ours does, by whom it may be done: the same that the dashboard's pages and the command line do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dashboard.site import Site
from dashboard.slack.forms import NotOpened, why_form
from dashboard.slack.press import Press
from dashboard.viewer import Viewer
from devsync.contracts import names
from devsync.contracts.approval import Approve, Reject
from devsync.contracts.escalation import Acknowledge, EscalationView, Snooze
from devsync.contracts.monitor import AcknowledgeAlert, AcknowledgeAlerts, MonitorView, MuteAlerts
from devsync.contracts.people import Pressed, Resolve
from devsync.domain.answers import Answer, Deed
from devsync.domain.dashboard_pages import approval_page
from devsync.domain.escalation.ending import ending
from devsync.domain.health.book import AlertState
from devsync.domain.health.since import became_of
from devsync.domain.model import Model
from devsync.runtime.approvals import ApprovalOperations
from devsync.runtime.escalations import EscalationOperations, EscalationSilent
from devsync.runtime.monitor import MonitorOperations, MonitorSilent

BY_ITS_BUTTON: Final = "by its button in Slack"


class NotTaken(Exception):
    """Why, in words for who pressed."""


async def do(site: Site, viewer: Viewer, given: Answer, press: Press) -> None:
    """Raises NotTaken, ValidationError for a button of another version, and what the operations raise."""
    await _DOORS.get(given.deed, _escalation)(site, viewer, given, press)


async def reject(site: Site, viewer: Viewer, given: Answer, reason: str) -> None:
    """What the form says. Raises as `do` does."""
    _may_approve(viewer, given)
    said = Reject(by=viewer.name, reason=reason)
    await ApprovalOperations(site.temporal).say(given.workflow_id, said, run_id=given.run_id)


async def _escalation(site: Site, viewer: Viewer, given: Answer, press: Press) -> None:
    operations = EscalationOperations(site.temporal)
    try:
        found = await operations.view(given.workflow_id)
    except EscalationSilent as why:
        raise NotTaken(f"{why}.") from why
    _refuse_over(found, given)
    if not viewer.may_operate_one_of(entry.subscriber.team for entry in found.subscribers):
        raise NotTaken(f"{viewer.name} may not answer for the teams that wait here.")
    pressed = Pressed(page=given.run_id, id=press.id)
    await operations.say(given.workflow_id, given.deed.value, _MESSAGES[given.deed](viewer.name, given, pressed))


def _refuse_over(found: EscalationView, given: Answer) -> None:
    """Kindly, with how it ended. Between this look and the answer it may end: then the escalation refuses it."""
    record = found.record
    if found.page != given.run_id:
        raise NotTaken("This escalation is over; a newer one is open, with a message of its own.")
    if record is not None and not record.is_open:
        raise NotTaken(f"This is over already: {ending(record.decision, record.decided_by, record.note)}.")


async def _approve(site: Site, viewer: Viewer, given: Answer, _: Press) -> None:
    _may_approve(viewer, given)
    said = Approve.model_validate({"by": viewer.name, "preview": given.argument})
    await ApprovalOperations(site.temporal).say(given.workflow_id, said, run_id=given.run_id)


async def _ask_why(site: Site, viewer: Viewer, given: Answer, press: Press) -> None:
    """Opens the form that `reject` hears of; the edition itself is not asked, since there is little time."""
    _may_approve(viewer, given)
    forms = site.slack.forms if site.slack else None
    try:
        if forms is None:
            raise NotOpened("the dashboard has no SLACK_BOT_TOKEN")
        await forms.open(press.trigger_id, why_form(given, press.response_url))
    except NotOpened as why:
        team, week = names.team_of(given.workflow_id), given.workflow_id.rpartition(":")[2]
        raise NotTaken(
            f"No form to give your reason in: {why}. Reject it at "
            f"{site.base}{approval_page(team, week)}, or type: "
            f'python starter.py edition reject {team} --week {week} --reason "…".'
        ) from None


def _may_approve(viewer: Viewer, given: Answer) -> None:
    if not viewer.may_operate(names.team_of(given.workflow_id)):
        raise NotTaken(f"{viewer.name} may not approve for this team.")


async def _alert(site: Site, viewer: Viewer, given: Answer, _: Press) -> None:
    """Taken by who operates its team; muted, as every mute, by who operates every team. It is about the one time that
    the alert fired: should it end and fire again meanwhile, the monitor refuses it."""
    now = await _monitor(site)
    alert = next((one for one in now.open_ones if one.id == given.run_id), None)
    if alert is None:
        seen = [one for one in now.alerts if viewer.may_see(one.team)]
        raise NotTaken(f"{became_of(given.run_id, seen)}.")
    operations = MonitorOperations(site.temporal)
    if given.deed is Deed.TAKE_ALERT:
        if not viewer.may_operate(alert.team):
            raise NotTaken(f"{viewer.name} may not answer for {alert.team or 'what belongs to no team'}.")
        await operations.say("acknowledge", AcknowledgeAlert(by=viewer.name, alert=alert.id))
        return
    if not viewer.operates_every_team:
        raise NotTaken(f"{viewer.name} may not mute: only who operates every team may.")
    fields = {"by": viewer.name, "pattern": alert.key, "minutes": given.argument, "beside": alert.id}
    await operations.say("mute", MuteAlerts.model_validate(fields | {"reason": BY_ITS_BUTTON}))


async def _alerts(site: Site, viewer: Viewer, given: Answer, _: Press) -> None:
    """All of one message that fire still, by who operates the team of each."""
    told = [one for one in (await _monitor(site)).open_ones if one.told_in == given.run_id]
    firing = [one for one in told if one.state is AlertState.FIRING]
    if not firing:
        raise NotTaken("Somebody looks after all of them." if told else "All of them are over.")
    if not all(viewer.may_operate(one.team) for one in firing):
        raise NotTaken(f"{viewer.name} may not answer for all of them.")
    ids = tuple(one.id for one in firing)
    await MonitorOperations(site.temporal).say("acknowledge_all", AcknowledgeAlerts(by=viewer.name, alerts=ids))


async def _monitor(site: Site) -> MonitorView:
    try:
        return await MonitorOperations(site.temporal).view()
    except MonitorSilent as why:
        raise NotTaken(f"{why}.") from why


_DOORS: Final = {
    Deed.APPROVE: _approve,
    Deed.REJECT: _ask_why,
    Deed.TAKE_ALERT: _alert,
    Deed.TAKE_ALERTS: _alerts,
    Deed.MUTE_ALERT: _alert,
}
_MESSAGES: Final[dict[Deed, Callable[[str, Answer, Pressed], Model]]] = {
    Deed.ACKNOWLEDGE: lambda by, _, pressed: Acknowledge(by=by, pressed=pressed),
    Deed.RESOLVE: lambda by, given, pressed: Resolve.model_validate(
        {"by": by, "decision": given.argument, "pressed": pressed}
    ),
    Deed.SNOOZE: lambda by, given, pressed: Snooze.model_validate(
        {"by": by, "minutes": given.argument, "pressed": pressed}
    ),
}
