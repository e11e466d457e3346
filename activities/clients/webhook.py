"""Signed requests to other programs, as Standard Webhooks 1.0 describes them, to addresses that were checked."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import ssl
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from devsync.runtime.breaker.calls import UNGATED, CallGate
from devsync.runtime.failures.webhook import WebhookAnswered
from devsync.runtime.outgoing import guarded_client
from devsync.settings.problems import ConfigError

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = range(24, 65)


class WebhookClient:
    """At most `concurrency` requests at once in this process; no redirect is followed. Call `close` when done."""

    def __init__(
        self,
        *,
        private_hosts: Collection[str],
        concurrency: int,
        connect_timeout: timedelta,
        read_timeout: timedelta,
        verify: ssl.SSLContext | bool = True,
        gate: CallGate = UNGATED,
    ) -> None:
        self._gate = gate
        self._seconds = (connect_timeout + read_timeout).total_seconds()
        self._http = guarded_client(
            private_hosts, connect_timeout=connect_timeout, read_timeout=read_timeout, verify=verify
        )
        self._free = asyncio.Semaphore(concurrency)

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, url: str, body: bytes, *, message_id: str, at: datetime, secrets: Sequence[bytes]) -> None:
        """Returns where the receiver answered 2xx; its body is not read.

        Raises WebhookAnswered for any other answer, AddressForbidden, what httpx raises, and TimeoutError. `at` is the
        time of this attempt.
        """
        timestamp = str(int(at.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(sign(secret, message_id, timestamp, body) for secret in secrets),
        }
        async with (
            self._free,
            self._gate.call("POST"),
            asyncio.timeout(self._seconds),
            self._http.stream("POST", url, content=body, headers=headers) as answer,
        ):
            if not answer.is_success:
                raise WebhookAnswered(answer.status_code, answer.headers)


def sign(secret: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64."""
    digest = hmac.new(secret, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def secrets_of(variable: str) -> list[bytes]:
    """The signing secrets that the environment variable holds, between spaces: while one is replaced, both.

    Raises ConfigError with the cure; no secret stands in it.
    """
    written = os.environ.get(variable, "").split()
    if not written:
        raise ConfigError(
            [f"{variable} is not set: export the webhook's signing secret (whsec_…) where the worker runs"]
        )
    return [_secret(variable, one) for one in written]


def _secret(variable: str, written: str) -> bytes:
    try:
        secret = base64.b64decode(written.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        secret = b""
    if not written.startswith(_PREFIX) or len(secret) not in _SECRET_BYTES:
        form = f"{_PREFIX} and 24 to 64 bytes in base64, several between spaces"
        raise ConfigError([f"{variable} holds no signing secret: write {form}"])
    return secret
