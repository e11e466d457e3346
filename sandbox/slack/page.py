"""The page at `/`: channels and messages as Slack's client would show them, rendered here, no scripts.

Buttons are forms: pressing one makes the stand-in tell the app, as Slack does (`interactivity.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from sandbox.slack import mrkdwn
from sandbox.slack.interactivity import whoever_looks
from sandbox.slack.workspace import Body, Channel, Message, Workspace

FILES: Final = Path(__file__).parent / "web"
AVATAR_HUES: Final = 360
CONTROLS: Final = ("button", "static_select")


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message, ready for the template."""

    anchor: str
    ts: str
    author: str
    initial: str
    hue: int
    is_bot: bool
    day: str
    time: str
    full_time: str
    is_edited: bool
    is_tombstone: bool
    text: Markup
    blocks: list[Body]
    event_type: str
    key: str
    replies: list[MessageView]


@dataclass(frozen=True, slots=True)
class WhisperView:
    author: str
    time: str
    text: Markup
    is_trouble: bool


@dataclass(frozen=True, slots=True)
class ModalView:
    id: str
    title: Markup
    submit: Markup
    close: Markup
    blocks: list[Body]
    texts: dict[str, str]
    errors: dict[str, str]
    trouble: str


def render(workspace: Workspace, selected: str | None, wanted_user: str | None = None) -> str:
    """The whole page, for the channel of that name, else the first one with messages, and as one of its people."""
    channels = sorted(workspace.channels.values(), key=lambda c: (c.kind == "im", c.name.casefold()))
    chosen = _chosen(channels, selected)
    view, user = _View(workspace), whoever_looks(workspace, wanted_user)
    return _ENVIRONMENT.get_template("page.html.jinja").render(
        workspace=workspace,
        channels=[c for c in channels if c.kind != "im"],
        conversations=[c for c in channels if c.kind == "im"],
        chosen=chosen,
        unknown=selected if selected is not None and (chosen is None or chosen.name != selected) else None,
        messages=view.channel(chosen) if chosen else [],
        whispers=view.whispers(chosen, user) if chosen else [],
        user=user,
        modal=view.modal(user),
        people=sorted((person.name, id_) for id_, person in workspace.people.items() if not person.is_bot),
        css=Markup((FILES / "page.css").read_text(encoding="utf-8")),
    )


def _chosen(channels: list[Channel], selected: str | None) -> Channel | None:
    named = next((c for c in channels if c.name == selected), None)
    spoken = next((c for c in channels if c.messages), None)
    return named or spoken or next(iter(channels), None)


