"""A running JIRA stand-in of either kind, the real `jira` client for it, and bare requests to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import requests
from aiohttp.test_utils import TestServer
from jira import JIRA, JIRAError

from sandbox.jira import SITE, JiraSite, build_app
from sandbox.service import Credentials
from sandbox.world import World
from tests.sandbox.jira_samples import NOW

CREDENTIALS = Credentials()
BEARER = {"Authorization": f"Bearer {CREDENTIALS.jira_pat}"}


class DataCenterWire:
    def __init__(self, port: int | None, site: JiraSite) -> None:
        self.url = f"http://localhost:{port}"
        self.site = site

    def client(self, token: str = CREDENTIALS.jira_pat) -> JIRA:
        return JIRA(self.url, token_auth=token, max_retries=0, timeout=5)

    async def ask(self, call: Any) -> Any:
        """Runs `call(client)` beside the loop: the client blocks."""
        return await asyncio.to_thread(lambda: call(self.client()))

    async def refused(self, call: Any) -> JIRAError:
        def run() -> JIRAError:
            with pytest.raises(JIRAError) as caught:
                call(self.client())
            return caught.value

        return await asyncio.to_thread(run)

    async def send(self, method: str, path: str, **more: Any) -> requests.Response:
        more.setdefault("headers", BEARER)
        return await asyncio.to_thread(lambda: requests.request(method, self.url + path, timeout=5, **more))


@asynccontextmanager
async def data_center(world: World) -> AsyncIterator[DataCenterWire]:
    world.jira_deployment = "data-center"
    app = build_app(world, CREDENTIALS, lambda: NOW)
    async with TestServer(app, host="127.0.0.1") as server:
        yield DataCenterWire(server.port, app[SITE])
