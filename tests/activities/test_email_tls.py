"""Mail is encrypted where the server offers it, and goes to no server that is another one."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP
from aiosmtplib import SMTPException
from pydantic import SecretStr

from activities.clients.mail import MailClient
from devsync.runtime.classification import classify
from devsync.settings.environment import Environment
from sandbox.service import system_clock
from sandbox.smtp import Inbox
from sandbox.smtp.server import Taking
from tests.activities.test_webhook_tls import certificate


@asynccontextmanager
async def server(pem: Path, inbox: Inbox, *, is_tls: bool) -> AsyncIterator[str]:
    """Its SMTP_URL: TLS from the first byte, or STARTTLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def protocol() -> SMTP:
        return SMTP(Taking(inbox, system_clock), tls_context=None if is_tls else context)

    listening = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=context if is_tls else None
    )
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"smtps://localhost:{port}" if is_tls else f"smtp://localhost:{port}?starttls=required"
    finally:
        listening.close()


async def send(url: str) -> None:
    access = Environment(smtp_url=SecretStr(url)).smtp()
    client = MailClient(access, concurrency=1, read_timeout=timedelta(seconds=2))
    await client.send(["anna@acme.test"], b"Subject: x\r\n\r\nx\r\n", sender="changelog@acme.test")


@pytest.mark.parametrize("is_tls", [True, False], ids=["smtps", "starttls"])
async def test_a_mail_goes_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_tls: bool) -> None:
    pem, inbox = certificate("localhost", tmp_path), Inbox()
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    async with server(pem, inbox, is_tls=is_tls) as url:
        await send(url)
    (mail,) = inbox.mails
    assert mail.is_encrypted or is_tls  # the stand-in learns only of STARTTLS


@pytest.mark.parametrize("is_tls", [True, False], ids=["smtps", "starttls"])
async def test_a_server_with_another_certificate_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_tls: bool
) -> None:
    pem, inbox = certificate("elsewhere.test", tmp_path), Inbox()
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    async with server(pem, inbox, is_tls=is_tls) as url:
        with pytest.raises((SMTPException, OSError)) as raised:
            await send(url)
    failure = classify(raised.value, "email", datetime.now(UTC))
    assert (failure.code, failure.may_have_taken_effect) == ("certificate", False)
    assert inbox.mails == []
