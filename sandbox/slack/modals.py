"""Modals: a press can be exchanged for one within three seconds, and what is filled in goes to the app, as in Slack.

The view: docs.slack.dev/reference/views/modal-views. What an app may answer to a submission:
docs.slack.dev/surfaces/modals#updating_response. Of inputs only `plain_text_input` is known.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sandbox.slack.arguments import Arguments
from sandbox.slack.blocks import problems_of_view, stored
from sandbox.slack.errors import SlackError
from sandbox.slack.workspace import Body, Modal, Trigger, Workspace

GOOD_FOR: Final = timedelta(seconds=3)
MAX_VIEW: Final = 250_000
NO_ANSWER: Final = "We had some trouble connecting. Try again?"


def new_trigger(workspace: Workspace, user: str, place: Body) -> str:
    """What a press brings with it; `place` is where it was pressed."""
    trigger = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
    workspace.triggers[trigger] = Trigger(user, place, workspace.clock() + GOOD_FOR)
    return trigger


def open_view(workspace: Workspace, arguments: Arguments, _: str) -> Body:
    """`views.open`."""
    trigger = workspace.triggers.get(arguments.required("trigger_id"))
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if trigger.is_exchanged:
        raise SlackError("exchanged_trigger_id")
    if workspace.clock() > trigger.until:
        raise SlackError("expired_trigger_id")
    view = arguments.structure("view", "invalid_arguments")
    if len(json.dumps(view)) > MAX_VIEW:
        raise SlackError("view_too_large")
    if found := problems_of_view(view):
        raise SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {one}" for one in found]})
    trigger.is_exchanged = True
    modal = Modal(_as_kept(workspace, view), trigger.user, trigger.place)
    workspace.modals[trigger.user] = modal
    return {"view": modal.view}


def _as_kept(workspace: Workspace, view: Body) -> Body:
    id_ = f"V0{secrets.token_hex(5).upper()}"
    return {
        "id": id_,
        "team_id": workspace.team_id,
        "type": "modal",
        "blocks": stored(view["blocks"], id_),
        "private_metadata": view.get("private_metadata", ""),
        "callback_id": view.get("callback_id", ""),
        "state": {"values": {}},
        "hash": f"{workspace.clock().timestamp():.0f}.{secrets.token_hex(4)}",
        "title": {"emoji": True} | view["title"],
        "clear_on_close": view.get("clear_on_close", False),
        "notify_on_close": view.get("notify_on_close", False),
        "close": _text_or_none(view.get("close")),
        "submit": _text_or_none(view.get("submit")),
        "previous_view_id": None,
        "root_view_id": id_,
        "app_id": workspace.app_id,
        "external_id": view.get("external_id", ""),
        "app_installed_team_id": workspace.team_id,
        "bot_id": workspace.bot_id,
    }


def _text_or_none(text: Body | None) -> Body | None:
    return None if text is None else {"emoji": True} | text


@dataclass(slots=True)
class Filled:
    """What somebody wrote into a modal, by block."""

    user: str
    view_id: str
    texts: dict[str, str] = field(default_factory=dict)


def submission(workspace: Workspace, modal: Modal, filled: Filled) -> Body:
    """The payload `view_submission`. An input that is left empty is null."""
    inputs = {block["block_id"]: block["element"] for block in modal.view["blocks"] if block["type"] == "input"}
    values = {
        block_id: {element["action_id"]: {"type": element["type"], "value": filled.texts.get(block_id) or None}}
        for block_id, element in inputs.items()
    }
    person = workspace.people[filled.user]
    return {
        "type": "view_submission",
        "team": {"id": workspace.team_id, "domain": workspace.name.lower()},
        "user": {"id": filled.user, "username": person.login, "name": person.login, "team_id": workspace.team_id},
        "api_app_id": workspace.app_id,
        "token": "legacy-verification-token",
        "trigger_id": new_trigger(workspace, filled.user, modal.place),
        "view": modal.view | {"state": {"values": values}},
        "response_urls": [],
        "is_enterprise_install": False,
        "enterprise": None,
    }


def answered(workspace: Workspace, modal: Modal, filled: Filled, *, is_taken: bool, body: str) -> None:
    """The modal closes, or says what is wrong and keeps what was written."""
    modal.texts, modal.errors, modal.trouble = dict(filled.texts), {}, ""
    if not is_taken:
        modal.trouble = NO_ANSWER
        return
    said = _said(body)
    match said.get("response_action"):
        case "errors" if _are_errors(modal, said.get("errors")):
            modal.errors = said["errors"]
        case None | "clear" if not body.strip() or said:
            del workspace.modals[modal.user]
        case _:
            modal.trouble = NO_ANSWER


def _are_errors(modal: Modal, errors: Any) -> bool:
    """Of its own inputs alone, as Slack wants them."""
    inputs = {block["block_id"] for block in modal.view["blocks"] if block["type"] == "input"}
    return isinstance(errors, dict) and bool(errors) and set(errors) <= inputs


def _said(body: str) -> Body:
    try:
        said = json.loads(body or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
