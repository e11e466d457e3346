"""Team calendars over HTTP, one conditional request a call, from addresses that were checked."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import httpx

from devsync.runtime.breaker.calls import UNGATED, CallGate
from devsync.runtime.classification import MalformedAnswer
from devsync.runtime.outgoing import Resolve, guarded_client, resolve

MOST_BYTES: Final = 5_000_000
"""A team's calendar of ten years has less; what is larger was not meant for us, or was made to hurt."""

MOST_SECONDS: Final = 20.0
"""For a whole answer: a server may also send a byte now and then."""

MOST_REDIRECTS: Final = 3
"""Calendars move to https, and to other hosts; each address on the way is checked."""


@dataclass(frozen=True)
class CalendarAnswer:
    """`content` is None where nothing has changed since the named copy."""

    content: bytes | None
    etag: str
    last_modified: str


class CalendarClient:
    """At most `concurrency` calls at once in this process. Close it."""

    def __init__(
        self,
        *,
        private_hosts: Collection[str],
        concurrency: int,
        connect_timeout: timedelta,
        read_timeout: timedelta,
        resolver: Resolve = resolve,
        gate: CallGate = UNGATED,
    ) -> None:
        self._gate = gate
        self._slots = asyncio.Semaphore(concurrency)
        self._http = guarded_client(
            private_hosts, connect_timeout=connect_timeout, read_timeout=read_timeout, resolver=resolver
        )
        self._http.follow_redirects = True
        self._http.max_redirects = MOST_REDIRECTS

    async def read(self, address: str, *, etag: str = "", last_modified: str = "") -> CalendarAnswer:
        """The calendar, or that it still is what `etag` or `last_modified` name.

        Raises AddressForbidden, MalformedAnswer, what httpx raises, and TimeoutError for an answer without end. No
        message of these holds the address.
        """
        named = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {"Accept": "text/calendar", **{name: value for name, value in named.items() if value}}
        async with (
            self._slots,
            self._gate.call("GET"),
            asyncio.timeout(MOST_SECONDS),
            self._http.stream("GET", address, headers=headers) as response,
        ):
            return await _answer(response, is_conditional=bool(etag or last_modified))

    async def close(self) -> None:
        await self._http.aclose()


async def _answer(response: httpx.Response, *, is_conditional: bool) -> CalendarAnswer:
    etag, last_modified = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    if response.status_code == 304:
        if not is_conditional:
            raise MalformedAnswer("calendar", "a request", "304 Not Modified, though no copy was named")
        return CalendarAnswer(None, etag, last_modified)
    if response.status_code >= 400:
        raise httpx.HTTPStatusError("the calendar refused", request=response.request, response=response)
    if response.status_code != 200:
        raise MalformedAnswer("calendar", "a request", f"status {response.status_code} and no calendar")
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > MOST_BYTES:
            raise MalformedAnswer("calendar", "a request", f"more than {MOST_BYTES // 1_000_000} MB")
    return CalendarAnswer(bytes(content), etag, last_modified)
