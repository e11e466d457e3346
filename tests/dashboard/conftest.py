"""A site of its own for each test, and browsers of people who may see different things."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI
from temporalio.client import Client

from dashboard import asking
from dashboard.app import create_app
from dashboard.picture import Watch
from dashboard.sessions import Sessions
from dashboard.site import LiveSettings, Site
from devsync.runtime.plugin import DevSyncPlugin
from devsync.settings.configuration import load_configuration
from devsync.settings.live import LiveConfiguration
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from sandbox.temporal_server import TemporalServer
from tests.storage.conftest import database, url  # noqa: F401 (fixtures)

CONFIG = Path(__file__).parents[2] / "config"
HOST = "http://localhost:8300"
TOKENS = {name: f"token-of-{name}-{'x' * 24}" for name in ("anna", "ben", "cleo", "root")}
PEOPLE: list[dict[str, Any]] = [
    {"name": "anna", "role": "operate", "teams": ["payments"]},
    {"name": "ben", "role": "operate", "teams": ["search"]},
    {"name": "cleo", "role": "view", "teams": ["payments"]},
    {"name": "root", "role": "operate", "teams": ["*"]},
]


def written(people: list[dict[str, Any]]) -> str:
    """dashboard.yaml, with a token for each of them."""
    digests = {name: hashlib.sha256(token.encode()).hexdigest() for name, token in TOKENS.items()}
    return yaml.safe_dump({"people": [person | {"token_sha256": digests[person["name"]]} for person in people]})


@dataclass
class Browser:
    """Keeps cookies, follows nothing by itself, and sends forms as our pages do."""

    http: httpx.AsyncClient

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.get(path, **options)

    async def post(self, path: str, page: str = "/sign-in", **fields: str) -> httpx.Response:
        """A form of `page`, with the token that stands in it."""
        shown = (await self.http.get(page)).text
        (csrf,) = re.findall(r"X-CSRF-Token&#34;: &#34;([^&]+)|X-CSRF-Token\": \"([^\"]+)", shown)[0:1]
        return await self.http.post(path, data=fields | {"csrf": next(filter(None, csrf))})

    async def deed(self, path: str, page: str, **fields: str) -> str:
        """A form of `page`, and the text of the page that comes after it."""
        answer = await self.post(path, page, **fields)
        assert answer.status_code == 303, answer.text
        return (await self.get(answer.headers["location"])).text

    async def sign_in(self, name: str) -> None:
        answer = await self.post("/sign-in", token=TOKENS[name])
        assert answer.status_code == 303, answer.text


@dataclass
class House:
    """The application with its settings, which a test may change, and people who come to it."""

    app: FastAPI
    site: Site
    settings: Path
    stack: AsyncExitStack

    async def browser(self, base: str = HOST) -> Browser:
        transport = httpx.ASGITransport(self.app, client=("127.0.0.1", 4711))
        return Browser(await self.stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=base)))

    async def visitor(self, name: str) -> Browser:
        browser = await self.browser()
        await browser.sign_in(name)
        return browser

    def change_team(self, **settings: Any) -> None:
        """In the file of payments."""
        path = self.site.configuration.directory / "teams" / "payments.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | settings, sort_keys=False))

    def allow(self, people: list[dict[str, Any]]) -> None:
        self.settings.write_text(written(people))


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has much else to do answers late, which a page tells: that is no concern of these tests. Which are
    about how long a page waits set that themselves."""
    monkeypatch.setattr(asking.asked, "__kwdefaults__", {**(asking.asked.__kwdefaults__ or {}), "seconds": 15.0})
    monkeypatch.setattr("dashboard.pages.alerts.PATIENCE_SECONDS", 15.0)
    monkeypatch.setattr("devsync.runtime.health.PATIENCE_SECONDS", 15.0)


@pytest.fixture
async def house(database: Database, temporal: TemporalServer, tmp_path: Path) -> AsyncIterator[House]:  # noqa: F811
    async with open_house(database, temporal, tmp_path) as house:
        yield house


@asynccontextmanager
async def open_house(database: Database, temporal: TemporalServer, directory: Path) -> AsyncIterator[House]:  # noqa: F811
    """`directory` is empty, and gets a configuration that a test may change."""
    settings = directory / "dashboard.yaml"
    settings.write_text(written(PEOPLE))
    shutil.copytree(CONFIG, directory / "config")
    client = await Client.connect(temporal.address, plugins=[DevSyncPlugin()])
    live = LiveSettings(settings)
    configuration = LiveConfiguration(load_configuration(directory / "config"))
    site = Site(
        database=database,
        artifacts=ArtifactStore(database),
        temporal=client,
        watch=Watch(database, client, configuration),
        configuration=configuration,
        live_settings=live,
        sessions=Sessions("s" * 32, live.now().session, secure=False),
        web_ui="http://localhost:8233",
        namespace=client.namespace,
    )
    async with AsyncExitStack() as stack:
        yield House(create_app(site, hosts=["localhost"], secure=False), site, settings, stack)
