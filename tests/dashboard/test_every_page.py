"""Every page in a real browser: nothing on the console, nothing refused or foreign, light, quick, and for everybody.

Pages are found as a person finds them: by the navigation and by links. A new page is covered as soon as something links
to it and `seeded` has what it shows; one that nothing leads to fails `test_every_page_is_reached`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute
from playwright.async_api import Browser
from starlette.routing import Match
from temporalio.client import Client
from temporalio.service import RPCError

from dashboard.access import Rule, rule_of
from devsync.storage.database import Database
from sandbox.postgres import PostgresServer
from sandbox.temporal_server import TemporalServer
from tests.dashboard.browser import Seen, chromium, cookies_of, first_paint, look_at, served
from tests.dashboard.conftest import House, open_house
from tests.dashboard.seeded import seed, somebody_is_asked
from tests.dashboard.test_access import routes
from tests.servers import new_database

pytestmark = pytest.mark.timeout(600)

HEAVIEST_BYTES = 200_000
LATEST_PAINT_MS = 1_000.0
MOST_VISITS = 5
"""Of a page that is late: what it takes by itself, and not what else a busy machine does, is the best of them."""
LIVE = "live"
"""In the address of what moves a part of a page."""
NO_PAGE = {
    "/teams/{team}/editions/{week}/{revision}/{form}.txt",  # a file
    "/teams/{team}/editions/{week}/{revision}/mail",  # an e-mail, as its readers get it
    "/teams/{team}/editions/{week}/approval",  # of an edition that waits: test_approvals
    "/sign-in/openid",  # these three with a provider alone: test_openid_in_browser
    "/sign-in/openid/callback",
    "/sign-out/openid",
}
"""Parts of pages that nothing links to, and what is there only in other circumstances."""


@dataclass
class Walk:
    is_full: bool
    """Whether there is anything on record."""
    seen: dict[str, Seen] = field(default_factory=dict)
    """By route: its first address that was met."""
    unreached: list[str] = field(default_factory=list)
    """Routes of pages that nothing led to."""

    def where(self, wrong: Callable[[Seen], object]) -> dict[str, object]:
        """By route what is wrong there."""
        return {route: what for route, seen in self.seen.items() if seen.is_page and (what := wrong(seen))}


@pytest.fixture(autouse=True)
def patience() -> None:
    """As in production: here a page is as fast as it is."""


@pytest.fixture(scope="module", params=["full", "empty"])
async def walk(
    request: pytest.FixtureRequest,
    postgres: PostgresServer,
    temporal: TemporalServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Walk]:
    """All pages, where there is much on record, and where there is nothing yet."""
    is_full = request.param == "full"
    url, directory = postgres.url(new_database(postgres)), tmp_path_factory.mktemp(request.param)
    async with AsyncExitStack() as stack:
        database = Database(url)
        stack.push_async_callback(database.dispose)
        await end_all(temporal)
        if is_full:
            await seed(database, url)
            await stack.enter_async_context(somebody_is_asked(temporal))
        browser = await stack.enter_async_context(chromium())
        house = await stack.enter_async_context(open_house(database, temporal, directory))
        base = await stack.enter_async_context(served(house))
        yield await _walk(browser, house, base, Walk(is_full))


async def end_all(temporal: TemporalServer) -> None:
    """What other tests have left open: a page would wait for the answer of a workflow that nobody works for."""
    client = await Client.connect(temporal.address)
    async for run in client.list_workflows("ExecutionStatus = 'Running'"):
        with suppress(RPCError):  # over by itself
            await client.get_workflow_handle(run.id).terminate()


async def _walk(browser: Browser, house: House, base: str, walk: Walk) -> Walk:
    """From every page without a name in its address, along all links."""
    cookies = await cookies_of(house, "root", base)
    waiting = [route.path for route in _pages(house) if "{" not in route.path]
    while waiting:
        path = waiting.pop(0)
        route = _route_of(house, path)
        if route is not None and route not in walk.seen:
            walk.seen[route] = seen = await look_at(browser, base, path, cookies)
            for _ in range(MOST_VISITS - 1):
                if seen.first_paint is not None and seen.first_paint > LATEST_PAINT_MS:
                    seen.first_paint = min(seen.first_paint, await first_paint(browser, base, path, cookies))
            waiting += walk.seen[route].links
    walk.unreached = [route.path for route in _pages(house) if route.path not in walk.seen]
    return walk


def _pages(house: House) -> list[APIRoute]:
    return [
        route
        for route in routes(house.app)
        if "GET" in (route.methods or ())
        and rule_of(route.endpoint) is not Rule.SIGNED
        and LIVE not in route.path.split("/")
        and route.path not in NO_PAGE
    ]


def _route_of(house: House, address: str) -> str | None:
    """None: no page of ours."""
    scope = {"type": "http", "method": "GET", "path": urlsplit(address).path, "headers": []}
    return next((route.path for route in _pages(house) if route.matches(scope)[0] is Match.FULL), None)


def test_every_page_is_reached(walk: Walk) -> None:
    """Where nothing is on record yet, there is no page of a single thing."""
    assert [route for route in walk.unreached if walk.is_full or "{" not in route] == []


def test_no_page_fails(walk: Walk) -> None:
    assert walk.where(lambda seen: seen.status != 200 and seen.status) == {}


def test_nothing_is_said_on_the_console(walk: Walk) -> None:
    assert walk.where(lambda seen: seen.said) == {}


def test_the_content_policy_refuses_nothing(walk: Walk) -> None:
    assert walk.where(lambda seen: seen.refused) == {}


def test_nobody_else_is_asked(walk: Walk) -> None:
    assert walk.where(lambda seen: seen.foreign) == {}


def test_no_page_is_heavy(walk: Walk) -> None:
    assert walk.where(lambda seen: seen.bytes > HEAVIEST_BYTES and seen.bytes) == {}


def test_each_page_shows_something_within_a_second(walk: Walk) -> None:
    assert walk.where(lambda seen: seen.first_paint is None and "nothing") == {}
    assert walk.where(lambda seen: (seen.first_paint or 0) > LATEST_PAINT_MS and seen.first_paint) == {}


def test_no_page_has_a_barrier(walk: Walk) -> None:
    assert walk.where(lambda seen: {how: found for how, found in seen.barriers.items() if found}) == {}


def test_no_page_scrolls_to_the_side(walk: Walk) -> None:
    assert walk.where(lambda seen: seen.too_wide) == {}


def test_what_scrolls_to_the_side_is_reached_by_keys_and_has_a_name(walk: Walk) -> None:
    assert walk.where(lambda seen: seen.out_of_reach) == {}
