"""No secret in any row: whatever people and services write, in whichever table it ends."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import inspect

from devsync.contracts.monitor import AlertChange, RecordAlerts
from devsync.contracts.recovery import FailedUnit
from devsync.domain.audit import AuditEntry
from devsync.domain.changelog.edition import Gap
from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.escalation import machine
from devsync.domain.health.bands import Band, Health
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from devsync.domain.redaction import REDACTED
from devsync.storage import prose
from devsync.storage.alerts import Alerts
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.audit import Audit
from devsync.storage.audit_check import AuditCheck
from devsync.storage.breakers import BreakerTransitions
from devsync.storage.columns import Prose, ProseInJson
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.escalations import Escalations
from devsync.storage.health_checks import HealthChecks
from devsync.storage.prose import keep_out, without_secrets
from devsync.storage.records import Records
from devsync.storage.recoveries import Recoveries
from devsync.storage.tables import metadata
from tests.domain.test_redaction import SECRETS
from tests.storage import test_escalations as escalated
from tests.storage.tampering import rows_of
from tests.storage.test_alerts import alert
from tests.storage.test_audit_of_records import transition
from tests.storage.test_errors import record as error
from tests.storage.test_records import MONDAY, NOON, delivery, edition, run
from tests.storage.test_recoveries import record as recovery
from tests.storage.test_recoveries import step

KNOWN = "NjY2MDE3Mzk0"
SHAPED = [(shape, secret) for shape, secret in SECRETS if "\n" not in secret]


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prose, "_known", set())
    keep_out([KNOWN, "a", ""])


async def write_everywhere(database: Database, words: str) -> None:
    """The words in every text of every record that comes from people or services."""
    failure = Failure(category=ErrorCategory.NETWORK, message=words, is_retryable=True, fingerprint="f1")
    gone = FailedUnit(unit="github:acme/web", service="github", failure=failure)
    opened, first = machine.opened(escalated.POLICY, "team_lead", words, words, NOON)
    over, second = machine.resolve(opened, words, Decision.RETRY, words, NOON + timedelta(hours=1))
    for record, events, number in ((opened, first, 1), (over, second, 2)):
        message = escalated.message(
            record, events, number, team="payments", failure=failure, reason=words, requested_by=words
        )
        await Escalations(database).write(message)
    await Errors(database).write([error(1, message=words)])
    forced = transition(1).model_copy(update={"reason": words, "actor": words})
    await BreakerTransitions(database).write("github", "run-1", 1, [forced])
    failed = step("retry", StepState.FAILED).model_copy(update={"message": words})
    decided: dict[str, Any] = {"missing": (gone,), "decision": Decision.SKIP, "decided_by": words, "note": words}
    await Recoveries(database).write(recovery(1, RecoveryOutcome.PARTIAL, failed, **decided))
    await Records(database, ArtifactStore(database)).write(
        run=run(requested_by=words, cancelled_because=words, failed_because=words),
        edition=edition(gaps=(Gap(unit="jira:PAY", service="jira", reason=words, as_of=MONDAY),)),
        deliveries=[delivery(last_error=words)],
    )
    fired = alert(summary=words, details=(words,), acknowledged_by=words)
    await Alerts(database).write(RecordAlerts(changes=(AlertChange(at=NOON, alert=fired),)))
    await HealthChecks(database).write(Health(at=NOON, band=Band.UNKNOWN, reasons=(words,), services=()))
    entry = {"id": "x", "team": "payments", "at": NOON, "actor": words, "what": "w", "action": "b", "outcome": words}
    await Audit(database).write([AuditEntry.model_validate(entry | {"context": {"note": words}})])


def everything_in(url: str) -> str:
    return "\n".join(
        text for table in metadata.tables for (text,) in rows_of(url, f"SELECT to_jsonb(t)::text FROM {table} AS t")
    )


async def test_no_secret_of_any_shape_gets_into_any_row(database: Database, url: str) -> None:
    await write_everywhere(database, " and ".join(shape.format(secret) for shape, secret in SHAPED))
    written = everything_in(url)
    assert [secret for _, secret in SHAPED if len(secret) > 8 and secret in written] == []
    assert written.count(REDACTED) > 100


async def test_no_known_secret_gets_into_any_row_and_the_audit_is_whole(database: Database, url: str) -> None:
    await write_everywhere(database, f"jira quotes {KNOWN} to us")
    written = everything_in(url)
    assert KNOWN not in written
    assert f"jira quotes {REDACTED} to us" in written
    assert [one.findings async for one in AuditCheck(database).teams()] == [(), ()]


def test_keys_are_left_alone_or_rows_would_not_be_found() -> None:
    for table in metadata.tables.values():
        keys = {column.name for column in inspect(table).primary_key} | {"team", "workflow_id", "run_id"}
        for column in table.columns:
            if column.name in keys:
                assert not isinstance(column.type, Prose | ProseInJson), f"{table.name}.{column.name}"


def test_texts_are_cleaned_wherever_they_stand_and_nothing_else_is_changed() -> None:
    value = {KNOWN: [1, None, f"it is {KNOWN}", {"at": (True, KNOWN)}]}
    assert without_secrets(value) == {KNOWN: [1, None, f"it is {REDACTED}", {"at": [True, REDACTED]}]}
