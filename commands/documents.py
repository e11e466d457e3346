"""The documents that --json prints: their shape is a contract (design, section 3)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from devsync.contracts.edition import ChannelResult, EditionResult, RecoverySummary


def edition_document(result: EditionResult) -> dict[str, Any]:
    """One edition as `run --json` prints it and as `demo --json` lists it."""
    return {
        "team": result.team,
        "week": result.iso_week,
        "status": result.status.value,
        "revision": result.revision,
        "completeness": round(result.completeness, 4),
        "item_count": result.item_count,
        "unclassified_ratio": round(result.unclassified_ratio, 4),
        "gaps": [gap.model_dump(mode="json") for gap in result.gaps],
        "notes": list(result.notes),
        "calls_by_road": result.calls_by_road,
        "workflow_id": result.workflow_id,
        "run_id": result.run_id,
        "channels": [channel_document(channel) for channel in result.channels],
        "recoveries": [recovery_document(recovery) for recovery in result.recoveries],
        "escalations": list(result.escalations),
        "approval": result.approval.model_dump(mode="json") if result.approval else None,
    }


def recovery_document(recovery: RecoverySummary) -> dict[str, Any]:
    """A recovery as the edition tells it."""
    return {
        "plan": recovery.plan,
        "service": recovery.service,
        "phase": recovery.phase,
        "outcome": recovery.outcome,
        "steps": [step.model_dump(mode="json") for step in recovery.steps],
        "decision": recovery.decision,
        "decided_by": recovery.decided_by,
        "escalations": list(recovery.escalations),
        "workflow_id": recovery.workflow_id,
    }


def channel_document(channel: ChannelResult) -> dict[str, Any]:
    """What became of an edition in one channel."""
    return {
        "channel": channel.channel,
        "kind": channel.kind,
        "state": channel.state.value,
        "message_id": channel.message_id,
        "reason": channel.reason,
        "stands_in": channel.stands_in,
    }


def backfill_document(results: Sequence[EditionResult], failures: dict[str, str]) -> dict[str, Any]:
    """The editions of past weeks; `failures` holds the message of each week that has none."""
    return {
        "editions": [edition_document(result) for result in results],
        "failures": [{"week": week, "error": message} for week, message in failures.items()],
    }


def demo_document(results: Sequence[EditionResult], links: dict[str, str | None]) -> dict[str, Any]:
    """All editions of a demo with what they cost; seconds are workflow time by phase, summed over editions."""
    calls: Counter[str] = Counter()
    seconds: dict[str, float] = {}
    for result in results:
        calls.update(result.api_calls)
        for phase, spent in result.seconds.items():
            seconds[phase] = seconds.get(phase, 0.0) + spent
    return {
        "editions": [edition_document(result) for result in results],
        "api_calls": dict(calls),
        "seconds": {phase: round(spent, 3) for phase, spent in seconds.items()},
        "links": links,
    }
