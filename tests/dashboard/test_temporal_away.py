"""Temporal away: the pages where people act say so, show what the records know, and come back by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devsync.storage.alerts import Alerts
from devsync.storage.breakers import BreakerTransitions
from devsync.storage.database import Database
from devsync.storage.escalations import Escalations
from sandbox.temporal_server import TemporalServer
from tests.dashboard.conftest import Browser, House, open_house
from tests.dashboard.test_deliveries import dead, write
from tests.servers import running_temporal
from tests.storage.test_alerts import NOON, alert, record
from tests.storage.test_breakers import CLOSED, OPEN, story
from tests.storage.test_escalations import message, opened

pytestmark = pytest.mark.timeout(180)

NOBODY_THERE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture(autouse=True)
def patience() -> None:
    """As in production: there is nobody whose answer could be late."""


@pytest.fixture
async def server() -> AsyncIterator[TemporalServer]:
    async with running_temporal() as server:
        yield server


@pytest.fixture
async def lonely(database: Database, server: TemporalServer, tmp_path: Path) -> AsyncIterator[House]:
    """Something is on record of everything; then the server is killed."""
    async with open_house(database, server, tmp_path) as house:
        waits = {
            "subscriber": {
                "workflow_id": "recovery:payments:2026-W47:github:1",
                "team": "payments",
                "subject": "x",
            },
            "state": "waiting",
            "joined_at": NOON,
        }
        await Escalations(database).write(message(*opened(datetime.now(UTC)), subscribers=(waits,)))
        await BreakerTransitions(database).write("github", "entity", 1, story(CLOSED, OPEN))
        await Alerts(database).write(record((NOON, alert())))
        await write(house, dead())
        await server.kill()
        yield house


async def shown(browser: Browser, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, path
    return answer.text


KNOWN = {
    "/escalations": "page=run-1",
    "/breakers": "by the records",
    "/breakers/github": ">opened</th>",
    "/alerts": "error_rate:github",
    "/deliveries": "email-0",
    "/teams/payments/deliveries/2026-W47/email-0": "gave up: 451 busy",
    "/schedules": "payments",
    "/teams/payments/schedule": "not known",
    "/escalations/escalation:service:github": "As it is on record",
}
"""What stands on a page all the same."""


async def test_each_page_says_so_and_shows_what_is_on_record(lonely: House, server: TemporalServer) -> None:
    root = await lonely.visitor("root")

    async def shows(path: str, known: str) -> None:
        text = await shown(root, path)
        assert known in text, path
        if path != "/deliveries":
            assert 'class="notice warn"' in text, path
            assert 'hx-trigger="load delay:5s"' in text, path

    async def refuses_a_reset() -> None:
        answer = await root.post("/breakers/github/reset", "/breakers", reason="x")
        assert answer.status_code == 503
        assert "hx-get" not in answer.text

    async def tells_after(path: str, words: str) -> None:
        answer = await root.post(path, "/breakers")
        assert words in (await root.get(answer.headers["location"])).text

    # At once: each waits as long as it has patience with a server that is away.
    await asyncio.gather(
        *(shows(path, known) for path, known in KNOWN.items()),
        refuses_a_reset(),
        tells_after("/escalations/escalation:service:github/acknowledge", 'role="alert"'),
        tells_after("/teams/payments/schedule/pause", "Temporal does not answer"),
    )
    await server.start()
    assert 'class="notice warn"' not in await shown(root, "/schedules")


async def test_the_overview_says_that_nobody_knows_what_is_being_made(lonely: House, server: TemporalServer) -> None:
    root, unknown = await lonely.visitor("root"), "Which editions are being made is not known just now."
    assert unknown in await shown(root, "/")
    await server.start()
    async with asyncio.timeout(30):
        while unknown in await shown(root, "/"):
            await asyncio.sleep(1)


async def test_a_page_without_its_records_asks_again_and_a_deed_is_not_done_twice(house: House) -> None:
    root = await house.visitor("root")
    away = Database(NOBODY_THERE)
    house.app.state.site = replace(house.site, database=away)
    shown, deed = await root.get("/editions"), await root.post("/teams/payments/audit/verify")
    await away.dispose()
    assert (shown.status_code, deed.status_code) == (503, 503)
    assert 'data-again hx-get=""' in shown.text
    assert "This page tries again by itself." in shown.text
    assert "hx-get" not in deed.text
    assert "Perhaps it was done, perhaps not: look, then try again." in deed.text
