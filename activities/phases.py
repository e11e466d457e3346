"""A run of WeeklyChangelog and its phases, as operations for the records."""

from collections.abc import Sequence
from typing import Final

from devsync.contracts.edition import EditionStatus, Phase, RecordEdition
from devsync.contracts.operations import OperationKind, OperationRecord

_NOT_OVER: Final = (Phase.RECORDING, Phase.DONE)
"""When this is written."""


def operations_of(message: RecordEdition) -> Sequence[OperationRecord]:
    """The edition first. In approval people are waited for: that is no part of its time, and a phase of its own."""
    if message.ended_in is None:
        return []
    result = message.result
    edition = OperationRecord(
        workflow_id=result.workflow_id,
        run_id=result.run_id,
        activity_id="",
        kind=OperationKind.EDITION,
        team=result.team,
        service="",
        operation="edition",
        ended_at=message.ended_at,
        seconds=max(result.seconds.get("total", 0.0) - result.seconds.get(Phase.APPROVING, 0.0), 0.0),
        succeeded=result.status.has_edition,
    )
    failed_in = message.ended_in if result.status is EditionStatus.FAILED else None
    phases = [phase for phase in Phase if phase in result.seconds and phase not in _NOT_OVER]
    return [
        edition,
        *(
            edition.model_copy(
                update={
                    "activity_id": phase.value,
                    "kind": OperationKind.PHASE,
                    "operation": phase.value,
                    "seconds": result.seconds[phase],
                    "succeeded": phase is not failed_in,
                }
            )
            for phase in phases
        ),
    ]
