"""Signed requests to other programs, as Standard Webhooks 1.0 describes them, to public addresses alone.

The address that was checked is the one that is connected to: a name that resolves to another one a moment later
(DNS rebinding) changes nothing. No redirect is followed, and no proxy asked, which would look the name up itself.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import ipaddress
import os
import socket
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import httpx

from devsync.runtime.failures.webhook import ForbiddenAddress, WebhookAnswered
from devsync.settings.problems import ConfigError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = range(24, 65)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class WebhookClient:
    """Call `close` when done.

    `allowed` are hosts, addresses and networks on the inside that may be sent to all the same.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        connect_timeout: timedelta,
        read_timeout: timedelta,
        allowed: Sequence[str] = (),
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        connect, read = connect_timeout.total_seconds(), read_timeout.total_seconds()
        self._seconds = connect + read
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(read, connect=connect),
            follow_redirects=False,
            trust_env=False,
            verify=verify,
            # None is used twice: to its pool one address is one host, whose certificate was checked for another name.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self._free = asyncio.Semaphore(concurrency)
        self._hosts = {one.casefold() for one in allowed}
        self._networks = [network for one in allowed if (network := _network(one)) is not None]

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, url: str, body: bytes, *, message_id: str, at: datetime, secrets: Sequence[bytes]) -> None:
        """Returns where the receiver answered 2xx; its body is not read.

        Raises WebhookAnswered for any other answer, ForbiddenAddress, what httpx raises, and TimeoutError. `at` is the
        time of this attempt.
        """
        address = httpx.URL(url)
        async with self._free, asyncio.timeout(self._seconds):
            checked = await self._checked(address)
            timestamp = str(int(at.timestamp()))
            request = self._client.build_request(
                "POST",
                address.copy_with(host=str(checked)),
                content=body,
                headers={
                    "Host": address.netloc.decode("ascii"),
                    "Content-Type": "application/json",
                    "User-Agent": "DevSync-Changelog",
                    "webhook-id": message_id,
                    "webhook-timestamp": timestamp,
                    "webhook-signature": " ".join(sign(secret, message_id, timestamp, body) for secret in secrets),
                },
                # TLS is with the host that was asked for, not with its address.
                extensions={"sni_hostname": address.raw_host.decode("ascii")},
            )
            answer = await self._client.send(request, stream=True)
            await answer.aclose()
        if not answer.is_success:
            raise WebhookAnswered(answer.status_code, answer.headers)

    async def _checked(self, url: httpx.URL) -> Address:
        """The first of the host's addresses, once all of them are fit to be sent to."""
        host = url.host
        port = url.port or (443 if url.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(str(place[4][0]).partition("%")[0]) for place in found]
        if host.casefold() not in self._hosts:
            for address in addresses:
                if not is_public(address) and not any(address in network for network in self._networks):
                    raise ForbiddenAddress(host, str(address))
        return addresses[0]


def is_public(address: Address) -> bool:
    """Whether it is on the public internet: not private, loopback, link-local, multicast or reserved.

    An IPv6 address that carries an IPv4 one is as public as that one.
    """
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if carried is not None:
            return is_public(carried)
    return address.is_global and not address.is_multicast


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


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None
