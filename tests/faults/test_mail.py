"""Mail servers that refuse, at each step of a delivery, met by smtplib on the wire."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from tests.faults.attempts import Failed, attempt
from tests.faults.matrix import MAIL

HANG_UP, SILENCE = "hang up", "silence"


class Server(NamedTuple):
    """What it says to each command; `text` is the end of the mail."""

    greeting: str = "220 ready"
    hello: str = "250-here\r\n250 AUTH PLAIN"
    auth: str = "235 welcome"
    mail: str = "250 ok"
    rcpt: str = "250 ok"
    data: str = "354 go on"
    text: str = "250 taken"


def send(port: int) -> None:
    with smtplib.SMTP("localhost", port, timeout=1) as client:
        client.login("anna", "secret")
        client.sendmail("devsync@acme.dev", ["team@acme.dev"], "Subject: week\r\n\r\ntext")


def send_encrypted(port: int) -> None:
    with smtplib.SMTP("localhost", port, timeout=1) as client:
        client.starttls()


CASES: dict[str, tuple[Server, Callable[[int], None]]] = {
    "421 at the door": (Server(greeting="421 closing"), send),
    "no greeting": (Server(greeting=HANG_UP), send),
    "535 to the login": (Server(auth="535 5.7.8 no"), send),
    "no STARTTLS": (Server(), send_encrypted),
    "550 to the sender": (Server(mail="550 who"), send),
    "450 4.7.1 to the recipient (greylisted)": (Server(rcpt="450 4.7.1 later"), send),
    "550 5.1.1 to the recipient": (Server(rcpt="550 5.1.1 team@acme.dev: unknown"), send),
    "451 to the text": (Server(text="451 later"), send),
    "552 5.3.4 to the text": (Server(text="552 5.3.4 too big"), send),
    "hangs up within the text": (Server(text=HANG_UP), send),
    "silent after the text": (Server(text=SILENCE), send),
}


@asynccontextmanager
async def served(server: Server) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said: str | None = server.greeting
        while said is not None and said != HANG_UP:
            if said != SILENCE:
                writer.write(f"{said}\r\n".encode())
                await writer.drain()
            line = (await reader.readline()).decode().split(maxsplit=1)
            word = line[0].lower() if line else ""
            if word == "data":
                writer.write(f"{server.data}\r\n".encode())
                await reader.readuntil(b"\r\n.\r\n")
                said = server.text
            else:
                replies = {"ehlo": server.hello, "auth": server.auth, "mail": server.mail, "rcpt": server.rcpt}
                replies["quit"] = "221 bye"
                said = replies.get(word, "250 ok") if word else None
        writer.close()

    listening = await asyncio.start_server(serve, "localhost", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def sent(name: str) -> Failed | None:
    server, deliver = CASES[name]
    async with served(server) as port:
        return await attempt("email.send", deliver, port)


async def test_a_server_that_takes_mail_is_no_failure() -> None:
    async with served(Server()) as port:
        assert await attempt("email.send", send, port) is None


@pytest.mark.parametrize("name", MAIL)
async def test_a_mail_server_that_refuses_is_understood(name: str) -> None:
    failed = await sent(name)
    assert failed is not None
    failure, expected = failed.failure, MAIL[name]
    found = (failure.category, failure.code, failure.severity, failure.is_retryable, failure.counts_for_breaker)
    assert found == expected[:5], failure
    assert "@acme.dev" not in failure.message
    assert failure.may_have_taken_effect is (
        name in {"no greeting", "hangs up within the text", "silent after the text"}
    )
