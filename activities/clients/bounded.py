"""Small documents from other people's web servers: read within bounds of time and size, one request a call."""

from datetime import timedelta
from typing import Final

import httpx

from devsync.runtime.breaker.calls import UNGATED, CallGate
from devsync.runtime.classification import MalformedAnswer

LARGEST_BYTES: Final = 2 * 2**20
"""A status page's summary has some 20 KB, a feed some 100 KB."""

_REDIRECTS: Final = 3


class WebReader:
    """Thread-safe. The time-outs bound each wait; what keeps trickling ends at LARGEST_BYTES."""

    def __init__(
        self, service: str, *, connect_timeout: timedelta, read_timeout: timedelta, gate: CallGate = UNGATED
    ) -> None:
        self._gate = gate
        self._service = service
        read = read_timeout.total_seconds()
        self._http = httpx.Client(
            timeout=httpx.Timeout(read, connect=connect_timeout.total_seconds()),
            follow_redirects=True,
            max_redirects=_REDIRECTS,
            headers={"User-Agent": "devsync-changelog"},
        )

    def read(self, url: str, accept: str) -> bytes:
        """The document. Raises what httpx raises, HTTPStatusError for an error's answer, and MalformedAnswer for one
        that is empty or too large."""
        content = b""
        with self._gate.call("GET"), self._http.stream("GET", url, headers={"Accept": accept}) as answer:
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > LARGEST_BYTES:
                    raise MalformedAnswer(self._service, f"GET {url}", f"more than {LARGEST_BYTES // 2**20} MB")
        if not content.strip():
            raise MalformedAnswer(self._service, f"GET {url}", "an empty body")
        return content

    def close(self) -> None:
        self._http.close()
