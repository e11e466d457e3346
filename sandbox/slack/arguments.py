"""A method's arguments, from a query string, a form or a JSON body: Slack takes all three."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from sandbox.slack.errors import SlackError

TS: Final = re.compile(r"^\d{1,12}(\.\d{1,6})?$")


@dataclass(frozen=True, slots=True)
class Arguments:
    values: dict[str, Any]

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str:
        """A string; empty when absent. Numbers arrive as they are in JSON bodies."""
        value = self.values.get(name, "")
        return value if isinstance(value, str) else json.dumps(value)

    def flag(self, name: str) -> bool:
        return str(self.values.get(name, "")).lower() in ("1", "true")

    def required(self, name: str, code: str = "invalid_arguments") -> str:
        value = self.text(name)
        if not value:
            problem = f"[ERROR] missing required field: {name}"
            raise SlackError(code, **({"response_metadata": {"messages": [problem]}} if _generic(code) else {}))
        return value

    def number(self, name: str, default: int, code: str = "invalid_arguments") -> int:
        try:
            return int(self.text(name) or default)
        except ValueError:
            raise SlackError(code) from None

    def timestamp(self, name: str, code: str) -> float | None:
        """A `ts` argument in seconds, None when absent."""
        value = self.text(name)
        if not value:
            return None
        if not TS.match(value):
            raise SlackError(code)
        return float(value)

    def structure(self, name: str, code: str) -> Any:
        """A JSON value: as such in a JSON body, as text in a form, and as text in a JSON body too. None if absent."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(code) from None


def _generic(code: str) -> bool:
    return code == "invalid_arguments"


async def read_arguments(request: web.Request) -> Arguments:
    """Query and body of a request, `null` counting as absent. Raises SlackError for an unreadable body."""
    values: dict[str, Any] = dict(request.query)
    if request.method == "POST":
        match request.content_type:
            case "application/json":
                values |= await _json_object(request)
            case "application/x-www-form-urlencoded" | "multipart/form-data":
                values |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
            case _ if await request.read():
                raise SlackError("invalid_post_type")
    return Arguments({name: value for name, value in values.items() if value is not None})


async def _json_object(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    if not text:
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body
