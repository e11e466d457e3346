"""The commands that a person or a script types, as processes of their own: what they print, and how they end."""

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from commands.backdrop import weeks_before
from commands.demo_world import DEMO_TIMEZONE
from commands.stack import ROOT
from devsync.contracts import names
from devsync.domain.changelog.window import last_week_ended_by
from sandbox.faults import Fault, FaultKind
from sandbox.processes import free_port, has_ended
from sandbox.worlds.demo import demo_world
from tests.docs.test_documents import SHOWN, shape
from tests.e2e.stage import PATIENCE_SECONDS, Stage, eventually, stage_for
from tests.servers import Servers

WEEK = "2026-W47"
EDITION, DEMO = (next(one for one in SHOWN if mark in one) for mark in ("status", "links"))


@pytest.fixture(scope="module")
async def played(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One stage and one worker for all tests here: commands are slow to start as it is."""
    directory = tmp_path_factory.mktemp("commands")
    async with stage_for(demo_world(WEEK), servers, directory) as stage, stage.worker():
        yield stage


async def document(stage: Stage, *arguments: str) -> tuple[int, Any]:
    """(exit code, document) of a command with --json."""
    code, output, errors = await stage.starter(*arguments, "--json")
    assert "Traceback" not in errors
    return code, json.loads(output)


async def test_run_prints_a_complete_edition_and_exits_0(played: Stage) -> None:
    code, edition = await document(played, "run", played.team, "--week", WEEK)
    assert (code, edition["status"], edition["completeness"], edition["gaps"]) == (0, "complete", 1.0, [])
    assert shape(edition) == shape(EDITION | {"gaps": [], "notes": [], "recoveries": []})
    (channel,) = edition["channels"]
    assert (channel["state"], channel["message_id"]) == ("delivered", played.messages[0].ts)


async def test_a_mistake_in_another_teams_file_is_no_matter(played: Stage) -> None:
    broken = played.directory / "config" / "teams" / "broken.yaml"
    broken.write_text("team: [")
    try:
        code, edition = await document(played, "run", played.team, "--week", "2026-W44")
    finally:
        broken.unlink()
    assert (code, edition["status"]) == (0, "complete")


async def test_run_names_what_is_missing_and_exits_3_and_status_shows_it(played: Stage) -> None:
    fault = Fault(kind=FaultKind.STATUS, service="github", route="/acme/ledger|/graphql", status=404)
    number = played.sandbox.faults.add(fault)
    code, edition = await document(played, "run", played.team, "--week", "2026-W46")
    played.sandbox.faults.clear(number)
    assert (code, edition["status"]) == (3, "partial")
    (gap,) = edition["gaps"]
    assert (gap["unit"], gap["reason"]) == (
        "github:acme/ledger",
        "github answered 404 (Not Found): correct the team file, or give the credentials access",
    )
    box = next(json.dumps(message.blocks) for message in played.messages if "What is missing" in str(message.blocks))
    assert "GitHub does not show it to us." in box
    assert "answered 404" not in box

    edition_id = names.edition_id(played.team, "2026-W46")
    delivery_id = names.delivery_id(played.team, "2026-W46", "slack-payments")
    await played.until_closed_in_list(edition_id, delivery_id)
    code, shown = await document(played, "status")
    runs = {run["workflow_id"]: run for run in shown["runs"]}
    run, delivery = runs[edition_id], runs[delivery_id]
    assert (code, run["state"], run["edition_status"]) == (0, "completed", "partial")
    assert (run["gaps"], run["channels"]) == (edition["gaps"], edition["channels"])
    assert [channel["state"] for channel in delivery["channels"]] == ["delivered"]

    code, output, _ = await played.starter("status")
    (line,) = (line for line in output.splitlines() if line.startswith(run["workflow_id"]))
    assert line.split()[-3:] == ["github:acme/ledger", "#payments", "delivered"]

    amendment = played.client.get_workflow_handle(names.amendment_id(played.team, "2026-W46"))
    await amendment.signal("try_now", {"by": "anna"})
    await asyncio.wait_for(amendment.result(), 60)

    async def is_shown() -> bool:
        _, shown = await document(played, "status")
        return "complete" in {one["amended_to"] for one in shown["runs"] if one["workflow_id"] == run["workflow_id"]}

    await eventually(is_shown)
    code, output, _ = await played.starter("status")
    (line,) = (line for line in output.splitlines() if line.startswith(run["workflow_id"]))
    assert "partial, now complete" in line
    assert "github:acme/ledger" not in line


async def test_preview_prints_each_format_and_posts_nothing(played: Stage) -> None:
    posts = played.slack.counts.posts
    title = "Payments"  # of the team, with its marker

    async def preview(format_: str) -> str:
        code, output, _ = await played.starter("preview", played.team, "--week", WEEK, "--format", format_)
        assert code == 0
        return output

    markdown, html, slack, text = [await preview(format_) for format_ in ("md", "html", "slack", "text")]
    assert markdown.startswith(f"# {title}")
    assert html.lstrip().lower().startswith("<!doctype html>")
    assert json.loads(slack)["messages"][0]["blocks"][0]["type"] == "header"
    assert text.startswith(title)
    assert played.slack.counts.posts == posts


async def test_up_says_where_everything_is_and_leaves_no_process_behind() -> None:
    with tempfile.TemporaryDirectory(prefix="devsync-up-") as folder:
        directory = Path(folder)
        directory.chmod(0o755)  # as root, PostgreSQL runs as another user
        last_weeks = {last_week_ended_by(datetime.now(UTC), DEMO_TIMEZONE)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, ROOT / "starter.py", "up", "--sandbox", "--worker", "--dashboard", "--json",
            "--port", str(free_port()), "--ui-port", str(free_port()), "--dashboard-port", str(free_port()),
            cwd=directory, env=os.environ | {"COLUMNS": "200", "TEMPLATES_DIR": ""}, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_SECONDS)
        told = json.loads(line)
        started = psutil.Process(process.pid).children(recursive=True)
        async with httpx.AsyncClient(follow_redirects=True) as http:
            for place in (told["web_ui"], told["slack"], told["dashboard"]):
                assert (await http.get(place)).status_code == 200
        host, port = told["temporal"].split(":")
        socket.create_connection((host, int(port)), timeout=5).close()
        variables = Path(told["environment"]).read_text().splitlines()
        assert f"export CONFIG_DIR={directory.resolve() / '.local' / 'config'}" in variables
        assert f"export TEMPLATES_DIR={ROOT / 'templates'}" in variables
        last_weeks.add(last_week_ended_by(datetime.now(UTC), DEMO_TIMEZONE))
        served = json.loads((directory / ".local" / "sandbox.json").read_text())["week"]
        assert served in last_weeks, "what `run TEAM` makes has something to tell, whenever it is"

        process.send_signal(signal.SIGINT)
        output, errors = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
        assert (process.returncode, output) == (0, b"")
        assert b"Ctrl-C stops everything" in errors
        assert len(started) >= 5  # PostgreSQL, Temporal, the sandbox, a worker, the dashboard

        async def have_ended() -> bool:  # the guard ends when its pipe closes, a moment after the program
            return all(has_ended(child) for child in started)

        await eventually(have_ended)


async def test_demo_prints_its_editions_with_links_that_live_and_exits_0() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "starter.py", "demo", "--json", "--keep", cwd=ROOT, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    output = await asyncio.wait_for(process.stdout.readuntil(b"\n}\n"), PATIENCE_SECONDS)
    told = json.loads(output)
    (edition,) = told["editions"]
    async with httpx.AsyncClient(base_url=told["links"]["dashboard"]) as http:
        shown = await http.get(f"/teams/{edition['team']}/editions/{edition['week']}")
        schedules, alerts, editions, insight = [
            (await http.get(path)).text for path in ("/schedules", "/alerts", "/editions", "/insight")
        ]
        in_slack = (await http.get(f"{told['links']['slack']}/sandbox/messages?channel=payments")).json()
    assert (shown.status_code, "Open to everybody on this machine" in shown.text) == (200, True)
    assert f"<dd>{edition['item_count']}</dd>" in shown.text
    # What surrounds an edition is there, too: the weekly time, a monitor that looks, weeks that were not posted.
    assert (">active<" in schedules, "day 09:00 Europe/Berlin" in schedules) == (True, True)
    assert ("looked at" in alerts, "No alert is open." in alerts) == (True, True)
    assert all(f"/teams/payments/editions/{week}" in editions for week in weeks_before(edition["week"]))
    assert "Share of the time" in insight
    messages = in_slack["channels"]["payments"]["messages"]
    assert len([one for one in messages if one.get("thread_ts", one["ts"]) == one["ts"]]) == 1
    process.send_signal(signal.SIGINT)
    more, errors = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert (process.returncode, more) == (0, b""), errors.decode()
    assert shape(told | {"editions": [], "api_calls": {}, "seconds": {}}) == shape(
        DEMO | {"api_calls": {}, "seconds": {}}
    )
    assert shape(edition) == shape(EDITION | {"gaps": [], "notes": [], "recoveries": []})
    assert edition["status"] == "complete"
    assert [channel["state"] for channel in edition["channels"]] == ["delivered"]
    assert told["links"]["run"].startswith(told["links"]["web_ui"])
    assert edition["run_id"] in told["links"]["run"]
    assert told["api_calls"]["github"] > 0
    assert told["seconds"]["total"] > 0
