"""Who pressed something in Slack, and what to tell them of what it came to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from pydantic import ValidationError
from temporalio.service import RPCError

from dashboard.site import Site
from dashboard.slack.deeds import NotTaken, do, reject
from dashboard.slack.press import Member, Press, Reason
from dashboard.viewer import ANYBODY, Viewer, viewer_of
from devsync.domain.answers import Answer
from devsync.runtime.approvals import ApprovalRefused, ApprovalSilent, EditionNotUnderWay
from devsync.runtime.escalations import EscalationOver, EscalationRefused, EscalationSilent
from devsync.runtime.monitor import MonitorRefused, MonitorSilent
from devsync.runtime.payload_codec import KeyMissing
from devsync.runtime.refusals import NotThere
from devsync.settings.dashboard import DashboardSettings

NOTHING: Final = "Nothing has changed."
EMPTY_REASON: Final = "Say in a few words why nothing is to be posted."
UNKNOWN_BUTTON: Final = f"This button is of another version of the application. {NOTHING} Answer by the command line."

_REFUSED = (EscalationRefused, ApprovalRefused, MonitorRefused, NotThere)
_SILENT = (EscalationSilent, ApprovalSilent, MonitorSilent)
_OVER = (EscalationOver, EditionNotUnderWay)


async def answer(site: Site, heard: Press | Reason) -> str:
    """Returns what to tell who it was; empty where it was taken, which the message itself tells everybody."""
    if isinstance(heard, Press) and heard.is_link:
        return ""
    if heard.answer is None:
        return UNKNOWN_BUTTON
    if isinstance(heard, Reason) and not heard.text:
        return EMPTY_REASON
    people = (await site.configuration.now()).escalation.people
    viewer = viewer_of_member(site.settings, people, heard)
    if viewer is None:
        return (
            f"You are not known here. {NOTHING} Whoever runs the changelog can let you answer: "
            f"slack: {heard.user_id} below your name in config/dashboard.yaml."
        )
    return await _said(site, viewer, heard.answer, heard)


async def _said(site: Site, viewer: Viewer, given: Answer, heard: Press | Reason) -> str:
    try:
        if isinstance(heard, Reason):
            await reject(site, viewer, given, heard.text)
        else:
            await do(site, viewer, given, heard)
    except ValidationError:
        return UNKNOWN_BUTTON
    except KeyMissing as why:
        return f"Perhaps not taken: what Temporal answers is {why}."
    except (NotTaken, RPCError, *_OVER, *_REFUSED, *_SILENT) as why:
        return _words(why)
    return ""


def _words(why: Exception) -> str:
    if isinstance(why, _SILENT):
        return f"Perhaps not taken: {why}."
    if isinstance(why, RPCError):
        return "Perhaps not taken: Temporal does not answer just now."
    if isinstance(why, _OVER):
        return f"This is over: nobody waits for an answer any more. {NOTHING}"
    return f"Not taken: {why}. {NOTHING}" if isinstance(why, _REFUSED) else f"{why} {NOTHING}"


def viewer_of_member(settings: DashboardSettings, people: Collection[str], member: Member) -> Viewer | None:
    """The person whose Slack id that is, with their rights of today. Where nobody is named anywhere, whoever the
    workspace lets into the channel."""
    if (person := settings.person_in_slack(member.user_id)) is not None:
        return viewer_of(settings, person.name)
    if settings.is_open and not people:
        name = f"{member.user_name} ({member.user_id})" if member.user_name else member.user_id
        return replace(ANYBODY, name=name[:200])
    return None
