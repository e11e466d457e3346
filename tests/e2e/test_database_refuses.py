"""PostgreSQL that answers and takes nothing, since it is full or read-only: the edition goes out, records follow."""

import asyncio
from collections.abc import Sequence

import psycopg
import pytest

from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionProgress, EditionStatus, Phase
from tests.e2e.stage import Stage, eventually

pytestmark = pytest.mark.timeout(300)

WRITTEN = ("artifacts", "collection_pages", "editions", "runs", "deliveries", "errors", "audit_heads")

REFUSALS = [
    pytest.param(
        ["ALTER DATABASE {database} SET default_transaction_read_only = on"],
        ["ALTER DATABASE {database} RESET default_transaction_read_only"],
        id="read-only",
    ),
    pytest.param(
        [
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$",
            *(f"CREATE TRIGGER full_disk BEFORE INSERT ON {table} EXECUTE FUNCTION full_disk()" for table in WRITTEN),
        ],
        ["DROP FUNCTION full_disk CASCADE"],
        id="full",
    ),
]


def run_on(stage: Stage, statements: Sequence[str]) -> None:
    """As a fail-over does, it ends the connections that are open."""
    with psycopg.connect(stage.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for statement in statements:
            connection.execute(statement.format(database=stage.database).encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize(("begin", "end"), REFUSALS)
async def test_an_edition_goes_out_and_its_records_follow(stage: Stage, begin: list[str], end: list[str]) -> None:
    async with stage.worker():
        run_on(stage, begin)
        handle = await stage.start()
        await stage.until_phase(handle, Phase.RECORDING)
        made = (await handle.query("progress", result_type=EditionProgress)).result
        await stage.until_posted()
        assert stage.rows("SELECT * FROM runs") == []
        run_on(stage, end)
        result = await asyncio.wait_for(handle.result(), 90)

        async def is_delivery_on_record() -> bool:
            return {row["state"] for row in stage.rows("SELECT state FROM deliveries")} == {"delivered"}

        await eventually(is_delivery_on_record)
    assert made is not None
    assert (made.status, result.status) == (EditionStatus.COMPLETE, EditionStatus.COMPLETE)
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert [row["status"] for row in stage.rows("SELECT status FROM runs")] == ["complete"]
    code, output, _ = await stage.starter("audit", "verify", "--team", stage.team)
    assert (code, output.split(", ")[0]) == (0, f"{stage.team}: whole")
