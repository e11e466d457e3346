"""Mail through one SMTP server with aiosmtplib: a connection a transaction, per-recipient answers.

A transaction passes the breaker's gate once, from the greeting to the answer to the text.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import aiosmtplib
from aiosmtplib import SMTPRecipientRefused

from devsync.runtime.breaker.calls import UNGATED, CallGate
from devsync.settings.mail_server import SmtpAccess

Refusals = dict[str, SMTPRecipientRefused]
"""By recipient: what the server said of those who do not get the mail."""


class MailClient:
    """Methods raise what aiosmtplib raises, and CircuitOpen or ServicePaused where the gate lets no call through."""

    def __init__(
        self, access: SmtpAccess, *, concurrency: int, read_timeout: timedelta, gate: CallGate = UNGATED
    ) -> None:
        self._access = access
        self._timeout = read_timeout.total_seconds()
        self._free = asyncio.Semaphore(concurrency)
        self._gate = gate

    async def send(self, recipients: Sequence[str], mail: bytes, *, sender: str) -> Refusals:
        """Sends one mail to all of them. A recipient not in the answer has it; an exception is about all of them.

        A time-out or a broken connection may have come after the server had taken the mail.
        """
        try:
            async with self._free, self._gate.call("transaction"):
                return await self._transaction(recipients, mail, sender)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            return {one.recipient: one for one in refused.recipients}

    async def greet(self) -> None:
        """Connects, encrypts and logs in as for a mail, and sends none."""
        server = self._server()
        try:
            await _connected(server)
            await server.quit()
        finally:
            server.close()

    async def _transaction(self, recipients: Sequence[str], mail: bytes, sender: str) -> Refusals:
        server = self._server()
        try:
            await _connected(server)
            is_ascii = all(address.isascii() for address in (sender, *recipients))
            refused, _ = await server.sendmail(
                sender, list(recipients), mail, mail_options=[] if is_ascii else ["SMTPUTF8"]
            )
            with suppress(aiosmtplib.SMTPException, OSError):
                await server.quit()  # the mail is with the server, whatever comes of this
        finally:
            server.close()
        return {
            address: SMTPRecipientRefused(answer.code, answer.message, address) for address, answer in refused.items()
        }

    def _server(self) -> aiosmtplib.SMTP:
        access = self._access
        return aiosmtplib.SMTP(
            hostname=access.host,
            port=access.port,
            username=access.user or None,
            password=access.password.get_secret_value() or None,
            use_tls=access.is_tls,
            # None: encrypted where the server offers it.
            start_tls=False if access.is_tls else (True if access.must_start_tls else None),
            timeout=self._timeout,
        )


async def _connected(server: aiosmtplib.SMTP) -> None:
    """Greets, encrypts, logs in."""
    try:
        await server.connect()
    except aiosmtplib.SMTPException as error:
        if type(error) is aiosmtplib.SMTPException:
            # Of a server that lacks STARTTLS where it is required: the library has no type of its own for it.
            raise aiosmtplib.SMTPNotSupported(error.message) from error
        raise
