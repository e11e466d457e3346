"""Signing in through a provider in a real browser, which has its own mind about cookies, redirects and policies."""

from __future__ import annotations

from dataclasses import replace

import yaml

from dashboard.openid import OpenId
from sandbox.processes import free_port
from sandbox.running import run_sandbox
from sandbox.worlds.demo import demo_world
from tests.dashboard.conftest import House
from tests.dashboard.in_browser import browser, served
from tests.dashboard.test_openid import SETTINGS, access


async def test_somebody_signs_in_where_they_wanted_to_go_and_out_at_both_places(house: House) -> None:
    house.settings.write_text(yaml.safe_dump(SETTINGS))
    port = free_port()
    async with run_sandbox(demo_world(), services=["openid"]) as sandbox, browser() as page:
        openid = OpenId(access(sandbox), f"http://127.0.0.1:{port}", "s" * 32, secure=False)
        async with served(replace(house.site, openid=openid), port) as dashboard:
            await page.goto(f"{dashboard}/editions?team=payments")
            await page.click("text=Sign in with your account")
            assert page.url.startswith(f"{sandbox.urls['openid']}/authorize?")

            await page.click("text=Mallory")
            await page.wait_for_selector("text=no verified e-mail address")

            await page.click("text=Sign in with your account")
            await page.click("text=Anna Berg")
            assert page.url == f"{dashboard}/editions?team=payments"
            assert await page.inner_text(".who .name") == "Anna B"

            await page.click("text=Sign out")
            await page.click("text=sign out there too")
            assert page.url == f"{dashboard}/sign-in"
            await page.goto(f"{dashboard}/editions")
            assert page.url.startswith(f"{dashboard}/sign-in?")
