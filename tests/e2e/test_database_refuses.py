"""PostgreSQL that answers and takes nothing, since it is full or read-only: the edition goes out, records follow."""

import asyncio

import pytest

from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionProgress, EditionStatus, Phase
from tests.e2e.refusing import FULL, READ_ONLY, Refusal, run_on
from tests.e2e.stage import Stage, eventually

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("refusal", [READ_ONLY, FULL], ids=["read-only", "full"])
async def test_an_edition_goes_out_and_its_records_follow(stage: Stage, refusal: Refusal) -> None:
    async with stage.worker():
        run_on(stage, refusal.begin)
        handle = await stage.start()
        await stage.until_phase(handle, Phase.RECORDING)
        made = (await handle.query("progress", result_type=EditionProgress)).result
        await stage.until_posted()
        assert stage.rows("SELECT * FROM runs") == []
        run_on(stage, refusal.end)
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
