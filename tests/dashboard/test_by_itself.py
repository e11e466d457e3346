"""What pages do without being loaded again, in a real browser: they move, change their theme, and come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from playwright.async_api import Page, Route, expect

from bench.year import fill
from dashboard.picture import Watch
from dashboard.site import Site
from devsync.storage.database import Database
from tests.dashboard.browser import DESKTOP, PHONE, chromium, cookies_of, served
from tests.dashboard.conftest import House
from tests.dashboard.test_overview import write

NOBODY_THERE = "postgresql://nobody@127.0.0.1:1/nothing"
PATIENCE_MS = 30_000


@pytest.fixture
async def page(house: House) -> AsyncIterator[Page]:
    """Of somebody who sees everything; `page.goto("/")`."""
    async with AsyncExitStack() as stack:
        browser = await stack.enter_async_context(chromium())
        base = await stack.enter_async_context(served(house))
        context = await browser.new_context(base_url=base, viewport=DESKTOP, color_scheme="light")
        await context.add_cookies(await cookies_of(house, "root", base))
        yield await context.new_page()
        await context.close()


async def test_an_edition_appears_on_the_overview_that_is_open(house: House, page: Page) -> None:
    house.change_team(schedule=None)  # whatever day it is, none is due
    await page.goto("/")
    await expect(page.get_by_text("No edition of")).to_be_visible()
    await write(house, "payments", status="partial")
    await expect(page.get_by_role("link", name="payments")).to_be_visible(timeout=PATIENCE_MS)
    await expect(page.get_by_text("1 partial")).to_be_visible()


async def test_charts_that_come_after_their_page_are_drawn_and_read(house: House, page: Page, url: str) -> None:
    fill(url, teams=1, weeks=12, now=datetime.now(UTC))
    told, may_come = page.get_by_text("The records are being read."), asyncio.Event()

    async def late(route: Route) -> None:
        await may_come.wait()
        await route.continue_()

    await page.route("**/live/charts", late)
    await page.goto("/")
    await expect(told).to_have_count(4)
    await expect(page.get_by_text("earlier ones are being read")).to_have_count(0, timeout=PATIENCE_MS)
    may_come.set()
    await expect(page.locator(".chart canvas")).to_have_count(4, timeout=PATIENCE_MS)
    await expect(told).to_have_count(0)


async def test_a_table_stays_where_it_was_scrolled_when_its_numbers_change(house: House, page: Page) -> None:
    await page.set_viewport_size(PHONE)
    await write(house, "payments", status="partial")
    await page.goto("/")
    table = page.get_by_role("group", name="Editions of")
    await table.evaluate("(place) => { place.scrollLeft = 40; place.focus(); }")
    await write(house, "search", status="partial")
    await expect(page.get_by_role("link", name="search")).to_be_visible(timeout=PATIENCE_MS)
    assert await table.evaluate("(place) => [place.scrollLeft, place === document.activeElement]") == [40, True]


async def test_charts_take_the_colours_of_the_theme(house: House, page: Page, url: str) -> None:
    fill(url, teams=1, weeks=12, now=datetime.now(UTC))
    await page.goto("/")
    drawn = page.locator(".chart canvas").first
    await expect(drawn).to_be_visible()
    light = await drawn.evaluate("(canvas) => canvas.toDataURL()")
    await page.get_by_role("button", name="Light or dark").click()
    await page.wait_for_function(
        "(light) => document.querySelector('.chart canvas').toDataURL() !== light", arg=light, timeout=PATIENCE_MS
    )


async def test_the_theme_that_is_chosen_holds_whatever_the_system_s_is(house: House, page: Page) -> None:
    async def ground() -> str:
        return str(await page.evaluate("() => getComputedStyle(document.body).backgroundColor"))

    await page.goto("/breakers")
    light = await ground()
    await page.get_by_role("button", name="Light or dark").click()
    dark = await ground()
    assert dark != light
    await page.emulate_media(color_scheme="dark")
    assert await ground() == dark
    await page.get_by_role("button", name="Light or dark").click()
    assert await ground() == light
    await page.reload()
    assert await ground() == light


async def test_a_page_that_could_not_be_read_comes_back_as_a_whole(house: House, page: Page, url: str) -> None:
    fill(url, teams=1, weeks=12, now=datetime.now(UTC))
    well: Site = house.app.state.site
    away = Database(NOBODY_THERE)
    house.app.state.site = replace(well, watch=Watch(away, well.temporal, well.watch.configuration))
    await page.goto("/insight")
    await expect(page.get_by_role("heading", name="The records cannot be read just now")).to_be_visible()
    await page.goto("/")
    await expect(page.get_by_role("heading", name="Nobody can tell")).to_be_visible()
    await page.goto("/insight")
    await page.wait_for_timeout(6_000)  # it has asked in vain once
    house.app.state.site = well
    await expect(page.locator(".chart canvas").first).to_be_visible(timeout=PATIENCE_MS)
    await away.dispose()
