"""Block Kit's rules as Slack enforces them, which slack-sdk's own models do only in part (field.md E1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Body = dict[str, Any]

MAX_BLOCKS: Final = 50
MAX_TOTAL_CHARACTERS: Final = 13_200
"""Undocumented; observed at 13,172 to 13,297 (slackapi/bolt-js#2509). Counted here over the blocks' compact JSON."""
MAX_BLOCK_ID: Final = 255

COMMON: Final = frozenset({"type", "block_id"})
ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    "section": COMMON | {"text", "fields", "accessory", "expand"},
    "header": COMMON | {"text"},
    "divider": COMMON,
    "context": COMMON | {"elements"},
    "actions": COMMON | {"elements"},
    "image": COMMON | {"image_url", "slack_file", "alt_text", "title"},
    "markdown": COMMON | {"text"},
    "rich_text": COMMON | {"elements"},
    "input": COMMON | {"label", "element", "hint", "optional", "dispatch_action"},
}
VIEW: Final = frozenset(
    {
        "type", "title", "blocks", "submit", "close", "private_metadata", "callback_id", "clear_on_close",
        "notify_on_close", "external_id", "submit_disabled",
    }
)  # fmt: skip
TEXT_INPUT: Final = frozenset(
    {"type", "action_id", "initial_value", "multiline", "min_length", "max_length", "placeholder", "focus_on_load"}
)
BUTTON: Final = frozenset({"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"})
SELECT: Final = frozenset(
    {"type", "action_id", "placeholder", "options", "option_groups", "initial_option", "confirm", "focus_on_load"}
)
CONFIRM: Final = frozenset({"title", "text", "confirm", "deny", "style"})
_INTERACTIVE: Final = """
    button checkboxes datepicker datetimepicker timepicker overflow radio_buttons static_select external_select
    users_select conversations_select channels_select multi_static_select multi_users_select
    multi_conversations_select multi_channels_select workflow_button
"""
INTERACTIVE: Final = frozenset(_INTERACTIVE.split())


def problems(blocks: list[Any]) -> list[str]:
    """What Slack objects to, each with a JSON pointer; empty when it would take the blocks."""
    check = _Check()
    check.message(blocks)
    return check.found


def problems_of_view(view: Any) -> list[str]:
    """Likewise of a modal, in which inputs may stand."""
    check = _Check(in_view=True)
    check.view(view)
    return check.found


def is_too_long(blocks: list[Any]) -> bool:
    return len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) > MAX_TOTAL_CHARACTERS


def stored(blocks: list[Body], seed: str) -> list[Body]:
    """The blocks as Slack keeps and returns them: a `block_id` on each, the defaults of text objects filled in."""
    kept: list[Body] = []
    for number, block in enumerate(blocks):
        generated = hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()[:5]
        filled = _with_text_defaults(block)
        kept.append({**filled, "block_id": block.get("block_id") or generated})
    return kept


def _with_text_defaults(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_text_defaults(item) for item in value]
    if not isinstance(value, dict):
        return value
    filled = {name: _with_text_defaults(item) for name, item in value.items()}
    if filled.get("type") == "mrkdwn":
        filled.setdefault("verbatim", False)
    if filled.get("type") == "plain_text":
        filled.setdefault("emoji", True)
    return filled


