"""Temporal's real Web UI, in a real browser, and its CLI read what is sealed, for who may see every team."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from base64 import b64encode
from dataclasses import replace

from playwright.async_api import Page
from temporalio.client import Client

from devsync.runtime.payload_codec import SealedPayloads
from devsync.runtime.plugin import DevSyncPlugin
from devsync.settings.payload_keys import PayloadKey
from sandbox.processes import free_port
from sandbox.temporal_cli import temporal_cli
from sandbox.temporal_server import dev_server
from tests.dashboard.conftest import TOKENS, House
from tests.dashboard.in_browser import browser, served
from tests.servers import folder_for_all

KEYS = (PayloadKey("2026-11", os.urandom(32)),)
SECRET = "a title that nobody outside may read"


async def with_credentials(page: Page, web_ui: str, codec: str) -> None:
    """As TEMPORAL_CODEC_INCLUDE_CREDENTIALS of the image does; the CLI has no option for it."""
    await page.goto(web_ui)
    settings = {"endpoint": codec, "includeCredentials": True, "overrideRemoteCodecConfiguration": True}
    for name, value in settings.items():
        await page.evaluate("([name, value]) => localStorage.setItem(name, value)", [name, json.dumps(value)])


async def shown_by_cli(address: str, workflow_id: str, codec: str, token: str) -> str:
    """As docs/how-to/open-the-dashboard.md says."""
    process = await asyncio.create_subprocess_exec(
        await temporal_cli(), "workflow", "show", "--address", address, "--workflow-id", workflow_id,
        "--output", "json", "--codec-endpoint", codec, "--codec-auth", f"Bearer {token}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    return output.decode()


async def test_the_web_ui_shows_what_is_sealed_to_who_is_signed_in(house: House) -> None:
    port = free_port()
    codec = f"http://127.0.0.1:{port}/codec"
    with folder_for_all() as folder:
        async with dev_server(folder / "temporal.db", codec_endpoint=codec) as temporal, browser() as page:
            client = await Client.connect(temporal.address, plugins=[DevSyncPlugin(keys=KEYS)])
            run = await client.start_workflow("Any", SECRET, id=f"any-{uuid.uuid4()}", task_queue="nobody")
            history = f"{temporal.ui_url}/namespaces/default/workflows/{run.id}/{run.first_execution_run_id}/history"
            await with_credentials(page, temporal.ui_url, codec)

            site = replace(house.site, codec=SealedPayloads(KEYS), web_ui=temporal.ui_url)
            async with served(site, port) as dashboard:
                async with page.expect_response(lambda answer: "/codec/decode" in answer.url) as stranger:
                    await page.goto(history)
                assert (await stranger.value).status == 401
                assert SECRET not in await page.inner_text("body")

                await page.goto(f"{dashboard}/sign-in")
                await page.fill("#token", TOKENS["root"])
                await page.click("main button")
                await page.goto(history)
                await page.wait_for_selector(f"text={SECRET}")

                opened = b64encode(json.dumps(SECRET).encode()).decode()
                assert opened in await shown_by_cli(temporal.address, run.id, codec, TOKENS["root"])
                assert opened not in await shown_by_cli(temporal.address, run.id, codec, TOKENS["anna"])
