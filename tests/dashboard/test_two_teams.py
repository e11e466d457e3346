"""Two people of different teams, over every route: neither sees anything of the other's team, nor does anything to it.

Whatever the pages lead those to who may (every link, every form, every part that a page fetches) the other asks for
too, with a valid session and a valid token against forgery. A new route is covered as soon as a page leads to it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from html import unescape
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Match

from dashboard.access import Rule, rule_of
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from sandbox.postgres import PostgresServer
from sandbox.temporal_server import TemporalServer
from tests.dashboard.conftest import Browser, House, open_house
from tests.dashboard.seeded import TEAM, seed, somebody_is_asked
from tests.dashboard.test_access import address, routes
from tests.dashboard.test_every_page import NO_PAGE, end_all
from tests.servers import new_database

pytestmark = pytest.mark.timeout(600)

LEADS_TO = re.compile(r'(?:href|src|action|hx-get|hx-post|sse-connect)="(/[^"#]*)')
THEIRS = re.compile(rf"{TEAM}\b|acme/|a title as somebody", re.IGNORECASE)
FILLED = {
    "reason": "not mine", "decision": "retry", "until": "2h", "for": "1h", "to": "ben", "week": "2026-W47", "name": "x"
}  # fmt: skip
ANYBODYS = {Rule.PUBLIC, Rule.SIGNED, Rule.CODEC_DECODE, Rule.CODEC_ENCODE}
"""Routes that are about no team: signing in and out, Slack's calls, the codec; each has tests of its own."""
SIGN_OUT = "/sign-out"
ENDLESS = "live"
"""In the address of a stream of events, which is looked at as long as its first event takes."""


class Town:
    def __init__(self, house: House, database: Database) -> None:
        self.house, self.database = house, database
        self.pages: dict[str, str] = {}
        """By address what those who may see it see there."""
        self.deeds: dict[str, str] = {}
        """By address of a form the page that has it."""

    async def explore(self, visitor: Browser) -> None:
        seen: set[str] = set()
        waiting = ["/", *(route.path for route in routes(self.house.app) if _is_page(route) and "{" not in route.path)]
        while waiting:
            address = waiting.pop(0)
            route = self.route_of("GET", address)
            if address in seen or route is None or not _is_page(route):
                continue
            seen.add(address)
            answer = await visitor.get(address)
            self.pages[address] = self.pages.get(address, "") + answer.text
            for lead in map(unescape, LEADS_TO.findall(answer.text)):
                waiting.append(lead)
                if self.route_of("POST", lead) is not None:
                    self.deeds.setdefault(lead, address)

    def route_of(self, method: str, address: str) -> APIRoute | None:
        scope = {"type": "http", "method": method, "path": urlsplit(address).path, "headers": []}
        return next((route for route in routes(self.house.app) if route.matches(scope)[0] is Match.FULL), None)

    def deeds_of_teams(self) -> list[str]:
        """The address of a form for every route that changes something: one that a page has, else a made-up one."""
        met = {route.path: deed for deed in self.deeds if (route := self.route_of("POST", deed)) is not None}
        writing = [route for route in routes(self.house.app) if "POST" in (route.methods or ())]
        return [
            met.get(route.path) or address(route)
            for route in writing
            if rule_of(route.endpoint) not in ANYBODYS and route.path != SIGN_OUT
        ]

    async def history(self) -> list[object]:
        """Everything that anybody has done, as the audit has it."""
        return list(await Audit(self.database).latest(limit=10_000))


def _without_what_was_asked(text: str, address: str) -> str:
    """A page may repeat the address by which somebody asked for it."""
    asked = urlsplit(address)
    for said in {unquote(asked.path), *(value for _, value in parse_qsl(asked.query))}:
        text = text.replace(said, "")
    return text


def _is_page(route: APIRoute) -> bool:
    return (
        "GET" in (route.methods or ())
        and rule_of(route.endpoint) not in ANYBODYS
        and ENDLESS not in route.path.split("/")
    )


@pytest.fixture(scope="module")
async def town(
    postgres: PostgresServer, temporal: TemporalServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    url = postgres.url(new_database(postgres))
    async with AsyncExitStack() as stack:
        database = Database(url)
        stack.push_async_callback(database.dispose)
        await end_all(temporal)
        await seed(database, url)
        await stack.enter_async_context(somebody_is_asked(temporal))
        house = await stack.enter_async_context(open_house(database, temporal, tmp_path_factory.mktemp("town")))
        town = Town(house, database)
        for name in ("anna", "root"):
            await town.explore(await house.visitor(name))
        yield town


async def test_nobody_sees_anything_of_a_team_that_is_not_theirs(town: Town) -> None:
    led_to = {route.path for page in town.pages if (route := town.route_of("GET", page)) is not None}
    assert {route.path for route in routes(town.house.app) if _is_page(route)} - led_to <= NO_PAGE
    assert sum(bool(THEIRS.search(text)) for text in town.pages.values()) > 20
    ben = await town.house.visitor("ben")
    for page in town.pages:
        answer = await ben.get(page)
        assert answer.status_code in {200, 403, 404}, (page, answer.status_code)
        if answer.status_code == 200:
            assert not THEIRS.search(_without_what_was_asked(answer.text, page)), page


async def test_nobody_does_anything_to_a_team_that_is_not_theirs(town: Town) -> None:
    before = await town.history()
    ben = await town.house.visitor("ben")
    for deed in town.deeds_of_teams():
        answer = await ben.post(deed, **FILLED)
        assert answer.status_code in {403, 404}, (deed, answer.status_code, answer.text)
    assert await town.history() == before


async def test_who_may_only_look_does_nothing_either(town: Town) -> None:
    before = await town.history()
    cleo = await town.house.visitor("cleo")
    for deed in town.deeds_of_teams():
        answer = await cleo.post(deed, **FILLED)
        assert answer.status_code in {403, 404}, (deed, answer.status_code, answer.text)
    assert await town.history() == before
