"""The dashboard on a port of its own, and a real browser in front of it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from playwright.async_api import Page, async_playwright

from dashboard.app import create_app
from dashboard.site import Site


@asynccontextmanager
async def served(site: Site, port: int) -> AsyncIterator[str]:
    """Its address."""
    app = create_app(site, hosts=["127.0.0.1"], secure=False)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """A page of a fresh one. Skips where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no Chromium")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await running.new_page()
        page.set_default_timeout(60_000)  # of a machine that has much else to do
        yield page
        await running.close()
