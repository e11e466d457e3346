"""Works out, from the world alone, the numbers that a team's edition should tell: the oracle beside `expectation`.

Its rules, written down a second time on purpose: pull requests merged in the week, those of bots apart; medians over
people's alone, from the first commit or from opening, whichever was earlier, to the merge, and from opening to the
first review by another person; deployments created in the week, by environment; of each running sprint its done issues
and all, subtasks left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sandbox.expectation import week_bounds
from sandbox.world import PullRequest, Repository, TeamSpec, World


@dataclass(frozen=True, slots=True)
class ExpectedNumbers:
    merged: int
    merged_by_bots: int
    cycle: timedelta | None
    first_review: timedelta | None
    deployments: dict[str, tuple[int, int]]
    """All and failed ones, by environment."""
    sprints: dict[str, tuple[int, int]]
    """Done issues and all, by the sprint's name."""


def expected_numbers(world: World, team: TeamSpec, iso_week: str) -> ExpectedNumbers:
    start, end = week_bounds(iso_week, team.timezone)
    repositories = [one for one in map(world.repository_named, team.repositories) if one is not None]
    merged = [
        (repository, pull)
        for repository in repositories
        for pull in repository.pull_requests
        if pull.merged_at is not None and start <= pull.merged_at < end
    ]
    by_people = [(repository, pull) for repository, pull in merged if not pull.author.is_bot]
    return ExpectedNumbers(
        merged=len(by_people),
        merged_by_bots=len(merged) - len(by_people),
        cycle=_median([_cycle(repository, pull) for repository, pull in by_people]),
        first_review=_median([wait for _, pull in by_people if (wait := _wait_for_review(pull)) is not None]),
        deployments=_deployments(repositories, team, start, end),
        sprints=_sprints(world, team),
    )


def _cycle(repository: Repository, pull: PullRequest) -> timedelta:
    authored = {commit.sha: commit.authored_at for commit in (*repository.commits, *repository.branch_commits)}
    began = [pull.created_at, *(authored[sha] for sha in pull.commit_shas[:1])]
    assert pull.merged_at is not None, "chosen for it"
    return pull.merged_at - min(began)


def _wait_for_review(pull: PullRequest) -> timedelta | None:
    by_others = [one.submitted_at for one in pull.reviews if one.author is not pull.author and not one.author.is_bot]
    return min(by_others) - pull.created_at if by_others else None


def _median(times: list[timedelta]) -> timedelta | None:
    return timedelta(seconds=round(median(time.total_seconds() for time in times))) if len(times) >= 3 else None


def _deployments(
    repositories: list[Repository], team: TeamSpec, start: datetime, end: datetime
) -> dict[str, tuple[int, int]]:
    states: dict[str, list[str]] = {}
    for repository in repositories:
        for one in repository.deployments:
            if one.environment in team.deployments and start <= one.created_at < end:
                states.setdefault(one.environment, []).append(one.state)
    return {name: (len(found), sum(one in ("failure", "error") for one in found)) for name, found in states.items()}


def _sprints(world: World, team: TeamSpec) -> dict[str, tuple[int, int]]:
    issues = {issue.key: issue for project in world.projects.values() for issue in project.issues}
    found = {}
    for board in world.boards:
        for sprint in board.sprints if board.id in team.boards else []:
            inside = [issues[key] for key in sprint.issue_keys if issues[key].issue_type != "Sub-task"]
            if sprint.state == "active":
                found[sprint.name] = (sum(one.status_category == "done" for one in inside), len(inside))
    return found
