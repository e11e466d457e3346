"""What a run has to show for itself: pure functions from what its phases found to its result."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from temporalio import workflow

from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.delivery import ChannelPlan, DeliveryOutcome, DeliveryState
from devsync.contracts.edition import (
    ChannelResult,
    EditionComposed,
    EditionPlan,
    EditionProgress,
    EditionRendered,
    EditionRequest,
    EditionResult,
    EditionStatus,
    KeptEdition,
    RecordEdition,
)
from devsync.runtime.channel_content import alternatives_of

Seconds = dict[str, float]
"""By phase, and `total`."""


def result_so_far(
    request: EditionRequest, progress: EditionProgress, run: workflow.Info, status: EditionStatus, seconds: Seconds
) -> EditionResult:
    """What the run would report had it ended now, without an edition."""
    return EditionResult(
        team=request.team,
        iso_week=request.iso_week,
        status=status,
        revision=progress.revision,
        completeness=0,
        item_count=0,
        unclassified_ratio=0,
        workflow_id=run.workflow_id,
        run_id=run.original_execution_run_id,
        recoveries=progress.recoveries,
        escalations=progress.escalations,
        approval=progress.approval,
        notes=progress.notes,
        seconds=seconds,
    )


def made_edition(
    so_far: EditionResult,
    units: Sequence[UnitCollected],
    composed: EditionComposed,
    rendered: EditionRendered,
    channels: tuple[ChannelResult, ...],
    outcomes: Iterable[DeliveryOutcome],
) -> EditionResult:
    """`so_far` tells which edition it is, whose run, its notes and times."""
    return so_far.model_copy(
        update={
            "status": EditionStatus.PARTIAL if composed.gaps else EditionStatus.COMPLETE,
            "completeness": composed.completeness,
            "item_count": composed.item_count,
            "unclassified_ratio": composed.unclassified_ratio,
            "gaps": composed.gaps,
            "channels": channels,
            "api_calls": _calls(units, outcomes),
            "calls_by_road": _calls_by_road(units),
            "edition": composed.edition if isinstance(composed.edition, ArtifactRef) else None,
            "renderings": rendered.formats,
            "digest": composed.digest,
        }
    )


def record_of(
    request: EditionRequest,
    progress: EditionProgress,
    result: EditionResult,
    kept: KeptEdition | None,
    started_at: datetime,
) -> RecordEdition:
    """What the records say of the run; `kept` is None where it leaves no edition."""
    return RecordEdition(
        result=result,
        kept=kept,
        requested_by=request.requested_by,
        cancelled_because=progress.cancelled_because,
        failed_because=progress.failed_because,
        ended_in=progress.phase,
        started_at=started_at,
        ended_at=workflow.now(),
    )


def channel_results(
    plan: EditionPlan, revision: int, outcomes: Mapping[str, DeliveryOutcome]
) -> tuple[ChannelResult, ...]:
    """Of the channels that were asked for, and of those that have stood in for one of them."""
    asked = [channel for channel in plan.channels if not channel.only_as_fallback]
    others = [channel for channel in plan.channels if channel.only_as_fallback]
    others += [alternative for channel in asked for alternative in alternatives_of(channel)]
    stood_in = [channel for channel in others if is_reported(channel, revision, outcomes)]
    return (
        *(channel_result(channel, revision, outcomes) for channel in asked),
        *(channel_result(one, revision, outcomes).model_copy(update={"stands_in": True}) for one in stood_in),
    )


def channel_result(channel: ChannelPlan, revision: int, outcomes: Mapping[str, DeliveryOutcome]) -> ChannelResult:
    """What became of the revision there, by the outcomes that were reported so far."""
    result = ChannelResult(channel=channel.target, key=channel.key, kind=channel.kind, state=DeliveryState.QUEUED)
    if not is_reported(channel, revision, outcomes):
        so_far = outcomes.get(channel.key)
        why = f": {so_far.setback.message}" if so_far and so_far.setback else ""
        return result.model_copy(update={"reason": f"not there at the deadline{why}; its delivery goes on"})
    outcome = outcomes[channel.key]
    return result.model_copy(
        update={
            "state": outcome.state,
            "message_id": outcome.message_id or None,
            "reason": outcome.reason,
            "was_stopped": outcome.was_stopped,
        }
    )


def is_reported(channel: ChannelPlan, revision: int, outcomes: Mapping[str, DeliveryOutcome]) -> bool:
    """Whether the channel's delivery is over for that revision; one that is still tried reports its setbacks."""
    outcome = outcomes.get(channel.key)
    return outcome is not None and outcome.revision >= revision and outcome.state is not DeliveryState.PENDING


def _calls(units: Sequence[UnitCollected], outcomes: Iterable[DeliveryOutcome]) -> dict[str, int]:
    calls: Counter[str] = Counter()
    for unit in units:
        calls[_service(unit)] += unit.api_calls
    for outcome in outcomes:
        if outcome.api_calls:
            calls[outcome.kind] += outcome.api_calls
    return dict(calls)


def _calls_by_road(units: Sequence[UnitCollected]) -> dict[str, int]:
    calls: Counter[str] = Counter()
    for unit in units:
        for road, count in unit.calls_by_road.items():
            calls[f"{_service(unit)}.{road}"] += count
    return dict(calls)


def _service(unit: UnitCollected) -> str:
    return unit.unit.split(":", 1)[0]
