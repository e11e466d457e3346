"""A form of Slack's in which somebody says why an edition is not posted: opened by their press, and sent back to us.

The form is a modal view: docs.slack.dev/reference/views/modal-views; it is opened within three seconds of the press.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from devsync.contracts import names
from devsync.domain.answers import Answer
from devsync.domain.model import Model
from devsync.rendering.escape import slack
from devsync.rendering.slack_blocks import section

REJECT: Final = "reject"
"""`callback_id`: which form it is."""
REASON: Final = "reason"
"""The block of what is written."""
LONGEST_REASON: Final = 1_000
OPENED_WITHIN: Final = 1.8
"""Seconds. The trigger is good for three of them from the press on, and the press itself is answered after two."""


class NotOpened(Exception):
    """Why, in a few words."""


class Carried(Model):
    """What the form brings back beside what was written: `private_metadata`, which Slack signs with the rest."""

    answer: str
    """The text of the button."""
    response_url: str = ""
    """Of the press: where to tell what came of it, if that takes long."""


class Forms:
    def __init__(self, api_url: str, token: str) -> None:
        """`api_url`: where the Web API is; `token`: the bot's. `views.open` needs no scope."""
        # Without retry handlers: there is no time for a second try.
        self._client = AsyncWebClient(token, base_url=f"{api_url.rstrip('/')}/", timeout=2, retry_handlers=[])

    async def open(self, trigger_id: str, view: dict[str, Any]) -> None:
        """Before the eyes of who pressed. Raises NotOpened."""
        try:
            async with asyncio.timeout(OPENED_WITHIN):
                await self._client.api_call("views.open", json={"trigger_id": trigger_id, "view": view})
        except SlackApiError as error:
            code = error.response.get("error", "") if isinstance(error.response.data, dict) else ""
            raise NotOpened(f"Slack answered {code or error.response.status_code}") from None
        except aiohttp.ClientConnectorError:
            raise NotOpened("Slack cannot be reached") from None
        except (TimeoutError, aiohttp.ClientError):
            raise NotOpened("Slack has not said whether it opened one") from None


def why_form(given: Answer, response_url: str) -> dict[str, Any]:
    """Asks why nothing is to be posted."""
    team, week = names.team_of(given.workflow_id), given.workflow_id.rpartition(":")[2]
    return {
        "type": "modal",
        "callback_id": REJECT,
        "title": _plain("Reject the edition"),
        "submit": _plain("Reject"),
        "close": _plain("Cancel"),
        "private_metadata": Carried(answer=given.to_text(), response_url=response_url).model_dump_json(),
        "blocks": [
            section(f"Nothing of {slack(team)} {slack(week)} is posted then."),
            {
                "type": "input",
                "block_id": REASON,
                "label": _plain("Why?"),
                "hint": _plain("It is recorded with your name, and stands above the preview."),
                "element": {
                    "type": "plain_text_input",
                    "action_id": "text",
                    "multiline": True,
                    "max_length": LONGEST_REASON,
                },
            },
        ],
    }


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
