"""Every HTTP call of every client passes its gate once, with one outcome, whatever goes wrong on the wire."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.clients.github import GitHubClient
from activities.clients.github_access import AppTokens, GitHubTokens, PersonalToken
from activities.clients.slack import SlackClient
from devsync.domain.breaker import BreakerConfig, Outcome, Standing, State
from devsync.domain.breaker.refusals import CircuitOpen
from devsync.runtime.breaker.gate import Gate
from sandbox.changes import RevokeTokens
from sandbox.faults import Fault, FaultKind
from sandbox.request_log import RequestRecord
from sandbox.running import Sandbox, run_sandbox
from sandbox.world import World
from sandbox.worlds.demo import demo_world
from tests.activities.github_stage import REPOSITORY, GitHubStage, busy_world, github_stage
from tests.activities.jira_clients import jira_client
from tests.activities.test_github_access import APP, PRIVATE_KEY
from tests.sandbox.github_wire import small_world

READ_TIMEOUT = timedelta(seconds=1)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NEVER = BreakerConfig(failure_threshold=1_000)


class WatchedGate(Gate):
    """Remembers every outcome."""

    def __init__(self, service: str, config: BreakerConfig = NEVER) -> None:
        super().__init__(service, config)
        self._seen: Counter[Outcome] = Counter()

    @property
    def outcomes(self) -> dict[Outcome, int]:
        self.ruling()
        self._seen.update(self.take_told().calls)
        return {outcome: count for outcome, count in self._seen.items() if count}


Ask = Callable[[Sandbox, Gate], Awaitable[object]]


def patience() -> None:
    """What a thread does while it waits for its turn."""


def github(sandbox: Sandbox, gate: Gate, tokens: GitHubTokens | None = None) -> GitHubClient:
    return GitHubClient(
        base_url=sandbox.github_url,
        tokens=tokens or PersonalToken(sandbox.credentials.github_token),
        concurrency=1,
        read_timeout=READ_TIMEOUT,
        gate=gate,
    )


async def list_pulls(sandbox: Sandbox, gate: Gate) -> None:
    client = github(sandbox, gate)
    await asyncio.to_thread(client.list_page, "acme/ledger", "pulls", {"state": "closed"}, 1, patience, tuple)


async def ask_graphql(sandbox: Sandbox, gate: Gate) -> None:
    client = github(sandbox, gate)
    await asyncio.to_thread(client.graphql, "acme/ledger", "{ rateLimit { remaining } }", {}, patience, dict)


async def list_as_an_app(sandbox: Sandbox, gate: Gate) -> None:
    tokens = AppTokens(
        base_url=sandbox.github_url, app_id=str(APP.id), private_key=PRIVATE_KEY, timeout=READ_TIMEOUT, gate=gate
    )
    client = github(sandbox, gate, tokens)
    await asyncio.to_thread(client.list_page, "acme/ledger", "pulls", {}, 1, patience, tuple)


async def search_jira(sandbox: Sandbox, gate: Gate) -> None:
    client = jira_client(sandbox, read_timeout=READ_TIMEOUT, gate=gate)
    await asyncio.to_thread(client.user_timezone, patience)
    await asyncio.to_thread(client.search_page, 'project = "PAY"', ["summary"], "", patience, list)


@asynccontextmanager
async def slack(sandbox: Sandbox, gate: Gate) -> AsyncIterator[SlackClient]:
    client = SlackClient(
        base_url=f"{sandbox.slack_url}/api/",
        token=sandbox.credentials.slack_bot_token,
        concurrency=1,
        read_timeout=READ_TIMEOUT,
        gate=gate,
    )
    try:
        yield client
    finally:
        await client.close()


async def post_and_find(sandbox: Sandbox, gate: Gate) -> None:
    async with slack(sandbox, gate) as client:
        channel, ts = await client.post("#payments", "text", [], key="k")
        await client.update(channel, ts, "better", [], key="k")
        await client.find("#payments", "k", LONG_AGO)
        await client.find(channel, "none", LONG_AGO, thread_ts=ts)
        await client.delete(channel, ts)
        await client.delete(channel, ts)


# which stand-in, what is asked of it, and a route for each call that this takes
ASKS: list[tuple[str, Ask, list[str]]] = [
    ("github", list_pulls, ["/pulls"]),
    ("github", ask_graphql, ["/graphql"]),
    ("github", list_as_an_app, ["/installation$", "/access_tokens", "/pulls"]),
    ("jira cloud", search_jira, ["serverInfo", "myself", "search"]),
    ("jira data-center", search_jira, ["serverInfo", "field", "myself", "search"]),
    ("slack", post_and_find, ["postMessage", "chat.update", "conversations.list", "history", "replies", "delete"]),
]
CALLS = [pytest.param(kind, ask, route, id=f"{kind} {route}") for kind, ask, routes in ASKS for route in routes]

SUCCESS, FAILURE, IGNORED, THROTTLED = Outcome.SUCCESS, Outcome.FAILURE, Outcome.IGNORED, Outcome.THROTTLED


def fault(kind: FaultKind, **fields: Any) -> Fault:
    return Fault(kind=kind, service="", count=1, **fields)


FAULTS = [
    *((fault(FaultKind.STATUS, status=status), FAILURE) for status in (500, 502, 503, 504)),
    *((fault(FaultKind.STATUS, status=status), IGNORED) for status in (400, 401, 403, 404, 422)),
    (fault(FaultKind.HTML, status=502), FAILURE),
    (fault(FaultKind.RESET), FAILURE),
    (fault(FaultKind.TRUNCATED), FAILURE),
    (fault(FaultKind.CUT_JSON), FAILURE),
    (fault(FaultKind.MALFORMED), FAILURE),
    (fault(FaultKind.EMPTY), FAILURE),
    (fault(FaultKind.COMMITTED_TIMEOUT, seconds=1.5), FAILURE),
    (fault(FaultKind.RATE_LIMIT, retry_after_seconds=30), THROTTLED),
    (fault(FaultKind.RATE_LIMIT, retry_after_seconds=30, retry_after_as_date=True), THROTTLED),
    (fault(FaultKind.SLOW_DRIP, seconds=0.2), SUCCESS),
    (fault(FaultKind.LATENCY, latency_ms=50), SUCCESS),
]


@asynccontextmanager
async def sandbox_for(kind: str) -> AsyncIterator[Sandbox]:
    service, _, deployment = kind.partition(" ")
    world = demo_world("2026-W47")
    world.jira_deployment = "data-center" if deployment == "data-center" else "cloud"
    world.github_app = APP
    async with run_sandbox(world, services=(service,)) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("broken", "outcome"), FAULTS, ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else ""
)
@pytest.mark.parametrize(("kind", "ask", "route"), CALLS)
async def test_one_call_has_one_outcome(kind: str, ask: Ask, route: str, broken: Fault, outcome: Outcome) -> None:
    service = kind.partition(" ")[0]
    if service == "slack" and outcome is IGNORED and broken.status in {400, 404, 422}:
        return  # Slack words our mistakes as `ok: false`, see below
    gate = WatchedGate(service)
    async with sandbox_for(kind) as sandbox:
        sandbox.faults.add(broken.model_copy(update={"service": service, "route": route}))
        with suppress(Exception):
            await ask(sandbox, gate)
    # Once it has stopped: a record is written after its answer.
    requests = sandbox.log.select(service)
    told = gate.outcomes
    assert any(record.faults for record in requests), "the fault was never met"
    assert sum(told.values()) == len(requests)
    if outcome is not SUCCESS:
        assert told.pop(outcome) == 1
    assert set(told) <= {SUCCESS, IGNORED}


@pytest.mark.parametrize(("kind", "ask"), [pytest.param(kind, ask, id=kind) for kind, ask, _ in ASKS])
async def test_a_refused_connection_is_an_outcome_too(kind: str, ask: Ask) -> None:
    service = kind.partition(" ")[0]
    gate = WatchedGate(service)
    async with sandbox_for(kind) as sandbox:
        sandbox.pause(service)
        with suppress(Exception):
            await ask(sandbox, gate)
    assert gate.outcomes == {FAILURE: 1}


async def test_githubs_secondary_limit_is_throttling() -> None:
    gate = WatchedGate("github")
    async with sandbox_for("github") as sandbox:
        sandbox.faults.add(Fault(kind=FaultKind.SECONDARY_LIMIT, service="github"))
        with suppress(Exception):
            await list_pulls(sandbox, gate)
    assert gate.outcomes == {THROTTLED: 1}


@pytest.mark.parametrize("channel", ["C404", "#nowhere"])
async def test_what_slack_refuses_does_not_count(channel: str) -> None:
    gate = WatchedGate("slack")
    async with sandbox_for("slack") as sandbox, slack(sandbox, gate) as client:
        for call in (client.post(channel, "text", [], key="k"), client.find(channel, "k", LONG_AGO)):
            with pytest.raises(Exception):  # noqa: B017, PT011
                await call
    assert FAILURE not in gate.outcomes


# GitHub as a whole: roads, renewed tokens, moved repositories, answers that only their reader finds wrong.


@asynccontextmanager
async def gated_stage(world: World, url: str, gate: WatchedGate, **options: Any) -> AsyncIterator[GitHubStage]:
    async with github_stage(world, url, gate=gate, **options) as stage:
        yield stage
        assert sum(gate.outcomes.values()) == len(stage.asked), "each request is one outcome"


def app_tokens(gate: Gate) -> Callable[[Sandbox], GitHubTokens]:
    return lambda sandbox: AppTokens(
        base_url=sandbox.github_url, app_id=str(APP.id), private_key=PRIVATE_KEY, timeout=READ_TIMEOUT, gate=gate
    )


@pytest.mark.parametrize("road", ["graphql", "rest"])
async def test_a_whole_collection_is_as_many_outcomes_as_requests(url: str, road: str) -> None:
    gate = WatchedGate("github")
    async with gated_stage(busy_world(), url, gate) as stage:
        await stage.collect(REPOSITORY, road)
        await stage.collect(REPOSITORY, road)
        assert {record.status for record in stage.asked} == {200, 304}


@pytest.mark.parametrize("road", ["graphql", "rest"])
async def test_a_refused_token_and_the_call_with_the_next_one_are_two_calls(url: str, road: str) -> None:
    gate, world = WatchedGate("github"), small_world(5)
    world.github_app = APP
    async with gated_stage(world, url, gate, tokens=app_tokens(gate)) as stage:
        await stage.collect(REPOSITORY, road)
        await stage.forget()
        stage.sandbox.change(RevokeTokens())
        await stage.collect(REPOSITORY, road)
        assert [record.status for record in stage.asked].count(401) == 1
        assert gate.outcomes[IGNORED] == 1
        assert FAILURE not in gate.outcomes


@pytest.mark.parametrize("road", ["graphql", "rest"])
async def test_a_redirect_is_an_answer_and_what_it_means_another_call(url: str, road: str) -> None:
    gate, world = WatchedGate("github"), small_world(5)
    world.repositories[REPOSITORY].former_names = ["acme/payments"]
    async with gated_stage(world, url, gate) as stage:
        await stage.collect("acme/payments", road)
        assert [record.status for record in stage.asked].count(301) >= 1


NULL_TITLE = Fault(
    kind=FaultKind.NULLS, service="github", route="/graphql", field="data.repository.pullRequests.nodes.*.title"
)
CURSOR = Fault(
    kind=FaultKind.REPEATED_CURSOR, service="github", route="/graphql", after=1, field="data.repository.pullRequests"
)
NULL_NUMBER = Fault(kind=FaultKind.NULLS, service="github", route="/pulls", field="*.number")
PARTIAL = Fault(kind=FaultKind.PARTIAL, service="github", route="/graphql", field="data.repository.releases")


@pytest.mark.parametrize(
    ("road", "broken"), [("graphql", NULL_TITLE), ("graphql", CURSOR), ("rest", NULL_NUMBER), ("graphql", PARTIAL)],
    ids=["a null", "a cursor that turns back", "a null in a list", "partial data"],
)  # fmt: skip
async def test_an_answer_that_only_its_reader_finds_wrong_is_a_failure_of_its_call(
    url: str, road: str, broken: Fault
) -> None:
    gate = WatchedGate("github")
    async with gated_stage(busy_world(), url, gate) as stage:
        stage.sandbox.faults.add(broken)
        with pytest.raises(Exception):  # noqa: B017, PT011
            await stage.collect(REPOSITORY, road)
        broken_answers = [record for record in stage.asked if record.faults]
        counted = [record for record in broken_answers if not is_halved(record, broken_answers)]
        assert gate.outcomes[FAILURE] == len(counted) > 0


def is_halved(record: RequestRecord, answers: list[RequestRecord]) -> bool:
    """Whether it was followed by the same question for a smaller page."""
    return record.path == "/graphql" and record is not answers[-1]


# Which failures of GraphQL are evidence against GitHub.

TOO_HEAVY = Fault(kind=FaultKind.STATUS, service="github", route="^/graphql", status=502)
PAGE_SIZES = 5
"""100, 50, 25, 12, 6."""


@pytest.mark.parametrize(
    "broken",
    [
        TOO_HEAVY,
        TOO_HEAVY.model_copy(update={"status": 504}),
        Fault(kind=FaultKind.COMMITTED_TIMEOUT, service="github", route="^/graphql", seconds=1.5),
        PARTIAL,
    ],
    ids=["502", "504", "a time-out", "an error without a type"],
)
async def test_a_page_that_is_too_heavy_is_no_failure_of_github_and_only_the_smallest_one_is(
    url: str, broken: Fault
) -> None:
    gate = WatchedGate("github")
    async with gated_stage(small_world(5), url, gate, read_timeout=READ_TIMEOUT) as stage:
        stage.sandbox.faults.add(broken)
        with pytest.raises(Exception):  # noqa: B017, PT011
            await stage.collect(REPOSITORY, "graphql")
        assert (gate.outcomes[IGNORED], gate.outcomes[FAILURE]) == (PAGE_SIZES - 1, 1)


async def test_where_rest_is_asked_next_no_failure_of_graphql_counts(url: str) -> None:
    gate = WatchedGate("github")
    async with gated_stage(small_world(5), url, gate) as stage:
        stage.sandbox.faults.add(TOO_HEAVY)
        assert (await stage.collect(REPOSITORY, "auto")).road == "rest"
        assert FAILURE not in gate.outcomes
        assert gate.outcomes[IGNORED] == PAGE_SIZES


@pytest.mark.parametrize(("road", "failures"), [("auto", 0), ("graphql", 1)])
async def test_a_graphql_that_is_down_counts_only_where_it_is_the_only_road(url: str, road: str, failures: int) -> None:
    gate = WatchedGate("github")
    async with gated_stage(small_world(5), url, gate) as stage:
        stage.sandbox.faults.add(TOO_HEAVY.model_copy(update={"status": 503}))
        with pytest.raises(Exception, match="503"):
            await stage.collect(REPOSITORY, road)
        assert gate.outcomes.get(FAILURE, 0) == failures


async def test_a_github_that_is_down_altogether_counts_by_what_rest_answers(url: str) -> None:
    gate = WatchedGate("github")
    async with gated_stage(small_world(5), url, gate) as stage:
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=502))
        with pytest.raises(Exception, match="502"):
            await stage.collect(REPOSITORY, "auto")
        rest = [record for record in stage.asked_of("rest") if record.status == 502]
        assert gate.outcomes == {IGNORED: PAGE_SIZES, FAILURE: len(rest)}
        assert len(rest) == 2, "before GraphQL, and after it"


# An open breaker.


def open_standing() -> Standing:
    now = datetime.now(UTC)
    return Standing(
        service="github", state=State.OPEN, generation=1, retry_at=now + timedelta(minutes=5), changed_at=now,
        probes_allowed=5, reason="10 failures in 15 min",
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "ask"), [pytest.param(kind, ask, id=kind) for kind, ask, _ in ASKS])
async def test_an_open_breaker_costs_no_call(kind: str, ask: Ask) -> None:
    gate = WatchedGate(kind.partition(" ")[0])
    gate.learn(open_standing().model_copy(update={"service": gate.service}), None)
    async with sandbox_for(kind) as sandbox:
        with pytest.raises(CircuitOpen, match="10 failures in 15 min"):
            await ask(sandbox, gate)
        assert sandbox.log.select() == []
    assert gate.outcomes == {}


@pytest.mark.parametrize("road", ["graphql", "rest"])
async def test_a_breaker_that_opens_in_mid_page_stops_the_next_page_and_what_was_stored_stays(
    url: str, road: str
) -> None:
    gate = WatchedGate("github")
    async with gated_stage(busy_world(), url, gate) as stage:

        def open_after(count: int) -> None:
            if len(stage.asked_of(road)) == count:
                gate.learn(open_standing(), None)

        stage.meanwhile.append(lambda: open_after(2))
        with pytest.raises(CircuitOpen):
            await stage.collect(REPOSITORY, road, collection_id="one")
        assert len(stage.asked_of(road)) == 2
        gate.learn(open_standing().model_copy(update={"state": State.CLOSED, "retry_at": None, "generation": 2}), None)
        collected = await stage.collect(REPOSITORY, road, collection_id="one")
        assert collected.pages_resumed >= 1
        assert collected.counts["pull_requests"] == 250
