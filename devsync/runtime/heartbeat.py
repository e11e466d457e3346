"""Who watches the watcher: an address of others is called at each look, and they notice when no call comes."""

from collections.abc import Collection
from datetime import timedelta

import httpx

from devsync.runtime.failures.outgoing import AddressForbidden
from devsync.runtime.outgoing import guarded_client

_CONNECT = timedelta(seconds=3)
_READ = timedelta(seconds=5)


class Heartbeat:
    """Call `close` when done."""

    def __init__(self, url: str | None, private_hosts: Collection[str]) -> None:
        self._url = url
        self._http = guarded_client(private_hosts, connect_timeout=_CONNECT, read_timeout=_READ)

    async def send(self) -> str:
        """What went wrong, in a sentence without the address, which is a secret; empty where nothing did."""
        if self._url is None:
            return ""
        try:
            async with self._http.stream("GET", self._url) as answer:
                return "" if answer.is_success else f"HEARTBEAT_URL answered {answer.status_code}"
        except AddressForbidden:
            return "HEARTBEAT_URL leads into our own network; name its host in OUTGOING_PRIVATE_HOSTS if it may"
        except httpx.HTTPError as error:
            return f"HEARTBEAT_URL cannot be called ({type(error).__name__})"

    async def close(self) -> None:
        await self._http.aclose()
