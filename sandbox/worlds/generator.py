"""Worlds of any size from a seed: for benchmarks, fleets of teams and property tests."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from sandbox.world import TeamSpec, World
from sandbox.worlds import phrases
from sandbox.worlds.assembly import assemble
from sandbox.worlds.calendar import Week
from sandbox.worlds.catalog import Landing
from sandbox.worlds.demo import DEMO_WEEK
from sandbox.worlds.people import BOTS, crowd
from sandbox.worlds.planning import KeyPlace, Plan, PlannedChange, PlannedIssue

_ISSUE_TYPES = {"feat": "Story", "fix": "Bug", "perf": "Improvement", "refactor": "Improvement"}
_ISSUES_WITHOUT_CODE = 0.15
_ENTERPRISE_HOURLY_LIMIT = 1_000_000
"""Far above GitHub's own: a benchmark runs many editions in an hour, and measures no throttling."""


def generated_world(
    *,
    teams: int = 1,
    repositories: int = 50,
    projects: int = 10,
    pull_requests: int = 5000,
    issues: int = 1000,
    week: str = DEMO_WEEK,
    slack_channels: int = 1,
    seed: int = 1,
    timezone: str = "Europe/Berlin",
) -> World:
    """A world with that many of each in all, dealt out to the teams in turn; `slack_channels` are a team's own.

    All pull requests are merged and all issues resolved inside the week; besides, each repository has a little
    older work and each project an open issue. Repositories differ in size. The same arguments give the same world.
    Raises ValueError unless every team gets a repository and a project.
    """
    if min(repositories, projects) < teams or teams < 1:
        raise ValueError(f"{teams} teams need at least as many repositories and projects")
    planner = _Planner(Week.of(week, timezone), Random(f"{seed}/{week}"))
    specs = []
    for position in range(teams):
        name = f"team-{position + 1:03d}"
        channels = [name, *(f"{name}-{number}" for number in range(2, slack_channels + 1))]
        specs.append(TeamSpec(name, timezone, [], [], channels))
    for position in range(repositories):
        specs[position % teams].repositories.append(planner.add_repository(position))
    for position in range(projects):
        specs[position % teams].projects.append(planner.add_project(position))
    planner.fill(specs, pull_requests, issues)
    built_repositories, built_projects = assemble(planner.plan, seed)
    return World(
        repositories=built_repositories,
        projects=built_projects,
        slack_channels=[channel for spec in specs for channel in spec.slack_channels],
        teams=specs,
        week=week,
        github_hourly_limit=_ENTERPRISE_HOURLY_LIMIT,
    )


class _Planner:
    def __init__(self, week: Week, random: Random) -> None:
        self.plan = Plan()
        self._week = week
        self._random = random
        self._people = crowd(60)

    def add_repository(self, position: int) -> str:
        name = f"acme/{phrases.repository_name(position)}"
        self.plan.repositories.append(name)
        return name

    def add_project(self, position: int) -> str:
        key, name = phrases.project(position)
        self.plan.projects[key] = name
        return key

    def fill(self, specs: list[TeamSpec], pull_requests: int, issues: int) -> None:
        """Older work first, then the week's pull requests by size of repository, then issues for some of them."""
        for name in self.plan.repositories:
            for _ in range(3):
                self._add_change(name, weeks_later=-1)
        team_projects = {name: spec.projects for spec in specs for name in spec.repositories}
        week_changes = []
        weights = [self._random.lognormvariate(0, 0.6) for _ in self.plan.repositories]
        # Everybody gets one, as far as they go; the rest goes by weight.
        names = self.plan.repositories[:pull_requests]
        names += self._random.choices(self.plan.repositories, weights, k=pull_requests - len(names))
        for name in names:
            week_changes.append(self._add_change(name, weeks_later=0))
        by_people = [change for change in week_changes if not change.author.is_bot]
        without_code = min(issues, max(round(issues * _ISSUES_WITHOUT_CODE), issues - len(by_people)))
        for change in self._random.sample(by_people, issues - without_code):
            self._give_issue(change, self._random.choice(team_projects[change.repository]))
        keys = list(self.plan.projects)
        for position in range(without_code):
            self._add_issue(keys[position % len(keys)], "Task", is_resolved=True)
        for key in keys:
            self._add_issue(key, "Story", is_resolved=False)

    def _add_change(self, repository: str, weeks_later: int) -> PlannedChange:
        random = self._random
        title, kind = phrases.title(random)
        is_bump = kind == "chore" and random.random() < 0.5
        landed_at = self._week.working_time(random, weeks_later)
        change = PlannedChange(
            repository=repository,
            title=title,
            author=random.choice(BOTS if is_bump else self._people),
            opened_at=landed_at - timedelta(minutes=random.randrange(90, 60 * 90)),
            landed_at=landed_at,
            landing=random.choices((Landing.SQUASH, Landing.MERGE, Landing.REBASE), (80, 12, 8))[0],
            body=phrases.body(random),
            labels=("dependencies",) if is_bump else ("bug",) if kind == "fix" and random.random() < 0.3 else (),
        )
        if not is_bump and random.random() < 0.1:
            change.co_authors = (random.choice(self._people),)
        self.plan.changes.append(change)
        return change

    def _give_issue(self, change: PlannedChange, project: str) -> None:
        kind = change.title.partition(":")[0].partition("(")[0]
        issue = self._add_issue(project, _ISSUE_TYPES.get(kind, "Task"), is_resolved=True)
        issue.assignee = change.author
        change.issue = issue
        change.key_place = self._random.choice(tuple(KeyPlace))

    def _add_issue(self, project: str, kind: str, *, is_resolved: bool) -> PlannedIssue:
        resolved_at = self._week.working_time(self._random) if is_resolved else None
        issue = PlannedIssue(
            project=project,
            issue_type=kind,
            summary=phrases.summary(self._random),
            created_at=(resolved_at or self._week.end) - timedelta(days=self._random.randrange(1, 40)),
            resolved_at=resolved_at,
        )
        self.plan.issues.append(issue)
        return issue
