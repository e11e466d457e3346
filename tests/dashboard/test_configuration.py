"""config/ while the dashboard runs: what changes is seen, and what is wrong changes nothing."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from dashboard.server import open_site
from devsync.settings import live as live_settings
from devsync.settings.configuration import Configuration, load_configuration
from devsync.settings.environment import read_environment
from sandbox.postgres import PostgresServer
from sandbox.temporal_server import TemporalServer
from tests.dashboard.conftest import House


async def test_a_file_that_changes_is_read_again_and_a_wrong_one_is_not(house: House) -> None:
    live = house.site.configuration
    before = await live.now()
    assert await live.now() is before
    house.change_team(timezone="Asia/Tokyo")
    after = await live.now()
    assert after.team("payments").timezone == "Asia/Tokyo"
    house.change_team(timezone="Atlantis")
    assert await live.now() is after
    house.change_team(timezone="Europe/Berlin")
    assert (await live.now()).team("payments").timezone == "Europe/Berlin"


async def test_of_two_that_are_read_at_once_the_newer_one_holds(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    live, is_older_read, is_newer_read = house.site.configuration, threading.Event(), threading.Event()

    def slow_at_first(directory: Path) -> Configuration:
        read = load_configuration(directory)
        if read.team("payments").timezone == "Asia/Tokyo":
            is_older_read.set()
            is_newer_read.wait(30)
        return read

    monkeypatch.setattr(live_settings, "load_configuration", slow_at_first)
    house.change_team(timezone="Asia/Tokyo")
    older = asyncio.create_task(live.now())
    await asyncio.to_thread(is_older_read.wait, 30)
    house.change_team(timezone="America/New_York")
    assert (await live.now()).team("payments").timezone == "America/New_York"
    is_newer_read.set()
    await older
    assert live.read_last.team("payments").timezone == "America/New_York"


async def test_the_dashboard_opens_without_a_team_whose_file_is_wrong(
    house: House, postgres: PostgresServer, temporal: TemporalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = house.site.configuration.directory
    (directory / "teams" / "ledger.yaml").write_text("team: ledger\n")
    variables = {
        "CONFIG_DIR": directory,
        "DATABASE_URL": postgres.url("postgres"),
        "TEMPORAL_ADDRESS": temporal.address,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    async with open_site(read_environment()) as site:
        assert "payments" in site.configuration.read_last.teams
        assert list(site.configuration.read_last.left_out) == ["ledger"]
