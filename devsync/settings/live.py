"""config/ as it is now, for who runs on while people edit it: the dashboard, and what a worker tells as metrics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from devsync.settings.configuration import Configuration, load_configuration
from devsync.settings.problems import ConfigError
from devsync.settings.team import TeamConfig

_log = logging.getLogger("devsync.settings")

_Stamp = frozenset[tuple[str, int, int]]


def zone_of(known: Mapping[str, TeamConfig], *teams: str) -> str:
    """In which zone a time is told that is about those teams: the one that they have in common, else UTC."""
    zones = {known[team].timezone if team in known else "UTC" for team in teams}
    return zones.pop() if len(zones) == 1 else "UTC"


class LiveConfiguration:
    """Read again when one of its files has changed. While one is wrong, what was read before holds.

    Reading 200 teams takes seconds, so that whoever asks meanwhile gets what was read before.
    """

    def __init__(self, configuration: Configuration) -> None:
        """It has just been read."""
        self._configuration = configuration
        self._seen: _Stamp = frozenset()
        self._seen = self._stamp()

    @property
    def directory(self) -> Path:
        return self._configuration.directory

    def zone_of(self, *teams: str) -> str:
        """As `zone_of` says it, by what was read last."""
        return zone_of(self._configuration.teams, *teams)

    @property
    def read_last(self) -> Configuration:
        """For who has it read before, as every page does."""
        return self._configuration

    async def now(self) -> Configuration:
        """Costs a look at the files, whose names, times and sizes are compared; they are opened where these differ."""
        stamp = await asyncio.to_thread(self._stamp)
        if stamp != self._seen:
            self._seen = stamp
            try:
                configuration = await asyncio.to_thread(load_configuration, self.directory)
                if stamp == self._seen:  # else a newer one has been read meanwhile, or is about to be
                    self._configuration = configuration
            except ConfigError as error:
                _log.error("%s", error)
        return self._configuration

    def _stamp(self) -> _Stamp:
        files = ((path, path.stat()) for path in self.directory.rglob("*.y*ml"))
        try:
            return frozenset((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in files)
        except OSError:  # one was taken away meanwhile: the next look sees it
            return self._seen
