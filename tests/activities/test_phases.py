"""What an edition's record says of its phases."""

from datetime import UTC, datetime, timedelta
from typing import Any

from activities.phases import operations_of
from devsync.contracts.edition import EditionResult, EditionStatus, Phase, RecordEdition
from devsync.contracts.operations import OperationKind

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECONDS = {"total": 100.0, "plan": 1.0, "collect": 20.0, "compose": 4.0, "approve": 70.0, "deliver": 5.0, "record": 0.0}


def record(status: EditionStatus = EditionStatus.COMPLETE, ended_in: Phase | None = Phase.RECORDING) -> RecordEdition:
    values: dict[str, Any] = {
        "team": "payments",
        "iso_week": "2026-W47",
        "status": status,
        "revision": 1,
        "completeness": 1,
        "item_count": 3,
        "unclassified_ratio": 0,
        "workflow_id": "changelog:payments:2026-W47",
        "run_id": "run-1",
        "seconds": SECONDS,
    }
    return RecordEdition(
        result=EditionResult.model_validate(values),
        ended_in=ended_in,
        started_at=NOON,
        ended_at=NOON + timedelta(seconds=100),
    )


def test_an_edition_takes_the_time_in_which_nobody_was_waited_for() -> None:
    edition, *_ = operations_of(record())
    assert (edition.kind, edition.seconds, edition.succeeded) == (OperationKind.EDITION, 30.0, True)
    assert (edition.team, edition.ended_at) == ("payments", NOON + timedelta(seconds=100))


def test_each_phase_that_is_over_is_an_operation_of_its_own() -> None:
    _, *phases = operations_of(record())
    assert [(one.operation, one.seconds, one.succeeded) for one in phases] == [
        ("plan", 1.0, True),
        ("collect", 20.0, True),
        ("compose", 4.0, True),
        ("approve", 70.0, True),
        ("deliver", 5.0, True),
    ]
    assert {one.kind for one in phases} == {OperationKind.PHASE}
    assert len({(one.run_id, one.activity_id, one.attempt, one.number) for one in operations_of(record())}) == 6


def test_a_run_that_fails_fails_in_the_phase_in_which_it_was() -> None:
    edition, *phases = operations_of(record(EditionStatus.FAILED, Phase.COMPOSING))
    assert not edition.succeeded
    assert [one.operation for one in phases if not one.succeeded] == ["compose"]


def test_a_run_that_somebody_called_off_has_failed_in_no_phase() -> None:
    edition, *phases = operations_of(record(EditionStatus.CANCELLED, Phase.DELIVERING))
    assert not edition.succeeded
    assert all(one.succeeded for one in phases)


def test_an_amendment_has_no_phases() -> None:
    assert operations_of(record(ended_in=None)) == []