class _View:
    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.names: Mapping[str, str] = {
            **{user_id: person.name for user_id, person in workspace.people.items()},
            **{channel.id: channel.name for channel in workspace.channels.values()},
            workspace.bot_user_id: workspace.bot_name,
        }

    def channel(self, channel: Channel) -> list[MessageView]:
        return [self.message(channel, message) for message in channel.top_level()]

    def whispers(self, channel: Channel, user: str) -> list[WhisperView]:
        return [
            WhisperView(
                author="Slackbot" if one.is_trouble else self.workspace.bot_name,
                time=f"{one.at:%H:%M}",
                text=mrkdwn.to_html(one.text, self.names),
                is_trouble=one.is_trouble,
            )
            for one in channel.whispers
            if one.user == user
        ]

    def modal(self, user: str) -> ModalView | None:
        """What stands before the eyes of that person."""
        modal = self.workspace.modals.get(user)
        if modal is None:
            return None
        shown = modal.view
        return ModalView(
            id=shown["id"],
            title=mrkdwn.plain(shown["title"]["text"]),
            submit=mrkdwn.plain(shown["submit"]["text"]) if shown["submit"] else Markup(),
            close=mrkdwn.plain(shown["close"]["text"]) if shown["close"] else Markup("Cancel"),
            blocks=[self.block(block) for block in shown["blocks"]],
            texts=modal.texts,
            errors=modal.errors,
            trouble=modal.trouble,
        )

    def message(self, channel: Channel, message: Message) -> MessageView:
        at = datetime.fromtimestamp(float(message.ts), UTC)
        author = self.names.get(message.user, message.user)
        replies = [] if message.is_reply else channel.replies(message.ts)
        payload = (message.metadata or {}).get("event_payload", {})
        return MessageView(
            anchor=f"p{message.ts.replace('.', '')}",
            ts=message.ts,
            author=author,
            initial=author[:1].upper(),
            hue=sum(map(ord, message.user)) * 47 % AVATAR_HUES,
            is_bot=message.user == self.workspace.bot_user_id,
            day=f"{at:%A, %B} {at.day}",
            time=f"{at:%H:%M}",
            full_time=f"{at:%Y-%m-%d %H:%M:%S} UTC · ts {message.ts}",
            is_edited=message.edited_ts is not None,
            is_tombstone=message.is_tombstone,
            text=mrkdwn.to_html(message.text, self.names),
            blocks=[self.block(block) for block in message.blocks],
            event_type=(message.metadata or {}).get("event_type", ""),
            key=str(payload.get("key", "")),
            replies=[self.message(channel, reply) for reply in replies],
        )

    def block(self, block: Body) -> Body:
        """The block with its texts as HTML, under names that the template prints."""
        match block["type"]:
            case "section":
                shown: Body = {"fields": [self.text(one) for one in block.get("fields", [])]}
                if "text" in block:
                    shown["text"] = self.text(block["text"])
                if block.get("accessory", {}).get("type") == "button":
                    shown["control"] = self.control(block["accessory"])
            case "header":
                shown = {"text": mrkdwn.plain(block["text"]["text"])}
            case "context":
                shown = {"elements": [self.element(one) for one in block["elements"]]}
            case "actions":
                shown = {"controls": [self.control(one) for one in block["elements"] if one["type"] in CONTROLS]}
            case "image":
                shown = {"alt": block["alt_text"]}
            case "markdown":
                shown = {"text": mrkdwn.to_html(mrkdwn.from_markdown(block["text"]), self.names)}
            case "input":
                element = block["element"]
                shown = {
                    "label": mrkdwn.plain(block["label"]["text"]),
                    "hint": mrkdwn.plain(block["hint"]["text"]) if "hint" in block else "",
                    "is_multiline": element.get("multiline", False),
                    "max_length": element.get("max_length", 3000),
                    "is_optional": block.get("optional", False),
                }
            case "rich_text":
                shown = {"text": Markup(" ").join(_leaves(block))}
            case _:
                shown = {}
        return {"type": block["type"], "id": block["block_id"], **shown}

    def text(self, text: Body) -> Markup:
        if text["type"] == "mrkdwn":
            return mrkdwn.to_html(text["text"], self.names)
        return mrkdwn.plain(text["text"])

    def element(self, element: Body) -> Markup:
        if element["type"] == "image":
            return Markup('<span class="picture">{}</span>').format(element["alt_text"])
        return self.text(element)

    def control(self, element: Body) -> Body:
        """A button, or a menu with its options."""
        label = element.get("text") or element.get("placeholder") or {"text": "Choose"}
        return {
            "label": mrkdwn.plain(label["text"]),
            "style": element.get("style", ""),
            "url": element.get("url", ""),
            "action_id": element.get("action_id", ""),
            "confirm": {
                name: mrkdwn.plain(text["text"]) for name, text in element.get("confirm", {}).items() if name != "style"
            },
            "options": [
                {"label": mrkdwn.plain(one["text"]["text"]), "value": one["value"]}
                for one in element.get("options", [])
            ],
        }


def _leaves(value: Any) -> list[str]:
    """The texts inside a rich_text block, in order, unformatted."""
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("text"), str):
        return [value["text"]]
    return _leaves(value.get("elements", []))


_ENVIRONMENT: Final = Environment(loader=FileSystemLoader(FILES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
