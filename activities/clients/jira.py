"""Issue search on JIRA Cloud and Data Center, a page at a time, in the same words for both."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from activities.clients.beats import Beat, alone
from activities.clients.jira_library import JiraLibrary
from activities.clients.jira_pages import Json, Read, SearchPage, T, cloud_page, data_center_page
from activities.clients.pool import ClientPool
from devsync.runtime.breaker.calls import UNGATED, CallGate
from devsync.runtime.classification import MalformedAnswer
from devsync.runtime.jira_identity import wrong_kind
from devsync.settings.problems import ConfigError

PROOF_LIFETIME = timedelta(minutes=1)
"""How long we believe that our credentials are good: a token that has expired finds no issues, and no error."""

EPIC_LINK_TYPE = "com.pyxis.greenhopper.jira:gh-epic-link"


class _Introduction(NamedTuple):
    """What the server said of itself and of us."""

    timezone: ZoneInfo | None
    epic_link: str | None
    proven_at: float


class JiraClient:
    """`email` and its API token mean Cloud, a personal access token without an `email` means Data Center."""

    def __init__(
        self,
        *,
        server: str,
        email: str | None,
        token: str,
        concurrency: int,
        connect_timeout: timedelta,
        read_timeout: timedelta,
        gate: CallGate = UNGATED,
    ) -> None:
        self.server = server.rstrip("/")
        self.concurrency = concurrency
        """Calls at once in this process."""
        self._is_cloud = email is not None

        def build() -> JiraLibrary:
            return JiraLibrary(
                server=self.server,
                email=email,
                token=token,
                connect_timeout=connect_timeout,
                read_timeout=read_timeout,
            )

        self._pool = ClientPool(build, concurrency, gate)
        self._lock = threading.Lock()
        self._introduction: _Introduction | None = None

    def user_timezone(self, beat: Beat) -> ZoneInfo | None:
        """The timezone of the API user, in which JQL reads dates; None where JIRA names none that is known here.

        Asked again every PROOF_LIFETIME, which proves the credentials too. Raises ConfigError when the server is of
        the other kind than the credentials, CredentialsRefused when it does not know us.
        """
        return self._introduce(beat).timezone

    def search_page(self, jql: str, fields: list[str], position: str, beat: Beat, read: Read[T]) -> SearchPage[T]:
        """One page, from its beginning or where the page before said; `read` makes of its issues what is wanted.

        Raises ListMoved (Data Center), and what `read` raises.
        """
        epic_link = None if self._is_cloud else self._introduce(beat).epic_link
        with self._pool.lend(beat) as (library, gate):
            if self._is_cloud:
                return cloud_page(library, gate, jql, fields, position, read)
            return data_center_page(library, gate, jql, fields, position, read, epic_link)

    def agile(self, path: str, parameters: dict[str, str], beat: Beat, read: Callable[[Json], T]) -> T:
        """What `read` makes of one answer of the agile API, such as `board/42/sprint`. Raises what `read` raises."""
        with self._pool.lend(beat) as (library, gate), gate.call("GET agile"):
            body = library.agile(path, parameters)
            if not isinstance(body, dict):
                raise MalformedAnswer("jira", "GET agile", "something that is no object")
            return read(body)

    def _introduce(self, beat: Beat) -> _Introduction:
        with alone(self._lock, beat):
            known = self._introduction
            if known is not None and time.monotonic() - known.proven_at < PROOF_LIFETIME.total_seconds():
                return known
            with self._pool.lend(beat) as (library, gate):
                epic_link = known.epic_link if known is not None else self._greet(library, gate)
                with gate.call("GET myself"):
                    timezone = _timezone(library.myself())
            self._introduction = _Introduction(timezone, epic_link, time.monotonic())
            return self._introduction

    def _greet(self, library: JiraLibrary, gate: CallGate) -> str | None:
        """Once a process: is it the JIRA that we have credentials for, and which field of it links to epics?"""
        with gate.call("GET serverInfo"):
            info = library.server_info()
            deployment = info.get("deploymentType") if isinstance(info, dict) else None
            if not deployment:
                raise MalformedAnswer("jira", "GET serverInfo", "no deploymentType")
        if problem := wrong_kind(self.server, deployment, wants_cloud=self._is_cloud):
            raise ConfigError([problem])
        if self._is_cloud:
            return None
        with gate.call("GET field"):
            return _epic_link(library.fields())


def _timezone(me: object) -> ZoneInfo | None:
    if not isinstance(me, dict):
        raise MalformedAnswer("jira", "GET myself", "no person")
    try:
        return ZoneInfo(str(me.get("timeZone") or ""))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _epic_link(fields: object) -> str | None:
    """The number of this custom field is each instance's own; without Jira Software there is none."""
    if not isinstance(fields, list):
        raise MalformedAnswer("jira", "GET field", "no list")
    for field in fields:
        if isinstance(field, dict) and (field.get("schema") or {}).get("custom") == EPIC_LINK_TYPE:
            return str(field["id"])
    return None