@dataclass(slots=True)
class _Check:
    found: list[str] = field(default_factory=list)
    in_view: bool = False

    def refuse(self, what: str, pointer: str) -> None:
        self.found.append(f"{what} [json-pointer:{pointer}]")

    def message(self, blocks: list[Any]) -> None:
        if len(blocks) > MAX_BLOCKS:
            self.refuse(f"no more than {MAX_BLOCKS} items allowed", "/blocks")
        seen: set[str] = set()
        for number, block in enumerate(blocks):
            pointer = f"/blocks/{number}"
            if not isinstance(block, dict):
                self.refuse("must be an object", pointer)
                continue
            self.block(block, pointer)
            block_id = block.get("block_id")
            if isinstance(block_id, str):
                if block_id in seen:
                    self.refuse(f"`block_id` `{block_id}` is used more than once", f"{pointer}/block_id")
                seen.add(block_id)

    def view(self, view: Any) -> None:
        if not isinstance(view, dict):
            return self.refuse("must be an object", "/view")
        self.no_others(view, VIEW, "/view")
        if view.get("type") != "modal":
            self.refuse(f"unsupported type: {view.get('type')}", "/view/type")
        self.text_object(view, "title", 24, "/view", kinds=("plain_text",))
        for name in ("submit", "close"):
            if name in view:
                self.text_object(view, name, 24, "/view", kinds=("plain_text",))
        for name, most in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
            if view.get(name):
                self.string(view[name], most, f"/view/{name}")
        blocks = self.items(view, "blocks", "/view", most=100)
        self.message(blocks)
        if "submit" not in view and any(isinstance(one, dict) and one.get("type") == "input" for one in blocks):
            self.refuse("must define `submit` to use an `input` block in modals", "/view")
        return None

    def input(self, block: Body, pointer: str) -> None:
        self.text_object(block, "label", 2000, pointer, kinds=("plain_text",))
        if "hint" in block:
            self.text_object(block, "hint", 2000, pointer, kinds=("plain_text",))
        element = block.get("element")
        if not isinstance(element, dict) or element.get("type") != "plain_text_input":
            return self.refuse("unsupported element", f"{pointer}/element")
        self.no_others(element, TEXT_INPUT, f"{pointer}/element")
        if self.required(element, "action_id", f"{pointer}/element"):
            self.string(element["action_id"], 255, f"{pointer}/element/action_id")
        if not 1 <= element.get("max_length", 3000) <= 3000:
            self.refuse("must be between 1 and 3000", f"{pointer}/element/max_length")
        return None

    def block(self, block: Body, pointer: str) -> None:
        kind = block.get("type")
        if "type" not in block:
            return self.refuse("missing required field: type", pointer)
        if not isinstance(kind, str) or kind not in ALLOWED or (kind == "input" and not self.in_view):
            return self.refuse(f"unsupported type: {kind}", f"{pointer}/type")
        self.no_others(block, ALLOWED[kind], pointer)
        if "block_id" in block:
            self.string(block["block_id"], MAX_BLOCK_ID, f"{pointer}/block_id")
        match kind:
            case "section":
                self.section(block, pointer)
            case "header":
                self.text_object(block, "text", 150, pointer, kinds=("plain_text",))
            case "context":
                self.elements(block, pointer, most=10)
            case "actions":
                self.elements(block, pointer, most=25)
            case "image":
                self.image(block, pointer)
            case "markdown":
                if self.required(block, "text", pointer):
                    self.string(block["text"], 12_000, f"{pointer}/text")
            case "rich_text":
                self.items(block, "elements", pointer, most=None)
            case "input":
                self.input(block, pointer)
        return None

    def section(self, block: Body, pointer: str) -> None:
        if "text" not in block and "fields" not in block:
            self.refuse("must define either `text` or `fields`", pointer)
        if "text" in block:
            self.text_object(block, "text", 3000, pointer)
        if "fields" in block:
            for number in range(len(self.items(block, "fields", pointer, most=10))):
                self.text_object(block["fields"], number, 2000, f"{pointer}/fields")
        if "accessory" in block:
            self.element(block["accessory"], f"{pointer}/accessory", texts=False)

    def image(self, block: Body, pointer: str) -> None:
        if ("image_url" in block) is ("slack_file" in block):
            self.refuse("must define either `image_url` or `slack_file`", pointer)
        if "image_url" in block:
            self.string(block["image_url"], 3000, f"{pointer}/image_url")
        if self.required(block, "alt_text", pointer):
            self.string(block["alt_text"], 2000, f"{pointer}/alt_text")
        if "title" in block:
            self.text_object(block, "title", 2000, pointer, kinds=("plain_text",))

    def elements(self, block: Body, pointer: str, *, most: int) -> None:
        actions: set[str] = set()
        for number, element in enumerate(self.items(block, "elements", pointer, most=most)):
            where = f"{pointer}/elements/{number}"
            self.element(element, where, texts=block["type"] == "context")
            action = element.get("action_id") if isinstance(element, dict) else None
            if isinstance(action, str):
                if action in actions:
                    self.refuse(f"`action_id` `{action}` is used more than once", f"{where}/action_id")
                actions.add(action)

    def element(self, element: Any, pointer: str, *, texts: bool) -> None:
        """One element of a context (texts and images) or of actions and accessories (controls and images)."""
        kind = str(element.get("type")) if isinstance(element, dict) else None
        if texts and kind in ("mrkdwn", "plain_text"):
            return self.text(element, 2000, pointer)
        if kind == "image":
            return self.image(element, pointer)
        if texts or kind not in INTERACTIVE:
            return self.refuse(f"unsupported type: {kind}", f"{pointer}/type")
        if "action_id" in element:
            self.string(element["action_id"], 255, f"{pointer}/action_id")
        if kind == "button":
            self.button(element, pointer)
        if kind == "static_select":
            self.select(element, pointer)
        if "confirm" in element:
            self.confirmation(element["confirm"], f"{pointer}/confirm")
        return None

    def button(self, button: Body, pointer: str) -> None:
        self.no_others(button, BUTTON, pointer)
        self.text_object(button, "text", 75, pointer, kinds=("plain_text",))
        for name, most in (("value", 2000), ("url", 3000), ("accessibility_label", 75)):
            if name in button:
                self.string(button[name], most, f"{pointer}/{name}")
        if button.get("style", "primary") not in ("primary", "danger"):
            self.refuse("must be one of: primary, danger", f"{pointer}/style")

    def select(self, select: Body, pointer: str) -> None:
        self.no_others(select, SELECT, pointer)
        if "placeholder" in select:
            self.text_object(select, "placeholder", 150, pointer, kinds=("plain_text",))
        if "option_groups" in select:
            return
        for number, option in enumerate(self.items(select, "options", pointer, most=100)):
            where = f"{pointer}/options/{number}"
            self.no_others(option, {"text", "value", "description"}, where)
            self.text_object(option, "text", 75, where, kinds=("plain_text",))
            if self.required(option, "value", where):
                self.string(option["value"], 150, f"{where}/value")

    def confirmation(self, confirm: Any, pointer: str) -> None:
        if not isinstance(confirm, dict):
            return self.refuse("must be an object", pointer)
        self.no_others(confirm, CONFIRM, pointer)
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            self.text_object(confirm, name, most, pointer)
        if confirm.get("style", "primary") not in ("primary", "danger"):
            self.refuse("must be one of: primary, danger", f"{pointer}/style")
        return None

    def text_object(
        self,
        holder: Any,
        name: str | int,
        most: int,
        pointer: str,
        *,
        kinds: tuple[str, ...] = ("plain_text", "mrkdwn"),
    ) -> None:
        if isinstance(holder, dict) and not self.required(holder, str(name), pointer):
            return
        self.text(holder[name], most, f"{pointer}/{name}", kinds)

    def text(self, value: Any, most: int, pointer: str, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> None:
        if not isinstance(value, dict):
            return self.refuse("must be an object", pointer)
        kind = value.get("type")
        if kind not in kinds:
            return self.refuse(f"unsupported type: {kind}", f"{pointer}/type")
        self.no_others(value, {"type", "text", "emoji" if kind == "plain_text" else "verbatim"}, pointer)
        if self.required(value, "text", pointer):
            self.string(value["text"], most, f"{pointer}/text")
        return None

    def items(self, holder: Body, name: str, pointer: str, *, most: int | None) -> list[Any]:
        if not self.required(holder, name, pointer):
            return []
        items = holder[name]
        if not isinstance(items, list):
            self.refuse("must be an array", f"{pointer}/{name}")
            return []
        if not items:
            self.refuse("no fewer than 1 items allowed", f"{pointer}/{name}")
        if most is not None and len(items) > most:
            self.refuse(f"no more than {most} items allowed", f"{pointer}/{name}")
        return items

    def required(self, holder: Body, name: str, pointer: str) -> bool:
        if name in holder:
            return True
        self.refuse(f"missing required field: {name}", pointer)
        return False

    def no_others(self, holder: Body, allowed: frozenset[str] | set[str], pointer: str) -> None:
        for name in holder:
            if name not in allowed:
                self.refuse(f"invalid additional property: {name}", pointer)

    def string(self, value: Any, most: int, pointer: str) -> None:
        if not isinstance(value, str):
            self.refuse("must be a string", pointer)
        elif not value:
            self.refuse("must be more than 0 characters", pointer)
        elif len(value) > most:
            self.refuse(f"must be less than {most + 1} characters", pointer)
