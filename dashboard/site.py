"""What the pages stand on: made once at the start, and handed to every route as `request.app.state.site`."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from temporalio.client import Client

from dashboard.attempts import Attempts
from dashboard.feed_addresses import FeedAddresses
from dashboard.openid import OpenId
from dashboard.picture import Watch
from dashboard.run_watch import RunWatch
from dashboard.sessions import Sessions
from dashboard.slack.door import SlackDoor
from devsync.runtime.payload_codec import SealedPayloads
from devsync.settings.dashboard import DashboardSettings, read_dashboard
from devsync.settings.live import LiveConfiguration
from devsync.settings.problems import ConfigError
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database

_log = logging.getLogger("devsync.dashboard")


class LiveSettings:
    """config/dashboard.yaml, read again when it has changed: who loses a right loses it with the next request."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError."""
        self._path = path
        self._seen = self._stamp()
        self._settings = read_dashboard(path).model if path.exists() else DashboardSettings()

    def now(self) -> DashboardSettings:
        """A file that is wrong changes nothing, and is told in the log."""
        if (stamp := self._stamp()) != self._seen:
            self._seen = stamp
            try:
                self._settings = read_dashboard(self._path).model
            except ConfigError as error:
                _log.error("%s", error)
        return self._settings

    def _stamp(self) -> tuple[int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size


@dataclass(frozen=True)
class Site:
    database: Database
    artifacts: ArtifactStore
    temporal: Client
    watch: Watch
    configuration: LiveConfiguration
    live_settings: LiveSettings
    sessions: Sessions
    web_ui: str
    """Temporal's Web UI, without a slash at its end; empty where none is known."""
    namespace: str
    base: str = "http://localhost:8300"
    """How people reach us, without a slash at its end."""
    openid: OpenId | None = None
    """None: no provider is set, people sign in by tokens."""
    codec: SealedPayloads | None = None
    """None: nothing is sealed."""
    feeds: FeedAddresses = field(default_factory=FeedAddresses)
    attempts: Attempts = field(default_factory=Attempts)
    slack: SlackDoor | None = None
    """None: nobody hears what is pressed in Slack."""
    verifying: dict[str, str] = field(default_factory=dict)
    """Who verifies the audit of which team just now."""

    @cached_property
    def runs(self) -> RunWatch:
        return RunWatch(self.database, self.temporal, self.configuration)

    @property
    def settings(self) -> DashboardSettings:
        return self.live_settings.now()

    def run_url(self, workflow_id: str, run_id: str) -> str:
        """A run in the Web UI, without its id the newest one; empty where no Web UI is known."""
        if not self.web_ui:
            return ""
        return f"{self.web_ui}/namespaces/{self.namespace}/workflows/{quote(workflow_id, safe='')}/{run_id}".rstrip("/")


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


CurrentSite = Annotated[Site, Depends(_site)]
