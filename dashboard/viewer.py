"""Who looks: what they may see and do."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from devsync.settings.dashboard import EVERY_TEAM, DashboardSettings, Grant, Person, Role, token_digest


@dataclass(frozen=True)
class Viewer:
    """Somebody who is signed in, or anybody on this machine where it is open."""

    name: str
    sees: frozenset[str]
    """Teams; EVERY_TEAM among them is all."""
    operates: frozenset[str]

    def may_see(self, team: str) -> bool:
        """What belongs to no team (the empty name) only those who see every team may see."""
        return team in self.sees or EVERY_TEAM in self.sees

    def may_operate(self, team: str) -> bool:
        return team in self.operates or EVERY_TEAM in self.operates

    @property
    def sees_every_team(self) -> bool:
        return EVERY_TEAM in self.sees

    @property
    def operates_every_team(self) -> bool:
        return EVERY_TEAM in self.operates

    def asked_for(self, team: str) -> list[str] | None:
        """Whose things a list shows: those of one team, of all that this person may see, or everybody's (None)."""
        if team:
            return self.seen_of([team])
        return None if self.sees_every_team else sorted(self.sees)

    def may_operate_one_of(self, teams: Iterable[str]) -> bool:
        """Whoever may operate one of those that wait for an answer may give it."""
        return self.operates_every_team or any(map(self.may_operate, teams))

    def seen_of(self, teams: Iterable[str]) -> list[str]:
        """Those of them that this person may see."""
        return [team for team in teams if self.may_see(team)]


ANYBODY = Viewer("local", frozenset({EVERY_TEAM}), frozenset({EVERY_TEAM}))
"""Where the dashboard is open."""


def viewer_of(settings: DashboardSettings, name: str, groups: Collection[str] = ()) -> Viewer | None:
    """What the settings say today of somebody who has signed in; None: nothing any more."""
    grants: list[Grant] = [person for person in settings.people if person.name == name]
    grants += [group for group in settings.groups if group.group in groups]
    if not grants:
        return None
    sees = frozenset(team for grant in grants for team in grant.teams)
    operates = frozenset(team for grant in grants if grant.role is Role.OPERATE for team in grant.teams)
    return Viewer(name, sees, operates)


def person_with_token(settings: DashboardSettings, token: str) -> Person | None:
    """Compared without telling by its time how much of it was right."""
    digest = token_digest(token)
    found = None
    for person in settings.people:
        if person.token_sha256 and hmac.compare_digest(person.token_sha256, digest):
            found = person
    return found
