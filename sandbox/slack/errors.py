"""Errors of the Web API: HTTP 200 with `ok: false` and a code, except the rate limit."""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """An answer with `ok: false`. `more` joins the body: `needed`, `provided`, `errors`, `response_metadata`."""

    status = 200

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more

    @property
    def headers(self) -> dict[str, str]:
        return {}

    @property
    def body(self) -> dict[str, Any]:
        return {"ok": False, "error": self.code, **self.more}


class RateLimited(SlackError):
    """429 with `Retry-After` in whole seconds."""

    status = 429

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("ratelimited")
        self.retry_after_seconds = retry_after_seconds

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_seconds)}


def invalid_blocks(problems: list[str]) -> SlackError:
    return SlackError(
        "invalid_blocks",
        errors=problems,
        response_metadata={"messages": [f"[ERROR] {problem}" for problem in problems]},
    )


def missing_scope(needed: str, provided: frozenset[str]) -> SlackError:
    return SlackError("missing_scope", needed=needed, provided=",".join(sorted(provided)))
