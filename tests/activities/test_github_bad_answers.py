"""GraphQL answers that are wrong or only half right: nothing of them is taken for a week's data."""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from activities.github import PATIENT_ATTEMPTS
from activities.github.graphql import GROW_AFTER, SMALLEST_PAGE
from devsync.domain.errors import ErrorCategory
from devsync.runtime.classification import MalformedAnswer, classify
from devsync.runtime.failures.graphql import GraphQLRefused
from sandbox.faults import Fault, FaultKind
from sandbox.world import Commit
from tests.activities.github_stage import REPOSITORY, Alter, GitHubStage, busy_world, github_stage
from tests.sandbox.github_wire import ANNA, sha

Body = dict[str, Any]


@pytest.fixture
async def stage(url: str) -> Any:
    async with github_stage(busy_world(), url) as ready:
        yield ready


def repository_of(body: Body) -> Body:
    found: Body = body["data"]["repository"]
    return found


def bent(kind: FaultKind, field: str, **more: Any) -> Fault:
    return Fault(kind=kind, service="github", route="^/graphql$", field=field, **more)


def spoil(stage: GitHubStage, wrong: Fault | Alter) -> None:
    """From now on answers of GraphQL are wrong in this way."""
    if isinstance(wrong, Fault):
        stage.sandbox.faults.add(wrong)
    else:
        stage.alter[:] = [wrong]


def name_of(wrong: Any) -> str:
    return f"{wrong.kind.value} {wrong.field}" if isinstance(wrong, Fault) else str(wrong.__name__)


def a_list(_body: Body, _number: int) -> Any:
    return [1, 2]


def an_html_page(_body: Body, _number: int) -> Any:
    return web.Response(text="<html>Whoa there!</html>", content_type="text/html")


def not_modified(_body: Body, _number: int) -> Any:
    return web.Response(status=304)


PULLS = "data.repository.pullRequests"
COMMITS = "data.repository.defaultBranchRef.target.history"
MALFORMED = [
    bent(FaultKind.NULLS, f"{PULLS}.nodes.3"),
    bent(FaultKind.NULLS, f"{PULLS}.nodes.3.title"),
    bent(FaultKind.NULLS, f"{PULLS}.nodes.3.mergedAt"),
    bent(FaultKind.NULLS, f"{COMMITS}.nodes.*.parents"),
    bent(FaultKind.NULLS, "data.repository.releases"),
    bent(FaultKind.NULLS, "data.repository"),
    Fault(kind=FaultKind.EMPTY, service="github", route="^/graphql$"),
    a_list,
    an_html_page,
    not_modified,
]
PARTIAL = bent(FaultKind.PARTIAL, f"{PULLS}.nodes.3")


@pytest.mark.parametrize("wrong", MALFORMED, ids=name_of)
async def test_a_malformed_answer_is_an_error_that_is_tried_again(stage: GitHubStage, wrong: Fault | Alter) -> None:
    spoil(stage, wrong)
    with pytest.raises(MalformedAnswer) as raised:
        await stage.collect(REPOSITORY, "graphql")
    failure = classify(raised.value, "github", datetime.now(UTC))
    assert (failure.category, failure.is_retryable) == (ErrorCategory.EXTERNAL_SERVICE, True)


@pytest.mark.parametrize("at", [2, 3])
async def test_a_cursor_that_does_not_advance_is_not_followed_for_ever(stage: GitHubStage, at: int) -> None:
    turning_back = stage.sandbox.faults.add(bent(FaultKind.REPEATED_CURSOR, PULLS, after=at - 1))
    with pytest.raises(MalformedAnswer, match="does not advance"):
        await stage.collect(REPOSITORY, "graphql")
    assert len(stage.asked_of("graphql")) == at
    stage.sandbox.faults.clear(turning_back)
    spoil(stage, bent(FaultKind.REPEATED_CURSOR, PULLS, after=at - 1))
    collected = await stage.collect(REPOSITORY, "auto", attempt=PATIENT_ATTEMPTS)
    assert (collected.road, collected.counts["pull_requests"]) == ("rest", 250)


async def test_cursors_in_a_circle_are_not_followed_for_ever(stage: GitHubStage) -> None:
    cursors: list[str] = []

    def back_to_the_first(body: Body, _number: int) -> Body:
        information = repository_of(body)["pullRequests"]["pageInfo"]
        cursors.append(information["endCursor"])
        if len(cursors) >= 3:
            information |= {"hasNextPage": True, "endCursor": cursors[0]}
        return body

    spoil(stage, back_to_the_first)
    with pytest.raises(MalformedAnswer, match="does not advance"):
        await stage.collect(REPOSITORY, "graphql")
    assert len(stage.asked_of("graphql")) == 3


async def test_partial_data_beside_errors_is_not_accepted(stage: GitHubStage) -> None:
    spoil(stage, PARTIAL)
    with pytest.raises(GraphQLRefused):
        await stage.collect(REPOSITORY, "graphql")


