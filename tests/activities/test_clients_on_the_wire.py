"""Our clients against faults on the wire: one call is one request, and nobody sleeps but Temporal."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from activities.clients.github import GitHubClient
from activities.clients.github_access import PersonalToken
from activities.clients.slack import SlackClient
from devsync.domain.errors import ErrorCategory
from devsync.runtime.classification import classify
from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from sandbox.worlds.demo import demo_world
from tests.activities.jira_clients import jira_client

Call = Callable[[Sandbox], Awaitable[object]]

READ_TIMEOUT = timedelta(seconds=1)
FAR_HINT_SECONDS = 30
ROUTES = {"github": "/pulls", "jira": "/search/jql", "jira data-center": "/search", "slack": "chat.postMessage"}


@asynccontextmanager
async def sandbox_for(kind: str) -> AsyncIterator[Sandbox]:
    world = demo_world("2026-W47")
    if kind == "jira data-center":
        world.jira_deployment = "data-center"
    async with run_sandbox(world) as running:
        yield running


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with sandbox_for("github") as running:
        yield running


async def ask_github(sandbox: Sandbox) -> object:
    client = GitHubClient(
        base_url=sandbox.github_url,
        tokens=PersonalToken(sandbox.credentials.github_token),
        concurrency=1,
        read_timeout=READ_TIMEOUT,
    )
    return await asyncio.to_thread(
        client.list_page, "acme/ledger", "pulls", {"state": "closed"}, 1, lambda: None, tuple
    )


async def ask_jira(sandbox: Sandbox) -> object:
    client = jira_client(sandbox, read_timeout=READ_TIMEOUT)
    return await asyncio.to_thread(client.search_page, 'project = "PAY"', ["summary"], "", lambda: None, list)


async def ask_slack(sandbox: Sandbox) -> object:
    client = SlackClient(
        base_url=f"{sandbox.slack_url}/api/",
        token=sandbox.credentials.slack_bot_token,
        concurrency=1,
        read_timeout=READ_TIMEOUT,
    )
    try:
        return await client.post("#payments", "text", [], key="k")
    finally:
        await client.close()


ASK: dict[str, Call] = {"github": ask_github, "jira": ask_jira, "jira data-center": ask_jira, "slack": ask_slack}

NETWORK, EXTERNAL = ErrorCategory.NETWORK, ErrorCategory.EXTERNAL_SERVICE
LIMIT, CREDENTIALS = ErrorCategory.RATE_LIMITING, ErrorCategory.AUTHENTICATION

# fault, category, is retryable
FAULTS = [
    (Fault(kind=FaultKind.STATUS, service="", status=500), EXTERNAL, True),
    (Fault(kind=FaultKind.STATUS, service="", status=503), EXTERNAL, True),
    (Fault(kind=FaultKind.STATUS, service="", status=401), CREDENTIALS, False),
    (Fault(kind=FaultKind.HTML, service="", status=502), EXTERNAL, True),
    (Fault(kind=FaultKind.RATE_LIMIT, service="", retry_after_seconds=FAR_HINT_SECONDS), LIMIT, True),
    (
        Fault(kind=FaultKind.RATE_LIMIT, service="", retry_after_seconds=FAR_HINT_SECONDS, retry_after_as_date=True),
        LIMIT,
        True,
    ),
    (Fault(kind=FaultKind.RESET, service=""), NETWORK, True),
    (Fault(kind=FaultKind.EMPTY, service=""), EXTERNAL, True),
    (Fault(kind=FaultKind.TRUNCATED, service=""), NETWORK, True),
    (Fault(kind=FaultKind.CUT_JSON, service=""), EXTERNAL, True),
    (Fault(kind=FaultKind.MALFORMED, service=""), EXTERNAL, True),
    (Fault(kind=FaultKind.COMMITTED_TIMEOUT, service="", seconds=2), NETWORK, True),
]


@pytest.mark.parametrize("kind", list(ASK))
@pytest.mark.parametrize(
    ("fault", "category", "is_retryable"),
    FAULTS,
    ids=lambda value: f"{value.kind.value}-{value.status}" if isinstance(value, Fault) else str(value),
)
async def test_one_call_is_one_request_and_its_failure_is_understood(
    kind: str, fault: Fault, category: ErrorCategory, is_retryable: bool
) -> None:
    service = kind.split(maxsplit=1)[0]
    async with sandbox_for(kind) as sandbox:
        sandbox.faults.add(fault.model_copy(update={"service": service, "route": ROUTES[kind]}))
        began = time.monotonic()
        with pytest.raises(Exception) as raised:  # noqa: PT011 (each library raises its own; classify tells them apart)
            await ASK[kind](sandbox)
        assert time.monotonic() - began < FAR_HINT_SECONDS / 2, "somebody slept through the server's hint"
        assert len(sandbox.log.select(service, path=ROUTES[kind])) == 1
    failure = classify(raised.value, service, datetime.now(UTC))
    assert (failure.category, failure.is_retryable) == (category, is_retryable), failure
    if fault.kind is FaultKind.RATE_LIMIT:
        assert failure.retry_after is not None
        assert FAR_HINT_SECONDS - 3 <= failure.retry_after.total_seconds() <= FAR_HINT_SECONDS
        assert not failure.may_have_taken_effect
    elif is_retryable:
        assert failure.may_have_taken_effect


@pytest.mark.parametrize("service", ["github", "jira", "slack"])
async def test_a_call_asks_for_nothing_beside_what_it_is_for(sandbox: Sandbox, service: str) -> None:
    await ASK[service](sandbox)
    assert [record.path for record in sandbox.log.select(service) if not re.search(ROUTES[service], record.path)] == []


@pytest.mark.parametrize("kind", list(ASK))
async def test_a_refused_connection_certainly_had_no_effect(kind: str) -> None:
    service = kind.split(maxsplit=1)[0]
    async with sandbox_for(kind) as sandbox:
        sandbox.pause(service)
        with pytest.raises(Exception) as raised:  # noqa: PT011
            await ASK[kind](sandbox)
    failure = classify(raised.value, service, datetime.now(UTC))
    assert (failure.category, failure.is_retryable) == (NETWORK, True)
    assert service != "slack" or not failure.may_have_taken_effect


async def test_githubs_secondary_limit_is_throttling_and_no_lack_of_permission(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.SECONDARY_LIMIT, service="github", retry_after_seconds=FAR_HINT_SECONDS))
    with pytest.raises(Exception) as raised:  # noqa: PT011
        await ask_github(sandbox)
    failure = classify(raised.value, "github", datetime.now(UTC))
    assert (failure.category, failure.retry_after) == (LIMIT, timedelta(seconds=FAR_HINT_SECONDS))


async def test_githubs_hourly_limit_is_waited_out_and_no_lack_of_permission() -> None:
    world = demo_world("2026-W47")
    world.github_hourly_limit = 1
    async with run_sandbox(world) as sandbox:
        await ask_github(sandbox)
        with pytest.raises(Exception) as raised:  # noqa: PT011
            await ask_github(sandbox)
        assert [record.status for record in sandbox.log.select("github")] == [200, 403]
    failure = classify(raised.value, "github", datetime.now(UTC))
    assert (failure.category, failure.is_retryable) == (LIMIT, True)
    assert failure.retry_after is not None
    assert timedelta(minutes=59) < failure.retry_after <= timedelta(hours=1)


@pytest.mark.parametrize("kind", ["github", "jira", "jira data-center"])
async def test_an_answer_that_keeps_trickling_is_read_to_its_end(kind: str) -> None:
    """The read time-out bounds each silence, not the whole; a heartbeat that stays out bounds that."""
    async with sandbox_for(kind) as sandbox:
        whole = await ASK[kind](sandbox)
        drip = Fault(kind=FaultKind.SLOW_DRIP, service=kind.split(maxsplit=1)[0], route=ROUTES[kind], seconds=2)
        sandbox.faults.add(drip)
        assert await ASK[kind](sandbox) == whole


async def test_slacks_answer_is_bounded_as_a_whole(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.SLOW_DRIP, service="slack", route=ROUTES["slack"], seconds=2))
    with pytest.raises(TimeoutError) as raised:
        await ask_slack(sandbox)
    failure = classify(raised.value, "slack", datetime.now(UTC))
    assert (failure.category, failure.is_retryable, failure.may_have_taken_effect) == (NETWORK, True, True)


async def test_the_declared_concurrency_holds_however_many_threads_ask(sandbox: Sandbox) -> None:
    client = GitHubClient(
        base_url=sandbox.github_url,
        tokens=PersonalToken(sandbox.credentials.github_token),
        concurrency=4,
        read_timeout=timedelta(seconds=10),
    )
    sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=50))
    await asyncio.gather(
        *(asyncio.to_thread(client.list_page, "acme/ledger", "releases", {}, 1, lambda: None, tuple) for _ in range(24))
    )
    in_flight = [record.in_flight_at_start for record in sandbox.log.select("github")]
    assert len(in_flight) == 24
    assert max(in_flight) == 4
