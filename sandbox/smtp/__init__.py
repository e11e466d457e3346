"""A mail server: SMTP on a port of its own, the inbox as a page and as JSON, replies that go wrong as told."""

from sandbox.service import Credentials
from sandbox.smtp.app import build_app
from sandbox.smtp.inbox import INBOX, Inbox, Mail, Reply
from sandbox.world import World

__all__ = ["INBOX", "Inbox", "Mail", "Reply", "build_app", "variables"]


def variables(_url: str, _world: World, _credentials: Credentials) -> dict[str, str]:
    """SMTP_URL names a port that only the built application knows: it stands in `app[VARIABLES]`."""
    return {"MAIL_FROM": "DevSync Changelog <changelog@sandbox.test>"}
