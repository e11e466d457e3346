"""The inbox and the sink as people and scripts see them: pages, JSON, replies that go wrong as told."""

import asyncio
import json
import smtplib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from urllib.parse import urlsplit

import httpx
import pytest
from standardwebhooks import Webhook

from sandbox.running import Sandbox, run_sandbox
from sandbox.webhook import SECRET
from sandbox.worlds.demo import demo_world


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world("2026-W47"), services=("smtp", "webhook")) as running:
        yield running


def mail(subject: str = "Changelog") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "changelog@acme.test", "anna@acme.test", subject
    made["Message-ID"] = "<1@acme.test>"
    made.set_content("What shipped\n")
    made.add_alternative("<h1>What shipped</h1><script>alert(1)</script>", subtype="html")
    return made


async def send(sandbox: Sandbox, *, password: str | None = None) -> None:
    url = urlsplit(sandbox.environment["SMTP_URL"])

    def speak() -> None:
        with smtplib.SMTP(str(url.hostname), url.port or 0, timeout=5) as client:
            client.login(str(url.username), password or str(url.password))
            client.send_message(mail())

    await asyncio.to_thread(speak)


async def test_the_inbox_shows_a_mail_and_runs_none_of_its_scripts(sandbox: Sandbox) -> None:
    await send(sandbox)
    async with httpx.AsyncClient(base_url=sandbox.urls["smtp"]) as client:
        page = (await client.get("/")).text
        (shown,) = (await client.get("/sandbox/mails")).json()["mails"]
    assert "<iframe sandbox srcdoc=" in page
    assert "<script>" not in page
    assert (shown["message_id"], shown["recipients"]) == ("<1@acme.test>", ["anna@acme.test"])
    assert (shown["text"].strip(), "What shipped" in shown["html"]) == ("What shipped", True)


async def test_the_inbox_refuses_as_it_is_told_and_so_often(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(base_url=sandbox.urls["smtp"]) as client:
        reply = {"says": "550 5.1.1 unknown", "to": "anna", "count": 1}
        assert (await client.post("/sandbox/replies", json=reply)).status_code == 200
        assert (await client.post("/sandbox/replies", content=b"[1]")).status_code == 400
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await send(sandbox)
        await send(sandbox)
        assert (await client.get("/sandbox/replies")).json()["replies"][0]["used"] == 1
        assert (await client.delete("/sandbox/replies")).json() == {"replies": []}


async def test_the_inbox_knows_its_one_login(sandbox: Sandbox) -> None:
    with pytest.raises(smtplib.SMTPAuthenticationError):
        await send(sandbox, password="wrong")


@pytest.mark.parametrize(("secret", "age", "status"), [(SECRET, 0, 204), (SECRET, 301, 401), ("whsec_AAAA", 0, 401)])
async def test_the_sink_takes_what_is_signed_and_fresh(sandbox: Sandbox, secret: str, age: int, status: int) -> None:
    body, at = json.dumps({"type": "changelog.published"}), int(datetime.now(UTC).timestamp()) - age
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": signature}
    async with httpx.AsyncClient(base_url=sandbox.urls["webhook"]) as client:
        assert (await client.post("/hooks/one", content=body, headers=headers)).status_code == status
        events = (await client.get("/sandbox/events")).json()["events"]
        page = (await client.get("/")).text
    assert [event["id"] for event in events] == (["msg_1"] if status == 204 else [])
    assert ("changelog.published" in page) is (status == 204)
