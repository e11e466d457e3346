"""A world in which each fault of the matrix has a repository, project or channel of its own, in editions of many."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sandbox.faults import Fault
from sandbox.world import TeamSpec
from sandbox.worlds.generator import generated_world
from tests.faults.endings import End, passing, staying, strikes_all
from tests.faults.matrix import GITHUB_GRAPHQL, GITHUB_REST, JIRA_DATA_CENTER, ROWS, SLACK, Mistake, Row

ONCE, ALWAYS, CLOSED, PAUSED = "once", "always", "closed", "paused"
"""How a fault strikes: the thing that is its own, once or always; or a whole service."""

RESERVE = "2s"
DEADLINES = {ONCE: "2m", ALWAYS: "2m", CLOSED: "11s", PAUSED: "7s"}
"""Behind all attempts; that of a paused service comes before its hour is over."""
DEADLINE_OF_QUEUED = "80s"
"""Behind the third post to channels that never answer as they should: their edition waits for it."""

HTTP_READ = "2s"
SLOWER = 2
"""The worker's clients wait so much longer than those of `callers`: faults last longer, too."""

WEEK = "2026-W47"


class Role(NamedTuple):
    """What meets a fault: `acme/billing-api`, `BILL` or `team-001-2`."""

    row: Row
    thing: str

    def fault(self, how: str) -> Fault | None:
        """None: what is asked for is wrong by itself."""
        fault, service = self.row.fault, self.row.api.partition(" ")[0]
        if isinstance(fault, Mistake):
            return None
        changes: dict[str, Any] = {
            "service": service,
            "latency_ms": SLOWER * fault.latency_ms,
            "seconds": SLOWER * fault.seconds,
            "count": 1 if how == ONCE else None,
        }
        if not strikes_all(self.row):
            changes |= _where(self.row.api, self.thing)
        return fault.model_copy(update=changes)


def _where(api: str, thing: str) -> dict[str, str]:
    name = thing.rpartition("/")[2]
    if api == GITHUB_REST:
        return {"route": f"^/repos/{thing}/pulls$"}
    if api == GITHUB_GRAPHQL:
        return {"route": "^/graphql$", "about": rf'"{name}"'}
    if api == SLACK:
        return {"route": "chat.postMessage", "about": rf"/slack-{name}/"}
    return {"route": "/search", "about": rf"\b{name}\b"}


class Cast(NamedTuple):
    """One team, and what its edition meets: rows of one API, all once or all always."""

    team: TeamSpec
    api: str
    how: str
    roles: tuple[Role, ...]

    def file(self) -> dict[str, Any]:
        """Of the team's file, what is not as for every team."""
        things = [role.thing for role in self.roles]
        file: dict[str, Any] = {"deliver_by": DEADLINES[self.how]}
        if self.api == SLACK and self.how == ALWAYS:
            file["deliver_by"] = DEADLINE_OF_QUEUED
        if self.api == SLACK:
            return file | {"channels": [{"kind": "slack", "channel": f"#{thing}"} for thing in things]}
        if self.api.startswith("jira"):
            return file | {"jira": {"projects": things}}
        return file | {"github": {"repositories": things, "api": self.api.partition(" ")[2]}}


class Company:
    """Deals out the things of a generated world to teams.

    `apis` meet the faults that strike one thing, `whole` those that strike all of a service.
    """

    def __init__(self, apis: Sequence[str], whole: Sequence[str]) -> None:
        rows = [row for row in ROWS if row.api in {*apis, *whole}]
        # Twice each, and one of each kind for every team.
        github, jira, slack = (
            2 * (sum(row.api.startswith(service) for row in rows) + len(apis) + len(whole))
            for service in ("github", "jira", "slack")
        )
        # As many issues more than pull requests as projects, so that each has one without code.
        self.world = generated_world(
            repositories=github, projects=jira, pull_requests=github, issues=github + jira, slack_channels=slack
        )
        self.world.week = WEEK
        if JIRA_DATA_CENTER in apis:
            self.world.jira_deployment = "data-center"
        (spec,) = self.world.teams
        self._repositories, self._projects = iter(spec.repositories), iter(spec.projects)
        self._channels = iter(spec.slack_channels)
        self.world.teams = []
        # What is refused at once ends alike, once or always: it is met always.
        self.once = [self._cast(api, ONCE, [row for row in rows if row.api == api and heals(row)]) for api in apis]
        stay = [row for row in rows if staying(row)]
        self.always, self.closed, self.paused = (
            [self._cast(api, how, [row for row in stay if row.api == api and how_it_stays(row) == how]) for api in met]
            for how, met in ((ALWAYS, apis), (CLOSED, whole), (PAUSED, whole))
        )

    @property
    def casts(self) -> list[Cast]:
        return [*self.once, *self.always, *self.closed, *self.paused]

    def _cast(self, api: str, how: str, rows: Sequence[Row]) -> Cast:
        name = api.replace(" ", "-")[:13]
        team = TeamSpec(f"{name}-{how}", "Europe/Berlin", [next(self._repositories)], [], [next(self._channels)])
        self.world.teams.append(team)
        return Cast(team, api, how, tuple(Role(row, self._thing(row)) for row in rows))

    def _thing(self, row: Row) -> str:
        if isinstance(row.fault, Mistake):
            return row.fault.thing.removeprefix("#")
        if row.api == SLACK:
            return next(self._channels)
        return next(self._projects if row.api.startswith("jira") else self._repositories)


def how_it_stays(row: Row) -> str:
    if not strikes_all(row):
        return ALWAYS
    return PAUSED if row.expected is not None and row.expected.pauses else CLOSED


def heals(row: Row) -> bool:
    """Whether there is an edition that meets the fault once and is whole all the same."""
    ending = passing(row)
    return ending is not None and ending.end in (End.COMPLETE, End.DELIVERED)
