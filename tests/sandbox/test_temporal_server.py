"""The Temporal server keeps its workflows through every kind of end and knows the search attributes it is given."""

from __future__ import annotations

import asyncio
import os
import socket
import urllib.request
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError

from sandbox import temporal_cli, temporal_server
from sandbox.processes import accepts_connections, free_port
from sandbox.sole_use import InUse
from sandbox.temporal_cli import TemporalNotFound
from sandbox.temporal_server import TemporalServer, dev_server
from tests.sandbox.owners import all_end, owner

TEAM = SearchAttributeKey.for_keyword("Team")


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TemporalServer]:
    db_file = tmp_path_factory.mktemp("temporal") / "temporal.db"
    async with dev_server(
        db_file, search_attributes={"Team": "Keyword"}, dynamic_config={"limit.maxIDLength": 100}
    ) as server:
        yield server


async def start_workflow(server: TemporalServer, team: str, key: SearchAttributeKey[str] = TEAM) -> str:
    """Nobody works on it: it stays open."""
    client = await Client.connect(server.address)
    attributes = TypedSearchAttributes([SearchAttributePair(key, team)])
    handle = await client.start_workflow(
        "Any", id=f"{team}-{uuid.uuid4()}", task_queue="q", search_attributes=attributes
    )
    return handle.id


async def workflows_of(server: TemporalServer, team: str, attribute: str = "Team") -> list[str]:
    client = await Client.connect(server.address)
    found: list[str] = []
    while not found:  # visibility follows a moment later
        found = [workflow.id async for workflow in client.list_workflows(f"{attribute} = '{team}'")]
    return found


async def test_workflows_are_found_by_the_search_attributes(server: TemporalServer) -> None:
    started = await start_workflow(server, "payments")
    assert await workflows_of(server, "payments") == [started]


async def test_the_web_ui_answers(server: TemporalServer) -> None:
    answer = await asyncio.to_thread(urllib.request.urlopen, server.ui_url)
    assert answer.headers.get_content_type() == "text/html"
    answer.close()


async def test_dynamic_configuration_reaches_the_server(server: TemporalServer) -> None:
    client = await Client.connect(server.address)
    with pytest.raises(RPCError, match="exceeds maximum allowed length"):
        await client.start_workflow("Any", id="x" * 101, task_queue="q")


async def test_it_listens_on_loopback_alone(server: TemporalServer) -> None:
    listening = {c.laddr.ip for c in psutil.Process(server.pid).net_connections() if c.status == psutil.CONN_LISTEN}
    assert listening <= {"127.0.0.1", "::1"}


async def test_open_workflows_survive_a_kill(server: TemporalServer) -> None:
    started = await start_workflow(server, "kill")
    await server.kill()
    await server.start()
    assert await workflows_of(server, "kill") == [started]


async def test_open_workflows_survive_a_stop_and_the_ports_are_the_given_ones(tmp_path: Path) -> None:
    port, ui_port = free_port(), free_port()
    async with dev_server(
        tmp_path / "t.db", port=port, ui_port=ui_port, search_attributes={"Team": "Keyword"}
    ) as server:
        assert server.address == f"127.0.0.1:{port}"
        assert server.ui_url == f"http://127.0.0.1:{ui_port}"
        started = await start_workflow(server, "stop")
    assert not await accepts_connections(port)
    assert not await accepts_connections(ui_port)
    async with dev_server(tmp_path / "t.db") as server:
        assert await workflows_of(server, "stop") == [started]


async def test_a_port_that_somebody_takes_in_the_last_moment_is_chosen_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        offered = iter([somebody.getsockname()[1]])
        monkeypatch.setattr(temporal_server, "free_port", lambda: next(offered, None) or free_port())
        async with dev_server(tmp_path / "t.db") as server:
            assert await accepts_connections(server.port)


async def test_a_search_attribute_that_a_later_version_brings_is_added_to_old_data(tmp_path: Path) -> None:
    async with dev_server(tmp_path / "t.db", search_attributes={"Team": "Keyword"}):
        pass
    async with dev_server(tmp_path / "t.db", search_attributes={"Team": "Keyword", "Later": "Keyword"}) as server:
        started = await start_workflow(server, "x", SearchAttributeKey.for_keyword("Later"))
        assert await workflows_of(server, "x", "Later") == [started]


async def test_a_second_owner_is_refused_at_once(server: TemporalServer) -> None:
    with pytest.raises(InUse, match=f"pid {os.getpid()} serves from"):
        async with dev_server(server.log_file.with_suffix(".db")):
            pytest.fail("two servers on the same data")


OWNER = """\
import asyncio, json, sys
from pathlib import Path
from sandbox.temporal_server import dev_server
async def main():
    async with dev_server(Path(sys.argv[1])) as server:
        print(json.dumps(server.pid), flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_after_the_kill_of_its_owner_it_ends_and_the_next_one_can_start(tmp_path: Path) -> None:
    async with owner(OWNER, tmp_path / "t.db") as (process, pid):
        process.kill()
        process.wait()
        async with dev_server(tmp_path / "t.db") as server:
            await all_end(pid)
            assert server.pid != pid


def test_a_named_program_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVSYNC_TEMPORAL_CLI", str(tmp_path / "temporal"))
    with pytest.raises(
        TemporalNotFound, match=r"^DEVSYNC_TEMPORAL_CLI=.* is not a program; name the Temporal CLI itself$"
    ):
        temporal_cli.installed_temporal_cli()


def test_a_named_program_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "other-name"
    program.touch(mode=0o755)
    monkeypatch.setenv("DEVSYNC_TEMPORAL_CLI", str(program))
    assert temporal_cli.installed_temporal_cli() == program
