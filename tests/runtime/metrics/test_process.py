"""What a worker tells of itself."""

from datetime import UTC, datetime

from devsync.runtime.metrics.process import ProcessMetrics
from devsync.runtime.resident import peak_megabytes, resident_megabytes
from devsync.storage.spool import Spool
from tests.metric_buffer import Buffered


async def test_what_waits_and_what_was_lost_since_the_last_time(buffered: Buffered) -> None:
    spool = Spool[int]("errors", limit=2)
    metrics = ProcessMetrics(buffered.meter, {"errors": spool})

    async def told(name: str) -> float:
        await metrics.tell()
        (value,) = [value for metric, labels, value in buffered.told() if (metric, labels) == (name, of_errors)]
        return value

    of_errors = {"records": "errors"}
    assert await told("devsync_spool_lost") == 0
    for number in range(5):
        spool.keep(number)
    assert await told("devsync_spool_lost") == 3
    assert await told("devsync_spool_lost") == 0
    assert await told("devsync_spool_queued") == 2


async def test_the_heartbeat_is_now_and_memory_is_what_the_system_says(buffered: Buffered) -> None:
    before = datetime.now(UTC).timestamp()
    await ProcessMetrics(buffered.meter, {}).tell()
    told = {name: value for name, _, value in buffered.told()}
    assert before <= told["devsync_worker_heartbeat_timestamp_seconds"] <= datetime.now(UTC).timestamp()
    if (held := resident_megabytes()) is not None:
        assert told["devsync_process_resident_memory_bytes"] / 2**20 > held / 2
        assert told["devsync_process_peak_memory_bytes"] >= told["devsync_process_resident_memory_bytes"]


def test_the_peak_is_of_this_process_and_stays_when_memory_is_given_back() -> None:
    """200 MB, as one piece that goes back to the system."""
    before = peak_megabytes()
    if before is None:
        return
    held = bytearray(200 * 2**20)
    held[:: 2**12] = b"x" * len(held[:: 2**12])
    del held
    after = peak_megabytes()
    assert after is not None
    assert after >= before
    assert after > (resident_megabytes() or 0) + 100
