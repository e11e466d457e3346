"""A link to one alert in a real browser: who has to sign in first is led there all the same."""

from __future__ import annotations

from dataclasses import replace

import yaml

from dashboard.openid import OpenId
from devsync.domain.dashboard_pages import alert_page
from sandbox.processes import free_port
from sandbox.running import run_sandbox
from sandbox.worlds.demo import demo_world
from tests.dashboard.conftest import TOKENS, House
from tests.dashboard.in_browser import browser, served
from tests.dashboard.test_openid import SETTINGS, access

PAGE = alert_page("error_rate:git hub")


async def test_an_anchor_outlives_signing_in_by_a_token_also_by_a_wrong_one_first(house: House) -> None:
    async with browser() as page, served(house.site, free_port()) as dashboard:
        await page.goto(f"{dashboard}{PAGE}")
        assert page.url == f"{dashboard}/sign-in?then=/alerts#error_rate%3Agit%20hub"
        for token in ("guess", TOKENS["anna"]):
            await page.fill("#token", token)
            await page.click("text=Sign in >> nth=-1")
            await page.wait_for_load_state()
        assert page.url == f"{dashboard}{PAGE}"


async def test_an_anchor_outlives_the_way_to_a_provider_and_leads_nobody_away(house: House) -> None:
    house.settings.write_text(yaml.safe_dump(SETTINGS))
    port = free_port()
    async with run_sandbox(demo_world(), services=["openid"]) as sandbox, browser() as page:
        openid = OpenId(access(sandbox), f"http://127.0.0.1:{port}", "s" * 32, secure=False)
        async with served(replace(house.site, openid=openid), port) as dashboard:
            for asked, comes_to in ((PAGE, PAGE), ("/sign-in?then=//evil.example#@evil.example", "/#@evil.example")):
                await page.goto(f"{dashboard}{asked}")
                await page.click("text=Sign in with your account")
                await page.click("text=Anna Berg")
                assert page.url == f"{dashboard}{comes_to}"
                await page.click("text=Sign out")
