"""What the environment says of mail: the server, who writes, how a reader gets rid of it."""

from __future__ import annotations

import re
from email.utils import getaddresses, parseaddr
from typing import Annotated, Final, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import AfterValidator, SecretStr

from devsync.settings.problems import ConfigError

SMTP_CURE: Final = (
    "export the mail server, as smtp://user:password@mail.acme.dev:587, or smtps:// for TLS from the first byte"
)


class SmtpAccess(NamedTuple):
    """A mail server. `is_tls`: from the first byte; `must_start_tls`: encrypted, or nothing is sent."""

    host: str
    port: int
    user: str
    password: SecretStr
    is_tls: bool
    must_start_tls: bool


class Sender(NamedTuple):
    """Who mails come from, and where a reader unsubscribes; empty: by a mail to the sender."""

    name: str
    address: str
    unsubscribe: str


def _sender(text: str) -> str:
    _, address = parseaddr(text)
    if (
        len(getaddresses([text])) != 1
        or not re.fullmatch(r"[^\s@<>,;:]+@[A-Za-z0-9.-]+", address)
        or not text.isprintable()
    ):
        raise ValueError("must be one mail address, as changelog@acme.dev or Changelog <changelog@acme.dev>")
    return text


SenderAddress = Annotated[str, AfterValidator(_sender)]


def _unsubscribing(address: str) -> str:
    if not re.fullmatch(r"(?:https://|mailto:)[!-;=?-~]+", address):
        raise ValueError("must be an address with https:// (one click) or mailto:")
    return address


UnsubscribeAddress = Annotated[str, AfterValidator(_unsubscribing)]


def sender_of(mail_from: str, unsubscribe: str) -> Sender:
    """Of a `SenderAddress`."""
    name, address = parseaddr(mail_from)
    return Sender(name, address, unsubscribe)


def smtp_access(url: str) -> SmtpAccess:
    """What SMTP_URL says. Raises ConfigError; the address is not quoted, since it holds a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    options = parse_qs(parts.query)
    unknown = options.keys() - {"starttls"} or options.get("starttls", ["required"]) != ["required"]
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or unknown or parts.path not in {"", "/"}:
        raise ConfigError([f"SMTP_URL cannot be used: {SMTP_CURE}; its only option is ?starttls=required"])
    is_tls = parts.scheme == "smtps"
    return SmtpAccess(
        host=parts.hostname,
        port=port or (465 if is_tls else 587),
        user=unquote(parts.username or ""),
        password=SecretStr(unquote(parts.password or "")),
        is_tls=is_tls,
        must_start_tls="starttls" in options,
    )
