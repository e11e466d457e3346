"""What goes wrong on our own side, brought about in files, in the database and in this process."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml

from commands.stack import ROOT
from devsync.domain.errors import ErrorCategory
from devsync.storage.database import Database
from sandbox.postgres import PostgresServer
from tests.faults.matrix import MAIL, OWN, ROWS
from tests.faults.own_faults import WAYS, Side
from tests.servers import EMPTY, new_database

TEAM = {
    "team": "payments",
    "timezone": "Europe/Berlin",
    "github": {"repositories": ["acme/payments-api"]},
    "channels": [{"kind": "slack", "channel": "#payments"}],
}


@pytest.fixture
def directory() -> Iterator[Path]:
    """Below a folder that everybody may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="devsync-faults-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(ROOT / "templates", folder / "templates")
        (folder / "config" / "teams").mkdir(parents=True)
        for file in ("services.yaml", "delivery.yaml", "recovery.yaml"):
            shutil.copy(ROOT / "config" / file, folder / "config")
        (folder / "config" / "teams" / "payments.yaml").write_text(yaml.safe_dump(TEAM))
        yield folder


@pytest.fixture
async def side(directory: Path, url: str, postgres: PostgresServer) -> AsyncIterator[Side]:
    database = Database(url, pool_size=1)
    empty = Database(postgres.url(new_database(postgres, EMPTY)), pool_size=1)
    yield Side(directory, database, empty)
    await database.dispose()
    await empty.dispose()


async def test_without_a_fault_both_activities_succeed(side: Side) -> None:
    assert await side.plan() is None
    assert await side.render() is None


@pytest.mark.parametrize("name", OWN)
async def test_what_goes_wrong_here_is_understood(side: Side, name: str) -> None:
    failed = await WAYS[name](side)
    assert failed is not None
    failure, expected = failed.failure, OWN[name]
    found = (failure.category, failure.code, failure.severity, failure.is_retryable, failure.counts_for_breaker)
    assert found == expected[:5], failure
    assert "a-value" not in failure.message
    assert failed.error.non_retryable is not failure.is_retryable


def test_every_category_is_brought_about_by_something_real() -> None:
    rows = [*(row.expected for row in ROWS), *OWN.values(), *MAIL.values()]
    assert {row.category for row in rows if row is not None} == set(ErrorCategory)


def test_every_way_is_in_the_matrix() -> None:
    assert set(WAYS) == set(OWN)
