"""The week in numbers: of the team, from what is known, and nothing where too little is known."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.changelog.collected import Author, PullRequest, Release, RepositoryData
from devsync.domain.changelog.composition import BoardUnit, CompositionInput, DeploymentsUnit, RepositoryUnit
from devsync.domain.changelog.edition import DeploymentCount, Metrics, Provenance, ProvenanceKind
from devsync.domain.changelog.metrics import FEWEST_FOR_A_MEDIAN, deployments_by_releases, metrics_of
from devsync.domain.changelog.surroundings import BoardData, Deployment, DeploymentData, DeploymentOutcome, Sprint
from devsync.domain.changelog.window import week_window

WINDOW = week_window("2026-W47", "Europe/Berlin")
WEDNESDAY = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANNA, BOT = Author(name="Anna", login="anna"), Author(name="renovate[bot]", login="renovate[bot]", is_bot=True)
SUCCEEDED, FAILED = DeploymentOutcome.SUCCEEDED, DeploymentOutcome.FAILED


def pull(
    number: int, open_for: float = 1, began: float | None = None, reviewed: float | None = None, **more: object
) -> PullRequest:
    """Merged on Wednesday: so many hours after it was opened and after its first commit; reviewed after opening."""
    opened = WEDNESDAY - open_for * HOUR
    fields: dict[str, object] = {
        "author": ANNA,
        "created_at": opened,
        "merged_at": WEDNESDAY,
        "first_commit_at": WEDNESDAY - began * HOUR if began is not None else None,
        "first_reviewed_at": opened + reviewed * HOUR if reviewed is not None else None,
    }
    return PullRequest(number=number, title="Change", **(fields | more))


def deployment(
    number: int, environment: str = "production", outcome: DeploymentOutcome = SUCCEEDED, at: datetime = WEDNESDAY
) -> Deployment:
    return Deployment(id=f"DE_{number}", environment=environment, outcome=outcome, created_at=at)


def week(*pulls: PullRequest, deployments: tuple[Deployment, ...] = (), **more: object) -> CompositionInput:
    fields: dict[str, object] = {
        "repositories": (RepositoryUnit(data=RepositoryData(repository="acme/api", pull_requests=pulls)),),
        "deployments": (DeploymentsUnit(data=DeploymentData(repository="acme/api", deployments=deployments)),),
        "units_asked": ("github:acme/api", "github:acme/api/deployments"),
    }
    return CompositionInput(team="payments", iso_week="2026-W47", window=WINDOW, **(fields | more))


def told(plan: CompositionInput) -> Metrics:
    found = metrics_of(plan)
    assert found is not None
    return found


def test_a_week_without_anything_to_count_has_no_numbers() -> None:
    assert metrics_of(week()) is None
    assert metrics_of(week(pull(1, merged_at=WINDOW.end))) is None


def test_the_cycle_runs_from_the_first_commit_and_its_median_is_told() -> None:
    cycle = told(week(pull(1, 1, began=5), pull(2, 1, began=2), pull(3, 1, began=90))).cycle
    assert cycle is not None
    assert (cycle.median, cycle.count, cycle.from_opening) == (5 * HOUR, 3, 0)


def test_where_the_first_commit_is_not_known_opening_counts_and_it_says_so() -> None:
    cycle = told(week(pull(1, 4), pull(2, 6), pull(3, 1, began=2))).cycle
    assert cycle is not None
    assert (cycle.median, cycle.from_opening) == (4 * HOUR, 2)


def test_a_rebased_branch_began_when_it_was_opened_at_the_latest() -> None:
    cycle = told(week(*(pull(number, 10, began=1) for number in (1, 2, 3)))).cycle
    assert cycle is not None
    assert cycle.median == 10 * HOUR


def test_a_clock_that_is_wrong_makes_no_negative_time() -> None:
    metrics = told(week(*(pull(number, -3, began=-5, reviewed=-1) for number in (1, 2, 3))))
    assert metrics.cycle is not None
    assert metrics.first_review is not None
    assert metrics.cycle.median == metrics.first_review.median == timedelta()


def test_few_pull_requests_have_no_median() -> None:
    few = [pull(number, began=1, reviewed=1) for number in range(FEWEST_FOR_A_MEDIAN - 1)]
    metrics = told(week(*few))
    assert (metrics.merged, metrics.cycle, metrics.first_review) == (2, None, None)


def test_the_first_review_is_of_those_that_were_reviewed() -> None:
    review = told(week(*(pull(n, 9, reviewed=n) for n in (1, 2, 3)), pull(4), pull(5))).first_review
    assert review is not None
    assert (review.median, review.count) == (2 * HOUR, 3)


def test_bots_are_counted_apart_and_in_no_median() -> None:
    bots = [pull(number, 500, author=BOT) for number in (7, 8, 9)]
    metrics = told(week(*bots, pull(1)))
    assert (metrics.merged, metrics.merged_by_bots, metrics.cycle) == (1, 3, None)


def test_deployments_are_counted_by_environment_inside_the_window() -> None:
    found = told(
        week(
            deployments=(
                deployment(1),
                deployment(2, outcome=FAILED),
                deployment(3, "staging"),
                deployment(4, at=WINDOW.end),
                deployment(5, at=WINDOW.start),
            )
        )
    )
    assert found.deployments == (
        DeploymentCount(environment="production", total=3, failed=1),
        DeploymentCount(environment="staging", total=1),
    )


def test_releases_that_stand_in_for_deployments_say_so() -> None:
    repository = RepositoryData(
        repository="acme/api",
        releases=(Release(tag="v1", published_at=WEDNESDAY), Release(tag="v2", published_at=WINDOW.end)),
    )
    derived = DeploymentsUnit(
        data=deployments_by_releases(repository, WINDOW), provenance=Provenance(kind=ProvenanceKind.DERIVED)
    )
    assert told(week().model_copy(update={"deployments": (derived,)})).deployments == (
        DeploymentCount(environment="releases", total=1, is_derived=True),
    )


@pytest.mark.parametrize(
    ("kind", "merged", "is_partial"),
    [
        (ProvenanceKind.LIVE, 1, False),
        (ProvenanceKind.CACHED, 1, True),
        (ProvenanceKind.PARTIAL, 1, True),
        (ProvenanceKind.MIRROR, 0, True),
        (ProvenanceKind.FEED, 0, True),
    ],
)
def test_what_is_not_live_may_hide_more(kind: ProvenanceKind, merged: int, is_partial: bool) -> None:
    unit = RepositoryUnit(
        data=RepositoryData(repository="acme/api", pull_requests=(pull(1),)), provenance=Provenance(kind=kind)
    )
    metrics = told(week(repositories=(unit,), deployments=(deployment(1),)))
    assert (metrics.merged, metrics.is_partial) == (merged, is_partial)


def test_a_repository_that_is_missing_makes_the_numbers_partial() -> None:
    assert told(week(pull(1), units_asked=("github:acme/api", "github:acme/web"))).is_partial
    assert not told(week(pull(1), units_asked=("github:Acme/API", "github:acme/api/deployments"))).is_partial


def test_a_sprint_is_told_once_and_one_without_issues_not_at_all() -> None:
    sprint = Sprint(id=7, name="Sprint\n7", done=3, total=5)
    boards = tuple(
        BoardUnit(data=BoardData(board=board, active=(sprint, Sprint(id=8, name="Empty")))) for board in (41, 42)
    )
    (found,) = told(week(boards=boards)).sprints
    assert (found.name, found.done, found.total) == ("Sprint 7", 3, 5)


pulls = st.lists(
    st.builds(
        pull,
        st.integers(1, 12),
        st.floats(0, 400),
        st.none() | st.floats(0, 400),
        st.none() | st.floats(0, 50),
        author=st.sampled_from([ANNA, BOT]),
        merged_at=st.integers(-100, 160).map(lambda hours: WEDNESDAY + hours * HOUR),
    ),
    max_size=12,
)
deployments = st.lists(
    st.builds(
        deployment, st.integers(1, 9), st.sampled_from(["production", "staging"]), st.sampled_from(DeploymentOutcome)
    ),
    max_size=9,
)


@given(pulls, deployments, st.randoms(use_true_random=False))
def test_the_order_in_which_records_come_changes_nothing(
    pulls: list[PullRequest], deployments: list[Deployment], random: object
) -> None:
    def units(pulls: list[PullRequest], deployments: list[Deployment]) -> Metrics | None:
        halves = [pulls[: len(pulls) // 2], pulls[len(pulls) // 2 :]]
        repositories = tuple(
            RepositoryUnit(data=RepositoryData(repository="acme/api", pull_requests=tuple(half))) for half in halves
        )
        return metrics_of(week(repositories=repositories, deployments=tuple(deployments)))

    shuffled_pulls, shuffled_deployments = list(pulls), list(deployments)
    random.shuffle(shuffled_pulls)  # type: ignore[attr-defined]
    random.shuffle(shuffled_deployments)  # type: ignore[attr-defined]
    assert units(pulls, deployments) == units(shuffled_pulls, shuffled_deployments)


@given(pulls)
def test_a_number_is_within_what_it_was_made_of(pulls: list[PullRequest]) -> None:
    metrics = metrics_of(week(*pulls))
    if metrics is None:
        return
    assert metrics.merged + metrics.merged_by_bots <= len(pulls)
    for time in (metrics.cycle, metrics.first_review):
        if time is not None:
            assert FEWEST_FOR_A_MEDIAN <= time.count <= metrics.merged
            assert timedelta() <= time.median
