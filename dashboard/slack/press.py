"""What Slack sends when somebody presses a button, or sends a form of ours, as far as it matters here.

The forms of the payloads: docs.slack.dev/reference/interaction-payloads/block_actions-payload, and
view-interactions-payload beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final
from urllib.parse import parse_qs

from pydantic import Field, ValidationError

from dashboard.slack.forms import REASON, REJECT, Carried
from devsync.domain.answers import Answer
from devsync.domain.model import Model
from devsync.rendering.buttons import OPEN

BLOCK_ACTIONS: Final = "block_actions"
VIEW_SUBMISSION: Final = "view_submission"


class Malformed(ValueError):
    """Signed, and no payload all the same."""


@dataclass(frozen=True)
class Member:
    """Who it was."""

    user_id: str
    user_name: str
    """As the member calls themselves: nothing proves it."""


@dataclass(frozen=True)
class Press(Member):
    answer: Answer | None
    """None: it is no button of ours, or one of another version."""
    is_link: bool
    """It led somewhere, and says nothing."""
    response_url: str
    trigger_id: str
    """Opens a form, once and soon."""
    id: str
    """Of this press: the same in every copy of the request."""


@dataclass(frozen=True)
class Reason(Member):
    """A form that was sent: why an edition is to be rejected."""

    answer: Answer | None
    """None: it is of another version."""
    text: str
    response_url: str


class _User(Model):
    id: Annotated[str, Field(min_length=1, max_length=50)]
    username: str = ""
    name: str = ""


class _Option(Model):
    value: str = ""


class _Action(Model):
    action_id: str = ""
    value: str = ""
    selected_option: _Option | None = None
    action_ts: str = ""


class _Written(Model):
    value: str | None = None


class _State(Model):
    values: dict[str, dict[str, _Written]] = {}


class _View(Model):
    callback_id: str = ""
    private_metadata: str = ""
    state: _State = _State()


class _Payload(Model):
    type: str
    user: _User
    view: _View | None = None
    trigger_id: str = ""
    response_url: str = ""
    actions: tuple[_Action, ...] = ()


def heard_in(body: bytes) -> Press | Reason | None:
    """The press, or the form, that a request tells of; None where it tells of something else. Raises Malformed."""
    try:
        (text,) = parse_qs(body.decode(), strict_parsing=True, max_num_fields=10)["payload"]
        payload = _Payload.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Malformed(f"payload {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (ValueError, KeyError):
        raise Malformed("no form with one payload") from None
    if payload.type == VIEW_SUBMISSION and payload.view is not None and payload.view.callback_id == REJECT:
        return _reason(payload.user, payload.view)
    if payload.type == BLOCK_ACTIONS and payload.actions:
        return _press(payload, payload.actions[0])
    return None


def _reason(user: _User, view: _View) -> Reason:
    try:
        carried = Carried.model_validate_json(view.private_metadata)
    except ValidationError:
        carried = Carried(answer="")
    written = next(iter(view.state.values.get(REASON, {}).values()), _Written())
    return Reason(
        user_id=user.id,
        user_name=user.username or user.name,
        answer=_answer(carried.answer),
        text=(written.value or "").strip(),
        response_url=carried.response_url,
    )


def _press(payload: _Payload, action: _Action) -> Press:
    user = payload.user
    said = action.selected_option.value if action.selected_option else action.value
    copies = "|".join((user.id, payload.trigger_id, action.action_ts, said))
    return Press(
        user_id=user.id,
        user_name=user.username or user.name,
        answer=_answer(said),
        is_link=action.action_id.startswith(f"{OPEN}:"),
        response_url=payload.response_url,
        trigger_id=payload.trigger_id,
        id=sha256(copies.encode()).hexdigest()[:32],
    )


def _answer(text: str) -> Answer | None:
    try:
        return Answer.from_text(text)
    except ValueError:
        return None
