"""The week in numbers: what was merged, how long it took, what was deployed. Of the team, never of a person.

With too little to go by a number is left out rather than shown wrong: one pull request has no median.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from statistics import median
from typing import NamedTuple

from devsync.domain.changelog.collected import PullRequest, RepositoryData
from devsync.domain.changelog.composition import CompositionInput, RepositoryUnit
from devsync.domain.changelog.edition import DeploymentCount, MedianTime, Metrics, ProvenanceKind, SprintProgress
from devsync.domain.changelog.surroundings import Deployment, DeploymentData, DeploymentOutcome
from devsync.domain.changelog.texts import one_line
from devsync.domain.changelog.uniqueness import unique
from devsync.domain.changelog.window import Window

FEWEST_FOR_A_MEDIAN = 3
"""With fewer pull requests a median tells of one of them, not of the team."""

RELEASES = "releases"
"""Where the deployments that are derived from releases went."""

_HAS_PULL_REQUESTS = (ProvenanceKind.LIVE, ProvenanceKind.CACHED, ProvenanceKind.PARTIAL)
"""A git mirror and a feed know no pull requests: their zero is none."""


class _Merged(NamedTuple):
    cycle: timedelta
    is_from_first_commit: bool
    first_review: timedelta | None


def metrics_of(plan: CompositionInput) -> Metrics | None:
    """None where nothing was asked that could be counted, or nothing of it was found."""
    units = [unit for unit in plan.repositories if unit.provenance.kind in _HAS_PULL_REQUESTS]
    pulls = _pull_requests(units, plan)
    by_people = [_merged(pull) for pull in pulls if not pull.author.is_bot]
    found = Metrics(
        merged=len(by_people),
        merged_by_bots=len(pulls) - len(by_people),
        is_partial=any(unit.provenance.kind is not ProvenanceKind.LIVE for unit in plan.repositories)
        or len({unit.unit.casefold() for unit in plan.repositories}) < _repositories_asked(plan),
        cycle=_cycle(by_people),
        first_review=_first_review(by_people),
        deployments=_deployments(plan),
        sprints=_sprints(plan),
    )
    has_something = found.merged or found.merged_by_bots or found.deployments or found.sprints
    return found if has_something else None


def deployments_by_releases(repository: RepositoryData, window: Window) -> DeploymentData:
    """What stands in for a repository's deployments: its releases of the window, which say that they are no such."""
    return DeploymentData(
        repository=repository.repository,
        deployments=tuple(
            Deployment(
                id=f"release {release.tag}",
                environment=RELEASES,
                outcome=DeploymentOutcome.SUCCEEDED,
                created_at=release.published_at,
            )
            for release in repository.releases
            if release.published_at in window
        ),
    )


def _pull_requests(units: Sequence[RepositoryUnit], plan: CompositionInput) -> list[PullRequest]:
    pulls = unique(
        ((name, pull.number), pull, unit.provenance)
        for unit in units
        for name in [unit.unit.casefold()]
        for pull in unit.data.pull_requests
    )
    return [pull for pull, _ in pulls.values() if pull.merged_at in plan.window]


def _merged(pull: PullRequest) -> _Merged:
    began = pull.created_at
    if pull.first_commit_at is not None:
        began = min(began, pull.first_commit_at)  # a rebased branch has commits that are younger than the work
    first_review = pull.first_reviewed_at - pull.created_at if pull.first_reviewed_at else None
    return _Merged(
        cycle=max(pull.merged_at - began, timedelta()),
        is_from_first_commit=pull.first_commit_at is not None,
        first_review=max(first_review, timedelta()) if first_review is not None else None,
    )


def _cycle(merged: Sequence[_Merged]) -> MedianTime | None:
    """From the first commit to the merge; where the first commit is not known, from opening."""
    if len(merged) < FEWEST_FOR_A_MEDIAN:
        return None
    return MedianTime(
        median=_median(pull.cycle for pull in merged),
        count=len(merged),
        from_opening=sum(not pull.is_from_first_commit for pull in merged),
    )


def _first_review(merged: Sequence[_Merged]) -> MedianTime | None:
    times = [pull.first_review for pull in merged if pull.first_review is not None]
    return MedianTime(median=_median(times), count=len(times)) if len(times) >= FEWEST_FOR_A_MEDIAN else None


def _median(times: Iterable[timedelta]) -> timedelta:
    return timedelta(seconds=round(median(time.total_seconds() for time in times)))


def _deployments(plan: CompositionInput) -> tuple[DeploymentCount, ...]:
    """By environment, in order of name; a repository's releases count as such where its deployments are not known."""
    counts: dict[tuple[str, bool], list[DeploymentOutcome]] = {}
    for deployment, is_derived in _deployed(plan):
        counts.setdefault((deployment.environment, is_derived), []).append(deployment.outcome)
    return tuple(
        DeploymentCount(
            environment=one_line(environment),
            total=len(outcomes),
            failed=outcomes.count(DeploymentOutcome.FAILED),
            is_derived=is_derived,
        )
        for (environment, is_derived), outcomes in sorted(counts.items())
    )


def _deployed(plan: CompositionInput) -> Iterable[tuple[Deployment, bool]]:
    found = unique(
        ((unit.unit.casefold(), deployment.id), deployment, unit.provenance)
        for unit in plan.deployments
        for deployment in unit.data.deployments
        if deployment.created_at in plan.window
    )
    return [(deployment, provenance.kind is ProvenanceKind.DERIVED) for deployment, provenance in found.values()]


def _sprints(plan: CompositionInput) -> tuple[SprintProgress, ...]:
    """Running ones, each once though many boards show it; one without issues has no progress to tell."""
    running = unique((sprint.id, sprint, board.provenance) for board in plan.boards for sprint in board.data.active)
    return tuple(
        SprintProgress(
            name=one_line(sprint.name),
            goal=one_line(sprint.goal),
            starts_at=sprint.starts_at,
            ends_at=sprint.ends_at,
            done=sprint.done,
            total=sprint.total,
        )
        for _, (sprint, _provenance) in sorted(running.items())
        if sprint.total
    )


def _repositories_asked(plan: CompositionInput) -> int:
    return len({unit.casefold() for unit in plan.units_asked if _is_repository(unit)})


def _is_repository(unit: str) -> bool:
    return unit.startswith("github:") and unit.count("/") == 1
