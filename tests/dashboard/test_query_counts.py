"""However much is on record, a page asks the database as often."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import event

from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from devsync.storage.records import Records
from devsync.storage.recoveries import Recoveries
from tests.dashboard.conftest import House
from tests.storage.test_errors import record as error
from tests.storage.test_operations import operation
from tests.storage.test_records import delivery, edition, run
from tests.storage.test_recoveries import RETRY
from tests.storage.test_recoveries import record as recovery

NOW = datetime.now(UTC).replace(microsecond=0)
RUN = "/teams/payments/runs/2026-W47"
PAGES = ("/editions", RUN, "/recoveries", "/errors", "/errors/f1", "/audit")


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    engine, told = database._engine.sync_engine, list[str]()

    def tell(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        told.append(statement)

    event.listen(engine, "before_cursor_execute", tell)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", tell)


async def write(house: House, numbers: range) -> None:
    """How many of everything there are, within one run of a minute."""
    database, began = house.site.database, NOW - timedelta(hours=1)
    await Records(database, ArtifactStore(database)).write(
        run=run(started_at=began, ended_at=began + timedelta(minutes=1)),
        edition=edition(),
        deliveries=[delivery(channel=f"slack-{number}") for number in numbers],
    )
    at = [began + timedelta(seconds=number) for number in numbers]
    kinds = [f"f{number}" for number in numbers]
    await Errors(database).write(
        [error(n, occurred_at=when, fingerprint=kind) for n, when, kind in zip(numbers, at, kinds, strict=True)]
    )
    await Operations(database).write([operation(n, ended_at=when) for n, when in zip(numbers, at, strict=True)])
    for number, when in zip(numbers, at, strict=True):
        one = recovery(number, RecoveryOutcome.HEALED, RETRY)
        await Recoveries(database).write(one.model_copy(update={"started_at": when, "ended_at": when}))


async def test_a_page_asks_as_often_for_thirty_things_as_for_two(house: House) -> None:
    anna = await house.visitor("anna")
    asked: list[dict[str, int]] = []
    for numbers in (range(1, 3), range(3, 31)):
        await write(house, numbers)
        asked.append({})
        house.site.__dict__.pop("runs", None)  # what was looked at a moment ago is not asked again
        for page in PAGES:
            with counted(house.site.database) as statements:
                assert (await anna.get(page)).status_code == 200
            asked[-1][page] = len(statements)
    assert asked[0] == asked[1]
    assert max(asked[1].values()) <= 12
