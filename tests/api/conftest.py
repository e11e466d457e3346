"""A product that runs (worker, sandbox, database, Temporal) and programs that use it from this process."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devsync.api.connection import Connection
from devsync.api.core import Core, core_of
from devsync.api.handler import ChangelogErrorHandler
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import PATIENCE_SECONDS, Stage, stage_for
from tests.servers import Servers

Handlers = Callable[..., ChangelogErrorHandler]

WEEK = "2026-W47"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has much else to do answers late, and that is no concern of these tests: which are about how long
    somebody waits set that themselves."""
    for bound in (
        "api.breakers.BLOCKS_FOR",
        "api.health.BREAKERS_ANSWER_WITHIN",
        "api.health.MONITOR_ANSWERS_WITHIN",
        "api.snapshots.BLOCKS_FOR",
        "runtime.health.PATIENCE_SECONDS",
    ):
        monkeypatch.setattr(f"devsync.{bound}", PATIENCE_SECONDS)


@pytest.fixture(scope="module")
async def product(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One for all tests of a file."""
    async with stage_for(demo_world(WEEK), servers, tmp_path_factory.mktemp("product")) as stage, stage.worker():
        yield stage


@pytest.fixture
def connection(product: Stage) -> Connection:
    return Connection(
        program="tests",
        temporal_address=product.environment["TEMPORAL_ADDRESS"],
        database_url=product.environment["DATABASE_URL"],
        config_dir=Path(product.environment["CONFIG_DIR"]),
    )


@pytest.fixture
def core(connection: Connection) -> Iterator[Core]:
    """A new one for each test: nothing is registered there yet."""
    core = core_of(connection)
    yield core
    core.close()


@pytest.fixture
def handler(core: Core, connection: Connection) -> ChangelogErrorHandler:
    return ChangelogErrorHandler(connection=connection)


@pytest.fixture
def handlers(core: Core, connection: Connection) -> Handlers:
    """Makes them with other arguments, on the same core."""

    def make(**arguments: Any) -> ChangelogErrorHandler:
        return ChangelogErrorHandler(connection=connection, **arguments)

    return make
