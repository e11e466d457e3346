"""A worker whose role does not own the tables: its editions, its records, and what it is kept from."""

import json
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy.engine import make_url

from commands.stack import ROOT
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionStatus
from devsync.storage.row_security import ALL_TEAMS
from tests.e2e.stage import Stage, clean_worker, eventually

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def worker_url(stage: Stage) -> AsyncIterator[str]:
    role, owner = f"{stage.database}_worker", stage.environment["DATABASE_URL"]
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'pw' IN ROLE {ALL_TEAMS}".encode())
        yield make_url(owner).set(username=role, password="pw").render_as_string(hide_password=False)
        connection.execute(f"DROP ROLE {role}".encode())


async def test_an_edition_is_made_and_recorded_by_a_role_that_owns_nothing(stage: Stage, worker_url: str) -> None:
    environment = stage.environment | {"DATABASE_URL": worker_url}
    async with clean_worker(stage.directory, environment, "worker", ROOT):
        result = await stage.run()

        async def is_delivery_on_record() -> bool:
            return {row["state"] for row in stage.rows("SELECT state FROM deliveries")} == {"delivered"}

        await eventually(is_delivery_on_record)
        again = await stage.run()
        code, output, _ = await stage.starter("doctor", "--json", DATABASE_URL=worker_url)
    assert result.status is EditionStatus.COMPLETE
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert again.digest == result.digest
    assert [row["team"] for row in stage.rows("SELECT team FROM editions")] == [stage.team]

    findings = {finding["check"]: finding for finding in json.loads(output)["findings"]}
    assert (code, findings["row-level security"]["detail"].split(";")[0]) == (0, "in force")

    code, output, _ = await stage.starter("audit", "verify", DATABASE_URL=worker_url)
    assert (code, output.split(", ")[0]) == (0, f"{stage.team}: whole")
    code, output, _ = await stage.starter("audit", "list", "--json", DATABASE_URL=worker_url)
    told = {(entry["action"], entry["outcome"]) for entry in json.loads(output)["entries"]}
    assert {("make edition", "complete"), ("deliver revision 1", "delivered")} <= told