@pytest.mark.parametrize("wrong", [*MALFORMED, PARTIAL], ids=name_of)
async def test_auto_brings_the_whole_week_by_rest_instead(stage: GitHubStage, wrong: Fault | Alter) -> None:
    spoil(stage, wrong)
    collected = await stage.collect(REPOSITORY, "auto", attempt=PATIENT_ATTEMPTS)
    assert collected.road == "rest"
    assert collected.counts == {"pull_requests": 250, "commits": 250, "releases": 2}
    assert "REST was asked instead" in collected.notes[0]
    numbers = [pull.number for pull in (await stage.data(collected)).pull_requests]
    assert len(numbers) == len(set(numbers)) == 250


def error_of(**error: Any) -> Callable[[Body, int], Body]:
    return lambda _body, _number: {"data": None, "errors": [error]}


# what GitHub says, category, is retryable
REFUSALS = [
    ({"type": "NOT_FOUND", "message": "Could not resolve"}, ErrorCategory.DATA_COLLECTION, False),
    ({"type": "FORBIDDEN", "message": "Resource not accessible"}, ErrorCategory.AUTHENTICATION, False),
    ({"type": "INSUFFICIENT_SCOPES", "message": "Your token has not"}, ErrorCategory.AUTHENTICATION, False),
    ({"type": "RATE_LIMITED", "message": "API rate limit exceeded"}, ErrorCategory.RATE_LIMITING, True),
    (
        {"extensions": {"code": "undefinedField"}, "message": "Field 'x' doesn't exist"},
        ErrorCategory.CONFIGURATION,
        False,
    ),
    ({"message": "Something went wrong while executing your query"}, ErrorCategory.EXTERNAL_SERVICE, True),
    ({"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "too many"}, ErrorCategory.EXTERNAL_SERVICE, True),
    ({"type": "A_WORD_OF_TOMORROW", "message": "?"}, ErrorCategory.EXTERNAL_SERVICE, True),
]


@pytest.mark.parametrize(("error", "category", "is_retryable"), REFUSALS)
async def test_each_refusal_is_understood_by_its_type_and_auto_asks_rest_at_once(
    stage: GitHubStage, error: Body, category: ErrorCategory, is_retryable: bool
) -> None:
    stage.alter[:] = [error_of(**error)]
    with pytest.raises(GraphQLRefused) as raised:
        await stage.collect(REPOSITORY, "graphql")
    failure = classify(raised.value, "github", datetime.now(UTC))
    assert (failure.category, failure.is_retryable) == (category, is_retryable)
    if category is ErrorCategory.RATE_LIMITING:
        assert failure.retry_after is not None
    assert (await stage.collect(REPOSITORY, "auto")).road == "rest"


async def test_what_a_wait_heals_decides_before_what_nothing_heals(stage: GitHubStage) -> None:
    errors = [{"type": "NOT_FOUND"}, {"type": "RATE_LIMITED"}]
    stage.alter[:] = [lambda _body, _number: {"data": None, "errors": errors}]
    with pytest.raises(GraphQLRefused) as raised:
        await stage.collect(REPOSITORY, "graphql")
    assert raised.value.code == "RATE_LIMITED"


async def test_an_endpoint_that_does_not_exist_means_rest(stage: GitHubStage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="^/graphql", status=404))
    collected = await stage.collect(REPOSITORY, "auto")
    assert (collected.road, collected.counts["pull_requests"]) == ("rest", 250)
    assert len(stage.asked_of("graphql")) == 1


async def test_wrong_credentials_are_not_tried_on_the_other_road(stage: GitHubStage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="^/graphql", status=401))
    with pytest.raises(Exception) as raised:  # noqa: PT011
        await stage.collect(REPOSITORY, "auto", attempt=PATIENT_ATTEMPTS)
    assert classify(raised.value, "github", datetime.now(UTC)).category is ErrorCategory.AUTHENTICATION
    assert not [
        record for record in stage.asked_of("rest") if "per_page=100" in record.query and "/pulls" in record.path
    ]


async def test_a_secondary_limit_is_waited_for_on_both_roads(stage: GitHubStage) -> None:
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.SECONDARY_LIMIT, service="github", route="^/graphql", retry_after_seconds=30)
    )
    with pytest.raises(Exception) as raised:  # noqa: PT011
        await stage.collect(REPOSITORY, "auto", attempt=PATIENT_ATTEMPTS)
    failure = classify(raised.value, "github", datetime.now(UTC))
    assert (failure.category, failure.retry_after) == (ErrorCategory.RATE_LIMITING, timedelta(seconds=30))


# What GitHub chokes on.


async def sizes_asked(stage: GitHubStage, collect: Callable[[], Awaitable[Any]]) -> list[int]:
    """The page size of each GraphQL request, in order."""
    sizes: list[int] = []

    def watch(body: Body, _number: int) -> Body:
        history = repository_of(body).get("pullRequests") or {"nodes": []}
        sizes.append(len(history["nodes"]))
        return body

    stage.alter[:] = [watch]
    await collect()
    return sizes


