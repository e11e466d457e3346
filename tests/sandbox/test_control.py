"""The control API and the server process: what scripts and benchmarks use instead of Python."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import requests

from sandbox.faults import WHAT_HAPPENS
from sandbox.running import SERVICES, Sandbox, run_sandbox
from sandbox.worlds.demo import demo_world
from tests.sandbox.github_wire import session, small_world

ROOT = Path(__file__).parents[2]


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(small_world(), services=["github"]) as running:
        yield running


async def control(sandbox: Sandbox, method: str, path: str, body: Any = None) -> requests.Response:
    return await asyncio.to_thread(requests.request, method, sandbox.control_url + path, json=body, timeout=5)


async def ask(sandbox: Sandbox, path: str = "/user") -> int:
    answer = await asyncio.to_thread(session().get, sandbox.github_url + path, timeout=5)
    return answer.status_code


async def test_requests_are_listed_counted_filtered_and_forgotten(sandbox: Sandbox) -> None:
    await ask(sandbox)
    await ask(sandbox, "/repos/acme/payments-api/pulls?state=all")
    await ask(sandbox, "/repos/acme/nothing")
    answer = (await control(sandbox, "GET", "/requests")).json()
    assert answer["counts"] == {"github": {"total": 3, "200": 2, "404": 1}}
    assert answer["max_in_flight"] == {"github": 1}
    assert answer["requests"][0]["path"] == "/user"
    filtered = (await control(sandbox, "GET", "/requests?service=github&path=pulls$&status=200")).json()
    assert [(entry["query"], entry["is_faulted"]) for entry in filtered["requests"]] == [("state=all", False)]
    assert "requests" not in (await control(sandbox, "GET", "/requests?summary=true")).json()
    assert (await control(sandbox, "DELETE", "/requests")).status_code == 204
    assert (await control(sandbox, "GET", "/requests")).json()["count"] == 0


async def test_faults_are_added_listed_and_cleared(sandbox: Sandbox) -> None:
    added = await control(sandbox, "POST", "/faults", {"kind": "status", "service": "github", "status": 503})
    assert added.status_code == 201
    assert await ask(sandbox) == 503
    [listed] = (await control(sandbox, "GET", "/faults")).json()["faults"]
    assert (listed["id"], listed["kind"], listed["fired"]) == (added.json()["id"], "status", 1)
    assert (await control(sandbox, "GET", "/requests?faulted=true")).json()["count"] == 1
    assert (await control(sandbox, "DELETE", f"/faults/{listed['id']}")).status_code == 204
    assert (await control(sandbox, "DELETE", f"/faults/{listed['id']}")).status_code == 404
    assert await ask(sandbox) == 200


async def test_a_wrong_fault_is_refused_with_the_reason(sandbox: Sandbox) -> None:
    wrong = await control(sandbox, "POST", "/faults", {"kind": "latency", "service": "github"})
    assert (wrong.status_code, "needs latency_ms" in wrong.json()["details"][0]) == (400, True)
    stranger = await control(sandbox, "POST", "/faults", {"kind": "reset", "service": "gitlab"})
    assert (stranger.status_code, stranger.json()["services"]) == (400, ["github"])


async def test_a_question_that_is_no_number_or_pattern_is_refused(sandbox: Sandbox) -> None:
    for query in ("status=fine", "path=("):
        answer = await control(sandbox, "GET", f"/requests?{query}")
        assert (answer.status_code, "error" in answer.json()) == (400, True)


async def test_a_service_is_paused_and_resumed(sandbox: Sandbox) -> None:
    assert (await control(sandbox, "POST", "/services/github/pause")).json()["is_open"] is False
    with pytest.raises(requests.ConnectionError):
        await ask(sandbox)
    assert (await control(sandbox, "GET", "/")).json()["services"]["github"]["is_open"] is False
    assert (await control(sandbox, "POST", "/services/github/resume")).json()["is_open"] is True
    assert await ask(sandbox) == 200
    assert (await control(sandbox, "POST", "/services/gitlab/pause")).status_code == 404


async def test_the_world_says_its_week_and_teams() -> None:
    async with run_sandbox(demo_world(), services=["github"]) as running:
        answer = (await control(running, "GET", "/world")).json()
    assert answer["week"] == "2026-W47"
    [team] = answer["teams"]
    assert (team["team"], team["timezone"], team["projects"]) == ("payments", "Europe/Berlin", ["PAY", "LED"])


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_the_server_says_where_it_is_and_ends_when_told(tmp_path: Path, stop: signal.Signals) -> None:
    ports_file = tmp_path / "ports.json"
    command = [sys.executable, "-m", "sandbox.server", "--world", "demo", "--ports-file", str(ports_file)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220  a moment
    try:
        async with asyncio.timeout(30):
            while not ports_file.exists():
                assert process.poll() is None, "the server ended before it was ready"
                await asyncio.sleep(0.05)
        document = json.loads(ports_file.read_text())
        assert set(document["urls"]) == {*SERVICES, "control"}
        assert document["environment"]["GITHUB_API_URL"] == document["urls"]["github"]
        answer = await asyncio.to_thread(session().get, f"{document['urls']['github']}/user", timeout=5)
        assert answer.status_code == 200
        process.send_signal(stop)
        output, _ = await asyncio.to_thread(process.communicate, timeout=10)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, json.loads(output)) == (0, document)


def test_options_that_do_not_fit_together_are_a_usage_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.server", "--world", "history"],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--world history needs --history DIR" in done.stderr


async def browser(sandbox: Sandbox, method: str, path: str, **fields: str) -> requests.Response:
    as_browsers_do = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Site": "same-origin"}
    return await asyncio.to_thread(
        requests.request, method, sandbox.control_url + path, data=fields, headers=as_browsers_do, timeout=5
    )


async def test_a_browser_gets_a_page_that_leads_to_all_that_can_be_looked_at() -> None:
    async with run_sandbox(demo_world()) as sandbox:
        page = await browser(sandbox, "GET", "/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        for place in ("slack", "smtp", "webhook", "status"):
            assert f'href="{sandbox.urls[place]}/' in page.text
        assert "None: every stand-in answers as it should." in page.text
        for kind, what in WHAT_HAPPENS.items():
            assert f"<dt><code>{kind}</code></dt>" in page.text
            assert what.split("`")[0].split("'")[0] in page.text
        assert all(url in page.text for url in sandbox.urls.values())


async def test_faults_are_switched_on_and_ended_on_the_page(sandbox: Sandbox) -> None:
    shown = await browser(sandbox, "POST", "/page/faults", kind="status", service="github", status="502", count="")
    assert (shown.status_code, shown.history[0].status_code) == (200, 303)
    assert await ask(sandbox) == 502
    page = (await browser(sandbox, "GET", "/")).text
    assert "An error <code>status</code> with a JSON body" in page
    assert "status 502" in page
    await browser(sandbox, "POST", "/page/faults/clear", id="1")
    assert await ask(sandbox) == 200
    again = await browser(sandbox, "POST", "/page/faults/clear", id="1")
    assert again.status_code == 200, "who presses twice is not scolded"
    await browser(sandbox, "POST", "/page/services/pause", service="github")
    with pytest.raises(requests.ConnectionError):
        await ask(sandbox)
    assert ">closed<" in (await browser(sandbox, "GET", "/")).text
    await browser(sandbox, "POST", "/page/services/resume", service="github")
    assert await ask(sandbox) == 200


async def test_what_the_page_cannot_do_it_says(sandbox: Sandbox) -> None:
    wrong = await browser(sandbox, "POST", "/page/faults", kind="latency", service="github")
    assert (wrong.status_code, "That is no fault: a latency fault needs latency_ms" in wrong.text) == (400, True)
    hostile = await browser(sandbox, "POST", "/page/faults", kind="reset", service="<script>alert(1)</script>")
    assert (hostile.status_code, "<script>" in hostile.text) == (400, False)
    assert (await browser(sandbox, "POST", "/page/services/pause", service="gitlab")).status_code == 400
    foreign = {"Sec-Fetch-Site": "cross-site"}
    refused = await asyncio.to_thread(
        requests.post, f"{sandbox.control_url}/page/faults/clear", headers=foreign, timeout=5
    )
    assert refused.status_code == 403
