"""What the endpoint needs, made once at the start. There is none without a signing secret."""

from __future__ import annotations

from dataclasses import dataclass, field

from slack_sdk.signature import SignatureVerifier

from dashboard.slack.forms import Forms
from dashboard.slack.replies import Replies
from dashboard.slack.signature import SeenRequests


@dataclass(frozen=True)
class SlackDoor:
    """Close `replies` when done."""

    verifier: SignatureVerifier
    replies: Replies
    forms: Forms | None = None
    """None: no token of the bot is known, and no form can be opened."""
    seen: SeenRequests = field(default_factory=SeenRequests)
