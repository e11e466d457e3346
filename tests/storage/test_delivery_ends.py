"""What became of deliveries that met errors, in a real database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devsync.contracts.errors import ErrorRecord
from devsync.domain.recovery.builtin import DELIVER, DELIVER_EMAIL, RETRY_DELIVERY
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.deliveries import DeliveryRecord
from devsync.storage.delivery_ends import delivery_ends
from devsync.storage.records import Records
from devsync.storage.recoveries import Recoveries
from tests.storage.test_errors import record
from tests.storage.test_records import delivery
from tests.storage.test_recoveries import record as recovery
from tests.storage.test_recoveries import step

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SLACK = "delivery:payments:2026-W47:slack-payments"


def error(minute: int = 0, **changes: Any) -> ErrorRecord:
    own = {"workflow_id": SLACK, "run_id": "d1", "owner_run_id": "edition", "service": "slack"}
    return record(minute, **(own | changes))


async def write(database: Database, *parts: DeliveryRecord) -> None:
    await Records(database, ArtifactStore(database)).write(deliveries=parts)


async def told(database: Database, *met: ErrorRecord) -> list[str]:
    return [end.words if end else "" for end in await delivery_ends(database, met)]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("delivered", "delivered later"),
        ("pending", "still tried"),
        ("uncertain", "uncertain"),
        ("dead", "dead"),
        ("failed", "failed"),
    ],
)
async def test_it_is_what_the_delivery_came_to_after_the_error(database: Database, state: str, words: str) -> None:
    await write(database, delivery(state=state, updated_at=NOON + 5 * MINUTE))
    assert await told(database, error()) == [words]


async def test_what_was_there_before_the_error_is_not_delivered_later(database: Database) -> None:
    await write(database, delivery(updated_at=NOON))
    assert await told(database, error(5)) == ["delivered"]


async def test_what_becomes_of_a_later_revision_takes_nothing_back(database: Database) -> None:
    await write(database, delivery(updated_at=NOON + 5 * MINUTE))
    await write(database, delivery(revision=2, state="dead", updated_at=NOON + 60 * MINUTE))
    assert await told(database, error(), error(50)) == ["delivered later", "dead"]


async def test_a_thread_of_which_a_part_is_missing_is_not_there(database: Database) -> None:
    at = {"updated_at": NOON + 5 * MINUTE}
    await write(database, delivery(**at), delivery(part=1, state="uncertain", message_id="", **at))
    assert await told(database, error()) == ["uncertain"]


async def test_a_channel_that_stands_in_is_told_for_the_run_that_found_it(database: Database) -> None:
    await write(database, delivery(state="dead", updated_at=NOON + 5 * MINUTE))
    by_mail = step("email", StepState.RESOLVED, "slack-payments").model_copy(update={"activity": DELIVER_EMAIL})
    retried = by_mail.model_copy(update={"activity": RETRY_DELIVERY})
    of_slack: dict[str, Any] = {"service": "slack", "phase": DELIVER}
    for number, owner, done in ((1, "edition", by_mail), (2, "again", retried)):
        await Recoveries(database).write(
            recovery(number, RecoveryOutcome.STAND_IN, done, owner_run_id=owner, **of_slack)
        )
    met = [error(), error(owner_run_id="again"), error(owner_run_id=None)]
    assert await told(database, *met) == ["another channel stands in", "dead", "dead"]
    await write(database, delivery(updated_at=NOON + 9 * MINUTE))
    assert await told(database, error()) == ["delivered later"]


async def test_of_what_is_no_delivery_or_not_on_record_nothing_is_told(database: Database) -> None:
    await write(database, delivery())
    others = (
        "changelog:payments:2026-W47",
        "delivery:payments:2026-W47:email-x",
        "delivery:search:2026-W47:slack-payments",
    )
    assert await told(database, *(error(workflow_id=one) for one in others)) == ["", "", ""]
    assert await delivery_ends(database, []) == []
