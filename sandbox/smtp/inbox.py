"""What has arrived, and which replies are due to whom."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final

from aiohttp import web

DROPPED: Final = "drop"
"""Instead of a reply: the connection is cut."""


@dataclass(slots=True)
class Reply:
    """What the server says instead of taking something. `to` is a regular expression searched for in the recipient."""

    command: str = "RCPT"
    """`RCPT`: to one recipient. `DATA`: to the text, once it is stored. `CONNECT`: to the greeting's EHLO."""
    says: str = "550 5.1.1 no such user"
    """The reply, or `drop`: the mail is stored, and the connection cut before the sender hears of it."""
    to: str = ""
    count: int = 0
    """How many times; 0 for always."""
    seconds: float = 0.0
    """How late."""
    used: int = 0

    def fits(self, command: str, recipient: str) -> bool:
        is_left = not self.count or self.used < self.count
        return is_left and self.command == command and re.search(self.to, recipient) is not None


@dataclass(frozen=True, slots=True)
class Mail:
    """One that was taken: what the envelope says, and the bytes."""

    number: int
    sender: str
    recipients: list[str]
    content: bytes
    received_at: datetime
    is_encrypted: bool = False

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)

    def body(self, kind: str) -> str:
        """The part `plain` or `html`, empty where there is none."""
        part = self.message.get_body((kind,))
        return "" if part is None else str(part.get_content())

    def as_json(self) -> dict[str, object]:
        message = self.message
        return {
            "number": self.number,
            "sender": self.sender,
            "recipients": self.recipients,
            "received_at": self.received_at.isoformat(),
            "headers": {name: str(value) for name, value in message.items()},
            "message_id": str(message["Message-ID"]),
            "subject": str(message["Subject"]),
            "text": self.body("plain"),
            "html": self.body("html"),
        }


@dataclass(slots=True)
class Inbox:
    mails: list[Mail] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    transactions: int = 0
    """MAIL commands so far."""

    def reply(self, command: str, recipient: str = "") -> Reply | None:
        """The first one that is due; it counts as used."""
        for reply in self.replies:
            if reply.fits(command, recipient):
                reply.used += 1
                return reply
        return None

    def of(self, recipient: str) -> list[Mail]:
        """What that address has got."""
        return [mail for mail in self.mails if recipient in mail.recipients]


INBOX: Final = web.AppKey("inbox", Inbox)
