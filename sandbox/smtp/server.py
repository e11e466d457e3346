"""SMTP itself, by aiosmtpd: one login, every recipient taken, unless a reply says otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.service import Clock
from sandbox.smtp.inbox import DROPPED, Inbox, Mail

logging.getLogger("mail.log").setLevel(logging.ERROR)

USER, PASSWORD = "sandbox", "sandbox-smtp-password"
"""Public: they open nothing but the sandbox."""


class Taking:
    """aiosmtpd's hooks: named by it."""

    def __init__(self, inbox: Inbox, clock: Clock) -> None:
        self._inbox = inbox
        self._clock = clock

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        reply = self._inbox.reply("CONNECT")
        if reply is not None:
            await asyncio.sleep(reply.seconds)
            return [reply.says]
        return responses

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._inbox.transactions += 1
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        reply = self._inbox.reply("RCPT", address)
        if reply is not None:
            await asyncio.sleep(reply.seconds)
            return reply.says
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = self._inbox.reply("DATA")
        if reply is not None and reply.says != DROPPED and not reply.says.startswith("2"):
            await asyncio.sleep(reply.seconds)
            return reply.says
        mail = Mail(
            number=len(self._inbox.mails) + 1,
            sender=envelope.mail_from or "",
            recipients=list(envelope.rcpt_tos),
            content=envelope.original_content or b"",
            received_at=self._clock(),
            is_encrypted=session.ssl is not None,
        )
        self._inbox.mails.append(mail)
        if reply is not None:
            await asyncio.sleep(reply.seconds)
            if reply.says == DROPPED and isinstance(server.transport, asyncio.Transport):
                server.transport.abort()
        return f"250 OK: mail {mail.number}"


def bound_socket() -> socket.socket:
    """A free port of loopback, known before anybody listens on it."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.bind(("127.0.0.1", 0))
    return bound


@asynccontextmanager
async def serving_smtp(inbox: Inbox, clock: Clock, bound: socket.socket) -> AsyncIterator[None]:
    def protocol() -> SMTP:
        with warnings.catch_warnings():
            # A login over loopback, in clear: meant so, and said by the library at each connection.
            warnings.simplefilter("ignore")
            return SMTP(
                Taking(inbox, clock),
                hostname="sandbox.test",
                ident="sandbox",
                enable_SMTPUTF8=True,
                authenticator=_known,
                auth_required=True,
                auth_require_tls=False,
            )

    server = await asyncio.get_running_loop().create_server(protocol, sock=bound)
    try:
        yield
    finally:
        server.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 0.1)


def _known(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
    is_known = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_known, handled=False)
