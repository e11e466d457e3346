"""Status pages and Atom feeds of a world, as a program meets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from xml.etree import ElementTree

import pytest
import pytest_asyncio
import requests

from sandbox.changes import ReportStatus
from sandbox.running import Sandbox, run_sandbox
from sandbox.worlds.demo import demo_world

ATOM = "{http://www.w3.org/2005/Atom}"
NAME = "acme/payments-api"


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world(), services=["status", "feed"]) as running:
        yield running


async def get(url: str) -> requests.Response:
    return await asyncio.to_thread(requests.get, url, timeout=5)


async def test_a_status_page_says_that_all_is_well_until_it_is_told_otherwise(sandbox: Sandbox) -> None:
    page = sandbox.status_pages["github"]
    summary = (await get(f"{page}/api/v2/summary.json")).json()
    assert summary["status"] == {"indicator": "none", "description": "All Systems Operational"}
    assert {component["status"] for component in summary["components"]} == {"operational"}
    assert summary["incidents"] == []


async def test_a_reported_incident_stands_on_its_service_s_page_alone(sandbox: Sandbox) -> None:
    sandbox.change(ReportStatus(service="github", indicator="major", incident="API errors"))
    summary = (await get(f"{sandbox.status_pages['github']}/api/v2/summary.json")).json()
    status = (await get(f"{sandbox.status_pages['github']}/api/v2/status.json")).json()
    (incident,) = summary["incidents"]
    assert status["status"] == summary["status"] == {"indicator": "major", "description": "Partial System Outage"}
    assert (incident["name"], incident["impact"], incident["resolved_at"]) == ("API errors", "major", None)
    assert (await get(incident["shortlink"])).status_code == 200
    assert (await get(f"{sandbox.status_pages['jira']}/api/v2/summary.json")).json()["incidents"] == []
    assert (await get(f"{sandbox.urls['status']}/slack/api/v2/summary.json")).status_code == 404


@pytest.mark.parametrize("path", ["commits.atom", "commits/main.atom"])
async def test_the_feed_of_commits_has_the_latest_twenty_with_their_shas(sandbox: Sandbox, path: str) -> None:
    answer = await get(f"{sandbox.urls['feed']}/{NAME}/{path}")
    entries = ElementTree.fromstring(answer.content).findall(f"{ATOM}entry")
    newest = sandbox.world.repositories[NAME].commits[:20]
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert ids == [f"tag:github.com,2008:Grit::Commit/{commit.sha}" for commit in newest]
    titles = [(entry.findtext(f"{ATOM}title") or "").strip() for entry in entries]
    assert all(len(title) <= 80 for title in titles)
    assert any(title.endswith("…") for title in titles) or max(map(len, titles)) < 80


async def test_the_feed_of_releases_has_their_tags_in_its_links(sandbox: Sandbox) -> None:
    name = next(name for name, one in sandbox.world.repositories.items() if one.releases)
    answer = await get(f"{sandbox.urls['feed']}/{name}/releases.atom")
    links = [link.get("href", "") for link in ElementTree.fromstring(answer.content).iter(f"{ATOM}link")]
    for release in sandbox.world.repositories[name].releases:
        assert any(link.endswith(f"/releases/tag/{release.tag}") for link in links)


async def test_there_is_no_feed_of_what_is_not_there(sandbox: Sandbox) -> None:
    assert (await get(f"{sandbox.urls['feed']}/acme/nothing/commits.atom")).status_code == 404
    assert (await get(f"{sandbox.urls['feed']}/{NAME}/commits/nothing.atom")).status_code == 404
