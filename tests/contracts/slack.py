"""Holds Slack exchanges against what Slack itself publishes: slack-sdk's methods, blocks and metadata, its API types.

Slack has no OpenAPI description that it keeps up. What it does keep: the parameters of each method in slack-sdk, the
models of blocks there, and the types of each method's answer in `@slack/web-api`, generated from real answers. The
models leave limits unchecked (50 blocks, 2,000 characters a field, the whole): those stand here, in figures.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.metadata import Metadata
from slack_sdk.web.async_client import AsyncWebClient

from tests.contracts.coverage import Coverage
from tests.contracts.exchanges import Exchange

MAX_BLOCKS = 50
MAX_SECTION, MAX_FIELD, MAX_FIELDS = 3_000, 2_000, 10
MAX_HEADER, MAX_CONTEXT, MAX_BLOCK_ID = 150, 10, 255
MAX_MESSAGE = 13_172
"""Observed: above it `msg_blocks_too_long`, whatever the blocks (slackapi/bolt-js#2509)."""
MAX_TEXT = 4_000
MAX_METADATA = 8_000
WRITES = ("chat.postMessage", "chat.update", "chat.delete")
TS = re.compile(r"\d{10}\.\d{6}")
CHANNEL = re.compile(r"[CGD][A-Z0-9]{8,}")

UNSAMPLED = {"ConversationsRepliesResponse.messages[].subtype"}
"""What Slack's pages describe, and no answer had that its types were generated from: `thread_broadcast`."""

Fields = dict[str, str]


class SlackOracle:
    """`types` is the folder `dist/types/response` of @slack/web-api."""

    def __init__(self, types: Path, name: str) -> None:
        self._types = types
        self.coverage = Coverage(name)

    def check(self, exchange: Exchange) -> list[str]:
        """What slack-sdk or Slack's types object to; empty when request and answer keep to them."""
        method = exchange.path.removeprefix("/api/")
        call = getattr(AsyncWebClient, method.replace(".", "_"), None)
        if call is None:
            return [self.coverage.violation(f"{exchange}: slack-sdk knows no such method")]
        objections = [
            *_objections_to_request(exchange, set(inspect.signature(call).parameters)),
            *self.objections_to_answer(exchange),
        ]
        if not objections:
            self.coverage.operation(f"{method} → {_outcome(exchange)}", (f"?{one}" for one in exchange.arguments))
            self.coverage.fields(method, _places(exchange.json, ""))
        return [self.coverage.violation(f"{exchange}: {one}") for one in objections]

    def objections_to_answer(self, exchange: Exchange) -> Iterator[str]:
        """Those to the answer alone, where a request is wrong on purpose."""
        answer, method = exchange.json, exchange.path.removeprefix("/api/")
        if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
            yield "the answer has no `ok`"
            return
        if not answer["ok"] and not isinstance(answer.get("error"), str):
            yield "a refusal has no `error`"
        channel, ts = str(answer.get("channel")), str(answer.get("ts"))
        if answer["ok"] and method in WRITES and not (TS.fullmatch(ts) and CHANNEL.fullmatch(channel)):
            yield f"no channel and ts: {channel}, {ts}"
        name = "".join(part[0].upper() + part[1:] for part in method.split("."))
        yield from AnswerTypes(self._types / f"{name}Response.d.ts").objections(answer)


class AnswerTypes:
    """One file of answer types: `name?: type;` lines of interfaces, and enumerations of strings.

    All fields are optional there, so that what is checked is their names and types. Blocks and payloads of apps are
    not: their types hold whatever was sampled, and slack-sdk's models know blocks better.
    """

    UNCHECKED = frozenset({"blocks", "event_payload", "attachments"})

    def __init__(self, file: Path) -> None:
        self._text = file.read_text()
        self._root = file.name.removesuffix(".d.ts")

    def objections(self, answer: Any) -> Iterator[str]:
        yield from self._check(self._root, answer, "")

    @cached_property
    def _interfaces(self) -> dict[str, Fields]:
        head = re.compile(r"^export (?:interface|type) (\w+)(?: = WebAPICallResult &)? \{\n(.*?)^\};?$", re.M | re.S)
        line = re.compile(r"^    (\w+)\?: (.+);$", re.M)
        return {name: dict(line.findall(body)) for name, body in head.findall(self._text)}

    @cached_property
    def _enumerations(self) -> dict[str, set[str]]:
        head = re.compile(r"^export declare enum (\w+) \{\n(.*?)^\}$", re.M | re.S)
        return {name: set(re.findall(r'= "([^"]*)"', body)) for name, body in head.findall(self._text)}

    def _check(self, kind: str, value: Any, at: str) -> Iterator[str]:
        if " | " in kind:
            if all(list(self._check(one, value, at)) for one in kind.split(" | ")):
                yield f"{at} is {value!r}, no {kind}"
        elif kind.endswith("[]"):
            if not isinstance(value, list):
                yield f"{at} is {value!r}, no list"
            else:
                for number, item in enumerate(value):
                    yield from self._check(kind.removesuffix("[]"), item, f"{at}[{number}]")
        elif kind in self._enumerations:
            if value not in self._enumerations[kind]:
                yield f"{at} is {value!r}, none of {sorted(self._enumerations[kind])}"
        elif kind in self._interfaces:
            yield from self._check_fields(self._interfaces[kind], value, at)
        elif not _is_a(kind, value):
            yield f"{at} is {value!r}, no {kind}"

    def _check_fields(self, fields: Fields, value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{at} is {value!r}, no object"
            return
        place = self._root + re.sub(r"\d+", "", at)
        for name, inner in value.items():
            if name not in fields:
                if f"{place}.{name}" not in UNSAMPLED:
                    yield f"{at}.{name} is a field that Slack does not send"
            elif name not in self.UNCHECKED and inner is not None:  # the generator left nulls out
                yield from self._check(fields[name], inner, f"{at}.{name}")


def _objections_to_request(exchange: Exchange, known: set[str]) -> Iterator[str]:
    arguments = exchange.arguments
    if not exchange.headers.get("authorization", "").startswith("Bearer "):
        yield "no bearer token in the header"
    yield from (f"argument {name} is unknown" for name in arguments if name not in known or name == "token")
    blocks, metadata, text = (_structure(arguments.get(name)) for name in ("blocks", "metadata", "text"))
    if blocks is not None:
        yield from objections_to_blocks(blocks)
    if text is not None and not 0 < len(str(text)) <= MAX_TEXT:
        yield f"text of {len(str(text))} characters"
    if metadata is not None:
        yield from _objections_to_metadata(metadata)


def objections_to_blocks(blocks: list[dict[str, Any]]) -> Iterator[str]:
    """slack-sdk's models, that they know every attribute, and the limits that they leave unchecked."""
    if not 0 < len(blocks) <= MAX_BLOCKS:
        yield f"{len(blocks)} blocks"
    if (size := len(json.dumps(blocks, ensure_ascii=False))) > MAX_MESSAGE:
        yield f"blocks of {size} characters"
    for number, block in enumerate(blocks):
        where = f"block {number} ({block.get('type')})"
        parsed = Block.parse(block)
        if parsed is None or type(parsed) is Block:
            yield f"{where} is none that slack-sdk knows"
            continue
        try:
            if parsed.to_dict() != block:
                yield f"{where} has attributes that slack-sdk does not know: {block}"
        except SlackObjectFormationError as refused:
            yield f"{where}: {refused}"
        yield from (f"{where}: {one}" for one in _beyond_limits(block))


def _beyond_limits(block: dict[str, Any]) -> Iterator[str]:
    def too_long(name: str, text: Any, most: int) -> Iterator[str]:
        if not 0 < len(str((text or {}).get("text", ""))) <= most:
            yield f"{name} of {len(str((text or {}).get('text', '')))} characters"

    if len(block.get("block_id", "")) > MAX_BLOCK_ID:
        yield "block_id too long"
    if block["type"] == "section" and "text" in block:
        yield from too_long("text", block["text"], MAX_SECTION)
    if block["type"] == "header":
        yield from too_long("text", block.get("text"), MAX_HEADER)
    if len(fields := block.get("fields", [])) > MAX_FIELDS:
        yield f"{len(fields)} fields"
    for field in fields:
        yield from too_long("field", field, MAX_FIELD)
    if block["type"] == "context" and not 0 < len(block.get("elements", [])) <= MAX_CONTEXT:
        yield f"{len(block.get('elements', []))} elements"


def _objections_to_metadata(metadata: Any) -> Iterator[str]:
    if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
        yield f"metadata {metadata!r}"
        return
    if Metadata(**metadata).to_dict() != metadata:
        yield f"metadata that slack-sdk does not know: {metadata}"
    if not isinstance(metadata["event_type"], str) or not isinstance(metadata["event_payload"], dict):
        yield f"metadata of wrong types: {metadata}"
    if len(json.dumps(metadata)) > MAX_METADATA:
        yield "metadata too long"


def _structure(value: Any) -> Any:
    """A form carries JSON as text."""
    return json.loads(value) if isinstance(value, str) and value[:1] in ("[", "{") else value


def _is_a(kind: str, value: Any) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return True  # `any`, and the few inline types


def _outcome(exchange: Exchange) -> str:
    return str(exchange.status) if exchange.json["ok"] else str(exchange.json["error"])


def _places(value: Any, at: str) -> Iterable[str]:
    if isinstance(value, list):
        for item in value:
            yield from _places(item, f"{at}[]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield f"{at}.{name}"
            yield from _places(inner, f"{at}.{name}")
