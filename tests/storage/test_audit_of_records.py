"""What is written to the records is told in the audit, and what was on record before there was one begins it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from devsync.domain.breaker import Transition
from devsync.domain.breaker.record import Event
from devsync.domain.breaker.standing import Mode, State
from devsync.domain.escalation import machine
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.storage import migrate
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.audit_check import AuditCheck
from devsync.storage.breakers import BreakerTransitions
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.escalations import Escalations
from devsync.storage.records import Records
from devsync.storage.recoveries import Recoveries
from tests.storage import test_escalations as escalated
from tests.storage.tampering import rows_of, tamper
from tests.storage.test_errors import record as error
from tests.storage.test_records import NOON, delivery, edition, run
from tests.storage.test_recoveries import GONE
from tests.storage.test_recoveries import record as recovery

TOLD = "SELECT team, id, at, actor, what, action, outcome, context FROM audit ORDER BY team, id"


def transition(number: int) -> Transition:
    return Transition(
        at=NOON + timedelta(minutes=number),
        event=Event.FORCED_OPEN,
        from_state=State.CLOSED,
        to_state=State.OPEN,
        mode=Mode.FORCED_OPEN,
        reason="they asked us to",
        actor="anna",
        generation=number,
    )


async def write_one_of_each(database: Database) -> None:
    await Errors(database).write([error(1), error(2), error(3, team="", workflow_id="breaker:github")])
    opened, first = escalated.opened(NOON)
    over, second = machine.resolve(opened, "anna", Decision.RETRY, "back", NOON + timedelta(hours=1))
    for record, events, number in ((opened, first, 1), (over, second, 2)):
        await Escalations(database).write(escalated.message(record, events, number, team="payments"))
    await BreakerTransitions(database).write("github", "run-1", 1, [transition(1), transition(2)])
    await Recoveries(database).write(
        recovery(1, RecoveryOutcome.PARTIAL, missing=(GONE,), decision=Decision.USE_FALLBACK, decided_by="anna")
    )
    parts = [delivery(), delivery(part=1, state="uncertain", sent_at=NOON, last_error="time-out", attempts=2)]
    records = Records(database, ArtifactStore(database))
    await records.write(run=run(requested_by="anna"), edition=edition(), deliveries=parts)
    await records.write(run=run(workflow_id="changelog:search:2026-W47", team="search"))


async def findings(database: Database) -> list[str]:
    return [finding.detail async for one in AuditCheck(database).teams() for finding in one.findings]


async def test_one_of_each_is_told_with_who_and_what_came_of_it(database: Database, url: str) -> None:
    for _ in range(2):
        await write_one_of_each(database)
    told = rows_of(url, "SELECT team, actor, what, action, outcome FROM audit ORDER BY team, number")
    assert told == [
        ("", "worker", "breaker:github", "github.collect_repository", "failed"),
        ("", "anna", "breaker:github", "forced_open", "open"),
        ("", "anna", "breaker:github", "forced_open", "open"),
        ("payments", "worker", "changelog:payments:2026-W47", "github.collect_repository", "failed"),
        ("payments", "worker", "changelog:payments:2026-W47", "github.collect_repository", "failed"),
        ("payments", "policy", "escalation:service:github", "opened", "nobody answers"),
        ("payments", "anna", "escalation:service:github", "resolved", "retry: back"),
        ("payments", "anna", "recovery:payments:2026-W47:github.collect:1", "recover by github-collection", "partial"),
        ("payments", "anna", "changelog:payments:2026-W47", "make edition", "partial"),
        ("payments", "delivery", "delivery:payments:2026-W47:slack-payments", "deliver revision 1",
         "delivered, uncertain"),
        ("search", "schedule", "changelog:search:2026-W47", "make edition", "partial"),
    ]  # fmt: skip
    assert await findings(database) == []


def _without_edition(rows: Sequence[Any]) -> list[Any]:
    """A run's row does not say which edition it made."""
    return [(*row[:-1], {key: row[-1][key] for key in row[-1] if key not in ("revision", "digest")}) for row in rows]


async def test_what_was_on_record_before_begins_the_audit_and_is_not_told_again(database: Database, url: str) -> None:
    await write_one_of_each(database)
    before = rows_of(url, TOLD)
    migrate.downgrade(url, "0009")
    assert len(rows_of(url, "SELECT * FROM errors")) == 3, "the audit is gone, what it told of is not"
    migrate.upgrade(url)
    assert _without_edition(rows_of(url, TOLD)) == _without_edition(before)
    assert await findings(database) == []
    times = rows_of(url, "SELECT team, at FROM audit ORDER BY team, number")
    assert times == sorted(times), "in the order in which it happened"

    await write_one_of_each(database)
    assert len(rows_of(url, TOLD)) == len(before)
    assert await findings(database) == []


async def test_thousands_of_errors_on_record_begin_the_audit(database: Database, url: str) -> None:
    await Errors(database).write([error(1)])
    migrate.downgrade(url, "0009")
    tamper(
        url,
        "INSERT INTO errors SELECT run_id, n::text, attempt, workflow_id,"
        " CASE n % 3 WHEN 0 THEN 'search' ELSE team END, service, operation, category, severity, code, fingerprint,"
        " message, occurred_at + n * interval '1 s' FROM errors, generate_series(2, 12000) AS n",
    )
    migrate.upgrade(url)
    checked = [(one.team, one.entries, one.findings) async for one in AuditCheck(database).teams()]
    assert checked == [("payments", 8000, ()), ("search", 4000, ())]


@pytest.mark.parametrize(
    ("statement", "detail"),
    [
        (
            "UPDATE breaker_transitions SET actor = 'ben' WHERE number = 2",
            "breaker_transitions: breaker:github:run-1:2",
        ),
        ("DELETE FROM escalation_events WHERE number = 2", "escalation_events: escalation:escalation:service:github"),
    ],
)
async def test_rows_beside_the_audit_are_held_against_it(
    database: Database, url: str, statement: str, detail: str
) -> None:
    await write_one_of_each(database)
    tamper(url, statement)
    (found,) = await findings(database)
    assert found.startswith(detail)
