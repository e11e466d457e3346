"""All three services in one sandbox: each fails alone, and in its own words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
import requests
from slack_sdk import WebClient

from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from sandbox.service import Credentials
from sandbox.worlds.demo import demo_world


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world()) as running:
        yield running


async def get(url: str) -> requests.Response:
    return await asyncio.to_thread(requests.get, url, timeout=5)


def slack(sandbox: Sandbox, timeout: int = 5) -> WebClient:
    base_url = sandbox.environment["SLACK_API_URL"]
    return WebClient(Credentials().slack_bot_token, base_url=base_url, timeout=timeout, retry_handlers=[])


async def test_every_error_is_worded_as_its_service_words_it(sandbox: Sandbox) -> None:
    for service in ("github", "jira", "slack"):
        sandbox.faults.add(Fault(kind=FaultKind.STATUS, service=service, status=503))
    assert (await get(sandbox.github_url)).json()["message"] == "Service Unavailable"
    assert (await get(sandbox.jira_url)).json()["errorMessages"] == ["The service is temporarily unavailable."]
    assert (await get(sandbox.slack_url)).json() == {"ok": False, "error": "service_unavailable"}


async def test_a_401_of_jira_is_the_same_by_fault_and_by_a_wrong_token(sandbox: Sandbox) -> None:
    url = f"{sandbox.jira_url}/rest/api/3/myself"
    refused = await get(url)
    sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", status=401))
    broken = await get(url)
    assert broken.json() == refused.json()
    assert set(broken.json()) == {"message", "status-code"}


async def test_a_429_carries_what_each_service_documents(sandbox: Sandbox) -> None:
    for service in ("github", "jira", "slack"):
        sandbox.faults.add(Fault(kind=FaultKind.RATE_LIMIT, service=service, retry_after_seconds=7))
    answers = [await get(url) for url in (sandbox.github_url, sandbox.jira_url, sandbox.slack_url)]
    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in answers] == [(429, "7")] * 3
    assert answers[0].headers["X-RateLimit-Remaining"] == "0"
    assert answers[1].headers["RateLimit-Reason"] == "jira-burst-based"
    assert answers[1].headers["X-RateLimit-NearLimit"] == "true"
    reset = datetime.fromisoformat(answers[1].headers["X-RateLimit-Reset"])
    assert timedelta(seconds=5) < reset - datetime.now(UTC) < timedelta(seconds=70)
    assert answers[2].json()["error"] == "ratelimited"


async def test_one_service_down_leaves_the_others_up(sandbox: Sandbox) -> None:
    sandbox.pause("jira")
    with pytest.raises(requests.ConnectionError):
        await get(sandbox.jira_url)
    assert (await get(f"{sandbox.github_url}/user")).status_code == 401
    assert (await asyncio.to_thread(slack(sandbox).auth_test))["ok"]


async def test_a_message_is_posted_although_its_answer_came_too_late(sandbox: Sandbox) -> None:
    """The duplicate risk: the client saw a time-out, the channel has the message."""
    sandbox.faults.add(
        Fault(kind=FaultKind.COMMITTED_TIMEOUT, service="slack", route="postMessage", seconds=3, count=1)
    )
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(slack(sandbox, timeout=1).chat_postMessage, channel="payments", text="week 47")
    listed = await asyncio.to_thread(slack(sandbox).conversations_list)
    [channel] = [one["id"] for one in listed["channels"] if one["name"] == "payments"]
    history = await asyncio.to_thread(slack(sandbox).conversations_history, channel=channel)
    assert [message["text"] for message in history["messages"]] == ["week 47"]
