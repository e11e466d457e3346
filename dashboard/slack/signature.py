"""Whether a request comes from Slack, was sent just now, and was not here before."""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import timedelta
from typing import Final

from slack_sdk.signature import SignatureVerifier

WINDOW: Final = timedelta(minutes=5)
"""So far a request's time may be from ours: docs.slack.dev/authentication/verifying-requests-from-slack."""
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SIGNATURE: Final = re.compile(r"v0=[0-9a-f]{64}")
_SEEN_AT_MOST: Final = 10_000


def is_from_slack(verifier: SignatureVerifier, body: bytes, timestamp: str, signature: str) -> bool:
    # What the verifier would raise at is refused before: it is anybody's text.
    if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
        return False
    try:
        return verifier.is_valid(body.decode(), timestamp, signature)
    except UnicodeDecodeError:
        return False


class SeenRequests:
    """By signature, as long as one would be taken. Of this process: what must hold for all of them, the workflow that
    is answered keeps itself (`Pressed`)."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()

    def is_new(self, signature: str, now: float) -> bool:
        """`now` is a monotonic clock's. A request may be from five minutes ahead, and is good for ten then."""
        while self._seen and next(iter(self._seen.values())) < now - 2 * WINDOW.total_seconds():
            self._seen.popitem(last=False)
        if signature in self._seen:
            return False
        self._seen[signature] = now
        while len(self._seen) > _SEEN_AT_MOST:
            self._seen.popitem(last=False)
        return True
