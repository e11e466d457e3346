"""Issue search on JIRA Cloud, a page at a time, through the `jira` library with its retries and sleeps off."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jira import JIRA

from activities.clients.pool import ClientPool
from devsync.runtime.classification import MalformedAnswer
from devsync.settings.problems import ConfigError

PAGE_SIZE = 100
"""With fields asked for, Cloud gives at most 100 issues a page, whatever is asked."""


class SearchPage(NamedTuple):
    issues: list[dict[str, Any]]
    next_token: str | None


class JiraClient:
    """Asks the server once what it is and in which timezone our user's JQL dates are read."""

    def __init__(
        self,
        *,
        server: str,
        email: str,
        api_token: str,
        concurrency: int,
        connect_timeout: timedelta,
        read_timeout: timedelta,
    ) -> None:
        self.server = server.rstrip("/")

        def build() -> JIRA:
            client = JIRA(
                server=self.server,
                basic_auth=(email, api_token),
                options={"rest_api_version": "3"},
                max_retries=0,
                timeout=(connect_timeout.total_seconds(), read_timeout.total_seconds()),
                get_server_info=False,  # it would ask once a client
                logging=False,
            )
            # Asked for by id, our fields need no translation: an empty cache makes each client GET /field first.
            client._fields_cache_value = {"key": "key"}
            return client

        self._pool = ClientPool(build, concurrency)
        self._introduction = threading.Lock()
        self._timezone: ZoneInfo | None = None

    def user_timezone(self, while_waiting: Callable[[], None]) -> ZoneInfo:
        """The timezone of the API user: JQL reads dates in it, to the minute. Asked once a process.

        Raises ConfigError when the server is no JIRA Cloud.
        """
        with self._introduction:
            if self._timezone is None:
                with self._pool.lend(while_waiting) as client:
                    self._require_cloud(client.server_info())
                    name = str(client.myself().get("timeZone", ""))
                try:
                    self._timezone = ZoneInfo(name)
                except (ZoneInfoNotFoundError, ValueError):
                    raise MalformedAnswer("jira", "GET /myself", f"the unknown timezone {name!r}") from None
            return self._timezone

    def search_page(
        self, jql: str, fields: list[str], token: str | None, while_waiting: Callable[[], None]
    ) -> SearchPage:
        """One page of `GET /rest/api/3/search/jql`; `token` is the one that the page before gave."""
        with self._pool.lend(while_waiting) as client:
            # The library answers None, without an exception, where it does not know that it talks to Cloud.
            client.deploymentType = "Cloud"
            body = client.enhanced_search_issues(
                jql, nextPageToken=token, maxResults=PAGE_SIZE, fields=list(fields), json_result=True
            )
        if not isinstance(body, dict) or not isinstance(body.get("issues"), list):
            raise MalformedAnswer("jira", "a search", "something that is no page of issues")
        next_token = body.get("nextPageToken")
        if next_token is not None and next_token == token:
            raise MalformedAnswer("jira", "a search", "the same page token again")
        return SearchPage(issues=body["issues"], next_token=next_token)

    def _require_cloud(self, server_info: dict[str, Any]) -> None:
        deployment = server_info.get("deploymentType") if isinstance(server_info, dict) else None
        if deployment != "Cloud":
            raise ConfigError(
                [
                    f"JIRA_URL {self.server} is no JIRA Cloud (deploymentType {deployment!r}); "
                    "this version speaks Cloud only"
                ]
            )