async def test_a_page_that_is_too_heavy_is_asked_for_in_halves(stage: GitHubStage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.HTML, service="github", route="^/graphql", status=502, count=2))
    sizes = await sizes_asked(stage, lambda: stage.collect(REPOSITORY, "graphql"))
    assert sizes[0] == 25
    assert sum(sizes) == 250
    assert sizes[GROW_AFTER] == 50, "pages grow back when they go through"


async def test_a_page_that_takes_too_long_is_asked_for_in_halves(url: str) -> None:
    async with github_stage(busy_world(), url, read_timeout=timedelta(seconds=2)) as stage:
        stage.sandbox.faults.add(
            Fault(kind=FaultKind.COMMITTED_TIMEOUT, service="github", route="^/graphql", seconds=4, count=1)
        )
        sizes = await sizes_asked(stage, lambda: stage.collect(REPOSITORY, "graphql"))
        assert sizes[:2] == [100, 50], "the first one was answered too late"


async def test_a_node_limit_halves_the_page(stage: GitHubStage) -> None:
    def limited(body: Body, _number: int) -> Body:
        if len(repository_of(body)["pullRequests"]["nodes"]) > 50:
            return {"errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "too many nodes"}]}
        return body

    stage.alter[:] = [limited]
    collected = await stage.collect(REPOSITORY, "graphql")
    assert collected.counts["pull_requests"] == 250


async def test_what_stays_too_heavy_ends_at_the_smallest_page_and_auto_turns_to_rest_at_once(
    stage: GitHubStage,
) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.HTML, service="github", route="^/graphql", status=502))
    with pytest.raises(Exception) as raised:  # noqa: PT011
        await stage.collect(REPOSITORY, "graphql")
    assert classify(raised.value, "github", datetime.now(UTC)).is_retryable
    tries = len(stage.asked_of("graphql"))
    assert 100 // 2 ** (tries - 1) >= SMALLEST_PAGE > 100 // 2**tries
    collected = await stage.collect(REPOSITORY, "auto")
    assert (collected.road, collected.calls_by_road["graphql"]) == ("rest", tries)


# Retries.


async def test_a_retry_goes_on_from_the_last_stored_page(stage: GitHubStage) -> None:
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.STATUS, service="github", route="^/graphql", status=503, after=2, count=1)
    )
    with pytest.raises(Exception, match="503"):
        await stage.collect(REPOSITORY, collection_id="one")
    before = len(stage.asked)
    collected = await stage.collect(REPOSITORY, collection_id="one", attempt=2)
    assert collected.counts == {"pull_requests": 250, "commits": 250, "releases": 2}
    assert len(stage.asked) - before == collected.api_calls == 1
    assert collected.pages_resumed == 3, "two pages, and the validators"


async def test_a_retry_on_the_other_road_reads_no_foreign_pages(stage: GitHubStage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="^/graphql", status=503, after=2))
    for attempt in range(1, PATIENT_ATTEMPTS):
        with pytest.raises(Exception, match="503"):
            await stage.collect(REPOSITORY, collection_id="one", attempt=attempt)
    collected = await stage.collect(REPOSITORY, collection_id="one", attempt=PATIENT_ATTEMPTS)
    assert (collected.road, collected.pages_resumed) == ("rest", 0)
    assert collected.counts == {"pull_requests": 250, "commits": 250, "releases": 2}


async def test_a_retry_of_the_second_road_stays_on_it(stage: GitHubStage) -> None:
    stage.alter[:] = [error_of(type="FORBIDDEN")]
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="/commits", status=503, count=1))
    with pytest.raises(Exception, match="503"):
        await stage.collect(REPOSITORY, collection_id="one")
    stage.alter.clear()
    before = len(stage.asked_of("graphql"))
    collected = await stage.collect(REPOSITORY, collection_id="one", attempt=2)
    assert (collected.road, collected.pages_resumed) == ("rest", 3)
    assert len(stage.asked_of("graphql")) == before
    assert collected.notes


# Histories that change while they are read.


async def test_a_branch_pushed_over_between_pages_gives_the_history_as_it_was_at_the_first(stage: GitHubStage) -> None:
    repository = stage.sandbox.world.repositories[REPOSITORY]
    was = list(repository.commits)

    def push_over(body: Body, number: int) -> Body:
        if number == 1:
            repository.branch_commits += was
            repository.commits = [
                Commit(sha(50_000 + n), commit.message, ANNA, commit.authored_at, commit.committed_at, commit.parents)
                for n, commit in enumerate(deepcopy(was))
            ]
        return body

    stage.alter[:] = [push_over]
    data = await stage.data(await stage.collect(REPOSITORY, "graphql"))
    assert {commit.sha for commit in data.commits} == {commit.sha for commit in was}
