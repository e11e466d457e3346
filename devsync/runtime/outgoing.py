"""Calls to addresses that team files name: calendars, webhooks. None may lead into our own network unasked (SSRF).

Who may write a team file may make the worker send requests. So a name is resolved here, every address behind it must
be a public one, and the connection goes to the very address that was checked: a name that answers otherwise a moment
later leads nowhere else (DNS rebinding). A redirect is one more request, checked like the first. No proxy of the
environment is used: it would look the name up itself, behind the check. What of one's own network may be called all
the same is named by the operator: OUTGOING_PRIVATE_HOSTS.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import httpx

from devsync.runtime.failures.outgoing import AddressForbidden

IpAddress = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Collection[str]]]
"""The addresses behind a name, as text. Raises OSError where there are none."""

_NAT64: Final = IPv6Network("64:ff9b::/96")

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses, and those of calendars are secrets


async def resolve(host: str, port: int) -> Collection[str]:
    """Asks the machine's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: IpAddress) -> bool:
    """Whether it is reachable for everybody, also behind the forms in which IPv6 carries IPv4."""
    if isinstance(address, IPv6Address):
        # A scope ("fe80::1%eth0") belongs to link-local addresses alone; Teredo leads through somebody's relay.
        if address.scope_id is not None or address.teredo is not None:
            return False
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def allowed_addresses(host: str, addresses: Collection[str], private_hosts: Collection[str]) -> tuple[str, ...]:
    """Those that may be called, in their order. Raises AddressForbidden where one of them may not.

    `private_hosts` holds names, addresses and networks: a name allows all of its addresses, wherever they are.
    """
    if host.casefold().rstrip(".") not in {name.casefold() for name in private_hosts}:
        networks = [network for written in private_hosts if (network := _network(written)) is not None]
        for text in addresses:
            address = ip_address(text)
            if not is_public(address) and not any(address in network for network in networks):
                raise AddressForbidden(host, text)
    return tuple(addresses)


def _network(written: str) -> IPv4Network | IPv6Network | None:
    """The network of an address is the address alone; a name has none."""
    try:
        return ip_network(written)
    except ValueError:
        return None


class GuardedTransport(httpx.AsyncBaseTransport):
    """Calls an address only after it was checked. Raises AddressForbidden, and what httpx raises."""

    def __init__(
        self, private_hosts: Collection[str], inner: httpx.AsyncBaseTransport, resolver: Resolve = resolve
    ) -> None:
        self._private_hosts = private_hosts
        self._inner = inner
        self._resolver = resolver

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        host = url.raw_host.decode("ascii")  # as DNS and certificates write it, whatever its script
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = await self._resolver(host, port)
        except OSError as error:
            raise httpx.ConnectError(f"{host} has no address", request=request) from error
        failed: httpx.ConnectError | None = None
        for address in allowed_addresses(host, addresses, self._private_hosts):
            # `Host` and the certificate's name stay those of the name; only the connection goes to the number.
            request.url = url.copy_with(host=address)
            request.extensions = {**request.extensions, "sni_hostname": host}
            try:
                return await self._inner.handle_async_request(request)
            except httpx.ConnectError as error:
                failed = error
            finally:
                request.url = url
        raise failed or httpx.ConnectError(f"{host} has no address", request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def guarded_client(
    private_hosts: Collection[str],
    *,
    connect_timeout: timedelta,
    read_timeout: timedelta,
    resolver: Resolve = resolve,
    verify: ssl.SSLContext | bool = True,
) -> httpx.AsyncClient:
    """A client for addresses of team files; it follows no redirect. Close it."""
    # None is used twice: to its pool one address is one host, whose certificate was checked for another name.
    never_kept = httpx.Limits(max_keepalive_connections=0)
    inner = httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=never_kept)
    return httpx.AsyncClient(
        transport=GuardedTransport(private_hosts, inner, resolver),
        timeout=httpx.Timeout(read_timeout.total_seconds(), connect=connect_timeout.total_seconds()),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": "devsync-changelog"},
    )
