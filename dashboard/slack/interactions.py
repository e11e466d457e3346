"""POST /slack/interactions: the request URL of the Slack app's interactivity."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.status import (
    HTTP_400_BAD_REQUEST,
    HTTP_401_UNAUTHORIZED,
    HTTP_404_NOT_FOUND,
    HTTP_409_CONFLICT,
)

from dashboard.access import signed
from dashboard.site import CurrentSite, Site
from dashboard.slack.answering import answer
from dashboard.slack.door import SlackDoor
from dashboard.slack.forms import REASON
from dashboard.slack.press import Malformed, Press, Reason, heard_in
from dashboard.slack.signature import is_from_slack

PATH: Final = "/slack/interactions"
LARGEST_BODY: Final = 256 * 1024
"""A press brings the whole message with it, encoded for a form: about 60 KB of our largest one."""
ACKNOWLEDGED_WITHIN: Final = 2.0
"""Seconds. Slack waits for three, and tells who pressed that it went wrong where nothing comes."""
GIVEN_UP_AFTER: Final = 25.0

_log = logging.getLogger("devsync.dashboard")
router = APIRouter()


class _Refused(Exception):
    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


@router.post(PATH, max_body_size=LARGEST_BODY)
@signed
async def interactions(request: Request, site: CurrentSite) -> Response:
    """Acknowledged when it is done, or after two seconds: then what came of it follows by itself. What is wrong with a
    form is told in the form, where that is known in time."""
    door = site.slack
    if door is None:
        return PlainTextResponse("SLACK_SIGNING_SECRET is not set", HTTP_404_NOT_FOUND)
    try:
        heard = await _heard(request, door)
    except _Refused as refused:
        return PlainTextResponse(str(refused), refused.code)
    if heard is None:
        return Response()
    work = asyncio.create_task(_outcome(site, heard))
    done, _ = await asyncio.wait({work}, timeout=ACKNOWLEDGED_WITHIN)
    if isinstance(heard, Reason) and done:
        return _in_the_form(work.result())
    # A server that is told to stop waits for what follows an answer.
    return Response(background=BackgroundTask(_tell, door, heard, work))


def _in_the_form(wrong: str) -> Response:
    """It closes where nothing is wrong: docs.slack.dev/surfaces/modals#displaying_errors."""
    return JSONResponse({"response_action": "errors", "errors": {REASON: wrong}}) if wrong else Response()


async def _heard(request: Request, door: SlackDoor) -> Press | Reason | None:
    """None for what says nothing to us. Raises _Refused."""
    body = await request.body()
    signature = request.headers.get("x-slack-signature", "")
    if not is_from_slack(door.verifier, body, request.headers.get("x-slack-request-timestamp", ""), signature):
        raise _Refused(HTTP_401_UNAUTHORIZED, "not signed by Slack, or too old")
    if not door.seen.is_new(signature, time.monotonic()):
        raise _Refused(HTTP_409_CONFLICT, "was here before")
    try:
        return heard_in(body)
    except Malformed as error:
        raise _Refused(HTTP_400_BAD_REQUEST, str(error)) from error


async def _outcome(site: Site, heard: Press | Reason) -> str:
    """What to tell who it was; empty: nothing."""
    try:
        async with asyncio.timeout(GIVEN_UP_AFTER):
            return await answer(site, heard)
    except Exception:  # noqa: BLE001 (whatever it is, who pressed must hear that it came to nothing)
        _log.exception("a press of %s in Slack came to nothing", heard.user_id)
        return "That did not work, and perhaps it was not taken; the dashboard's log says why."


async def _tell(door: SlackDoor, heard: Press | Reason, work: asyncio.Task[str]) -> None:
    if told := await work:
        await door.replies.tell(heard.response_url, told)
