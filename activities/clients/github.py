"""Lists of the GitHub REST API, a page at a time, through PyGithub's requester.

PyGithub's own retries, sleeps and throttles are off: Temporal owns every retry. Its lazy objects are not used,
since reading a missing field of theirs makes a call.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from github import Auth, Github

from activities.clients.pool import ClientPool
from devsync.runtime.classification import MalformedAnswer

PAGE_SIZE = 100
"""The largest page that GitHub's lists give."""

_NEXT = re.compile(r'<[^>]+>;\s*rel="next"')


class Page(NamedTuple):
    entries: list[dict[str, Any]]
    has_next: bool


class GitHubClient:
    """`read_timeout` bounds each wait for bytes: threads cannot be interrupted, so it also bounds a shutdown."""

    def __init__(self, *, base_url: str, token: str, concurrency: int, read_timeout: timedelta) -> None:
        def build() -> Github:
            return Github(
                base_url=base_url.rstrip("/"),
                auth=Auth.Token(token),
                timeout=max(1, int(read_timeout.total_seconds())),
                retry=None,
                seconds_between_requests=None,
                seconds_between_writes=None,
                per_page=PAGE_SIZE,
                user_agent="devsync-changelog",
            )

        self._pool = ClientPool(build, concurrency)

    def list_page(self, path: str, parameters: dict[str, str], page: int, while_waiting: Callable[[], None]) -> Page:
        """One page (from 1) of a list such as `/repos/acme/api/pulls`.

        Raises what PyGithub and requests raise, and MalformedAnswer for a success that is no list: PyGithub takes
        an empty 200 for zero results.
        """
        asked = {**parameters, "per_page": str(PAGE_SIZE), "page": str(page)}
        with self._pool.lend(while_waiting) as client:
            headers, body = client.requester.requestJsonAndCheck("GET", path, parameters=asked)
        if not isinstance(body, list) or not all(isinstance(entry, dict) for entry in body):
            raise MalformedAnswer("github", f"GET {path}", "something that is no list")
        return Page(entries=body, has_next=bool(_NEXT.search(str(headers.get("link", "")))))
