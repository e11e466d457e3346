"""Whether mail could be sent: the server answers, encrypts where it must, and takes the password."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from activities.clients.mail import MailClient
from commands.doctor.findings import Finding
from devsync.contracts.names import EMAIL
from devsync.runtime.classification import classify
from devsync.settings.configuration import Configuration
from devsync.settings.environment import Environment
from devsync.settings.problems import ConfigError

CURE = "check SMTP_URL: host, port, user and password; smtps:// for TLS from the first byte, smtp:// for STARTTLS"


async def check_mail(environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    """No mail is sent. Whether a recipient is taken is known only when one is."""
    if not configuration.uses(EMAIL):
        return
    try:
        access, sender = environment.smtp(), environment.sender()
    except ConfigError as error:
        yield Finding("mail", False, "cannot be used", str(error))
        return
    settings = configuration.services.service(EMAIL)
    try:
        await MailClient(access, concurrency=1, read_timeout=settings.http_read).greet()
    except Exception as error:  # noqa: BLE001 (of several libraries; the one table knows them)
        yield Finding("mail", False, classify(error, EMAIL, datetime.now(UTC)).message, CURE)
        return
    login = f"logged in as {access.user}" if access.user else "no login is asked for"
    yield Finding("mail", True, f"{access.host}:{access.port} answers, {login}; mails come from {sender.address}")
