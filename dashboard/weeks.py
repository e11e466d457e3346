"""Which week the overview is about: of each team the last one that has ended where the team is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from devsync.domain.changelog.window import last_week_ended_by
from devsync.settings.team import TeamConfig


@dataclass(frozen=True)
class Weeks:
    """One for all, but at the turn of the week: it comes to Auckland half a day before it comes to Berlin."""

    of_others: str
    """Of teams without a file: UTC's."""
    by_team: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, now: datetime, teams: Mapping[str, TeamConfig]) -> Weeks:
        zones = {known.timezone for known in teams.values()}
        by_zone = {zone: last_week_ended_by(now, zone) for zone in {"UTC", *zones}}
        return cls(by_zone["UTC"], {team: by_zone[known.timezone] for team, known in teams.items()})

    def of(self, team: str) -> str:
        return self.by_team.get(team, self.of_others)

    def are_of(self, team: str, iso_week: str) -> bool:
        return self.of(team) == iso_week

    def among(self, teams: Iterable[str]) -> tuple[str, ...]:
        """Those that any of these teams has, in their order: one or two. Where there are no teams, UTC's."""
        return tuple(sorted({self.of(team) for team in teams})) or (self.of_others,)

    @property
    def all(self) -> tuple[str, ...]:
        return tuple(sorted({self.of_others, *self.by_team.values()}))
