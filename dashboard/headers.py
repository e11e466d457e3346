"""Security headers of every answer. The content policy lets pages run our own files, and nothing else."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAIL_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox"
)
"""Of a mail in a frame: its styles are its own, and no script of it runs. `sandbox` also makes it a foreign site."""

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_BY_DEFAULT: Final = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"}
_TLS: Final = {"Strict-Transport-Security": "max-age=31536000"}


def add_headers(headers: MutableHeaders, *, secure: bool) -> None:
    """`secure`: by TLS."""
    for name, value in (_ALWAYS | (_TLS if secure else {})).items():
        headers[name] = value
    for name, value in _BY_DEFAULT.items():
        headers.setdefault(name, value)


class SecurityHeaders:
    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message), secure=self._secure)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
