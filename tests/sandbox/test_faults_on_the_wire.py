"""Each fault as a client meets it: PyGithub's reaction is the one that reference measurements found."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import pytest_asyncio
import requests
from github import GithubException, RateLimitExceededException

from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from tests.sandbox.github_wire import client, session, small_world

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(small_world(60), clock=lambda: NOW, services=["github"]) as running:
        yield running


async def list_pulls(sandbox: Sandbox) -> int:
    """How many pull requests PyGithub finds. One request; two when there is more than a page."""

    def count() -> int:
        requester = client(sandbox).requester
        _, data = requester.requestJsonAndCheck("GET", "/repos/acme/payments-api/pulls?state=all&per_page=100")
        return len(data or [])

    return await asyncio.to_thread(count)


async def get(sandbox: Sandbox, path: str = "/user") -> requests.Response:
    return await asyncio.to_thread(session().get, sandbox.github_url + path, timeout=5)


def fault(kind: FaultKind, **more: Any) -> Fault:
    return Fault(kind=kind, service="github", **more)


def status_is(status: int) -> Callable[[Exception], bool]:
    return lambda error: type(error) is GithubException and error.status == status


def limit_is_exceeded(error: Exception) -> bool:
    return isinstance(error, RateLimitExceededException)


def network_failed(error: Exception) -> bool:
    return isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError)


def timed_out(error: Exception) -> bool:
    return isinstance(error, requests.ReadTimeout)


def answer_is_no_json(error: Exception) -> bool:
    return isinstance(error, ValueError) and not isinstance(error, requests.RequestException)


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (fault(FaultKind.STATUS, status=500), status_is(500)),
        (fault(FaultKind.STATUS, status=503), status_is(503)),
        (fault(FaultKind.STATUS, status=422), status_is(422)),
        (fault(FaultKind.HTML, status=502), status_is(502)),
        (fault(FaultKind.RATE_LIMIT, retry_after_seconds=8), status_is(429)),
        (fault(FaultKind.SECONDARY_LIMIT, retry_after_seconds=30), limit_is_exceeded),
        (fault(FaultKind.RESET), network_failed),
        (fault(FaultKind.TRUNCATED), network_failed),
        (fault(FaultKind.REFUSED), network_failed),
        (fault(FaultKind.CUT_JSON), answer_is_no_json),
        (fault(FaultKind.MALFORMED), answer_is_no_json),
        (fault(FaultKind.COMMITTED_TIMEOUT, seconds=3), timed_out),
        (fault(FaultKind.LATENCY, latency_ms=3000), timed_out),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Fault) else "",
)
async def test_pygithub_meets_the_fault_and_recovers_when_it_is_cleared(
    sandbox: Sandbox, broken: Fault, expected: Callable[[Exception], bool]
) -> None:
    sandbox.faults.add(broken)
    with pytest.raises(Exception) as failed:  # noqa: PT011  what it must be is the table's
        await list_pulls(sandbox)
    assert expected(failed.value), repr(failed.value)
    sandbox.faults.clear()
    assert await list_pulls(sandbox) == 62


async def test_an_empty_200_is_silently_no_result_for_pygithub(sandbox: Sandbox) -> None:
    """Why the product must guard."""
    sandbox.faults.add(fault(FaultKind.EMPTY))
    assert await list_pulls(sandbox) == 0


async def test_a_slow_drip_arrives_whole(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.SLOW_DRIP, seconds=0.4))
    assert await list_pulls(sandbox) == 62


async def test_two_failures_and_then_the_truth(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.STATUS, status=503, count=2))
    assert [(await get(sandbox)).status_code for _ in range(3)] == [503, 503, 200]


async def test_retry_after_comes_in_seconds_or_as_a_date(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.RATE_LIMIT, retry_after_seconds=90, count=1))
    sandbox.faults.add(fault(FaultKind.RATE_LIMIT, retry_after_seconds=90, retry_after_as_date=True))
    in_seconds, as_date = await get(sandbox), await get(sandbox)
    assert in_seconds.headers["Retry-After"] == "90"
    assert in_seconds.headers["X-RateLimit-Remaining"] == "0"
    assert parsedate_to_datetime(as_date.headers["Retry-After"]) == NOW + timedelta(seconds=90)


async def test_the_secondary_limit_is_documented_in_its_body(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.SECONDARY_LIMIT, retry_after_seconds=60))
    answer = await get(sandbox)
    assert (answer.status_code, answer.headers["Retry-After"]) == (403, "60")
    assert answer.json()["message"].startswith("You have exceeded a secondary rate limit")
    assert "secondary-rate-limits" in answer.json()["documentation_url"]


async def test_an_html_page_says_so(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.HTML, status=502))
    answer = await get(sandbox)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "502 Bad Gateway" in answer.text


async def test_a_reset_is_a_tcp_reset(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.RESET))
    port = int(sandbox.github_url.rpartition(":")[2])

    def talk() -> int:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /user HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try:
                connection.recv(10)
            except OSError as error:
                return error.errno or 0
            return 0

    assert await asyncio.to_thread(talk) == errno.ECONNRESET


async def connection_error(sandbox: Sandbox) -> int:
    port = int(sandbox.github_url.rpartition(":")[2])
    with socket.socket() as probe:
        return await asyncio.to_thread(probe.connect_ex, ("127.0.0.1", port))


async def test_a_refused_port_is_really_closed_and_opens_by_itself(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.REFUSED, seconds=0.3))
    assert await connection_error(sandbox) == errno.ECONNREFUSED
    async with asyncio.timeout(10):
        while await connection_error(sandbox):
            await asyncio.sleep(0.02)
    assert (await get(sandbox)).status_code == 200


async def test_a_port_stays_closed_until_it_is_resumed(sandbox: Sandbox) -> None:
    keeps_alive = session()
    await asyncio.to_thread(keeps_alive.get, f"{sandbox.github_url}/user", timeout=5)
    sandbox.pause("github")
    sandbox.pause("github")
    with pytest.raises(requests.ConnectionError):
        await asyncio.to_thread(keeps_alive.get, f"{sandbox.github_url}/user", timeout=5)
    sandbox.resume("github")
    sandbox.resume("github")
    assert (await get(sandbox)).status_code == 200


async def test_a_refusal_of_a_route_begins_with_its_request(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.REFUSED, route="/pulls$", after=1))
    assert await list_pulls(sandbox) == 62
    with pytest.raises(requests.ConnectionError):
        await list_pulls(sandbox)
    assert await connection_error(sandbox) == errno.ECONNREFUSED


async def test_the_log_tells_faulted_answers_from_true_ones(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.LATENCY, latency_ms=1))
    sandbox.faults.add(fault(FaultKind.STATUS, status=500, count=1))
    sandbox.faults.add(fault(FaultKind.RESET, count=1))
    await get(sandbox)
    with pytest.raises(requests.ConnectionError):
        await get(sandbox)
    await get(sandbox)
    records = sandbox.log.select("github")
    assert [record.faults for record in records] == [("latency", "status"), ("latency", "reset"), ("latency",)]
    assert [record.status for record in records] == [500, None, 200]
    assert [record.is_faulted for record in records] == [True, True, False]
    assert len(sandbox.log.select(faulted=True)) == 2


async def test_the_log_counts_how_many_were_answered_at_once(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.LATENCY, latency_ms=300))
    await asyncio.gather(*(get(sandbox, f"/repos/acme/payments-api?n={number}") for number in range(5)))
    assert sandbox.log.max_in_flight == {"github": 5}
    assert sandbox.log.counts() == {"github": {"total": 5, "200": 5}}
    assert {record.query for record in sandbox.log.select(path="payments")} == {f"n={number}" for number in range(5)}
    assert sorted(record.in_flight_at_start for record in sandbox.log.select()) == list(range(1, 6))
    sandbox.log.clear()
    assert (sandbox.log.select(), sandbox.log.max_in_flight) == ([], {"github": 0})


async def test_a_fault_about_one_thing_is_found_in_the_query_and_in_the_body(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.STATUS, about="acme/web"))

    async def post(repository: str) -> requests.Response:
        body = {"query": "query($name: String) { rateLimit { cost } }", "variables": {"name": repository}}
        return await asyncio.to_thread(session().post, f"{sandbox.github_url}/graphql", json=body, timeout=5)

    assert [(await post(name)).status_code for name in ("acme/web", "acme/api")] == [503, 200]
    assert [(await get(sandbox, f"/user?of={name}")).status_code for name in ("acme%2Fweb", "acme%2Fapi")] == [503, 200]
