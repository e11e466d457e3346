"""Standard Webhooks' signature, as a receiver checks it: written from the specification alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

TOLERANCE_SECONDS = 300


def is_signed(headers: Mapping[str, str], body: bytes, secrets: list[str], now: datetime) -> bool:
    """Whether one of the signatures is by one of the secrets, over this id, time and body, and fresh."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isdigit() or abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    given = [one.partition(",") for one in headers.get("webhook-signature", "").split(" ")]
    return any(
        version == "v1" and hmac.compare_digest(value, _signature(secret, content))
        for version, _, value in given
        for secret in secrets
    )


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
