"""What a run has to show: calls by service and road, and what became of each channel."""

from datetime import UTC, datetime
from typing import Any

import pytest

from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.delivery import ChannelPlan, DeliveryOutcome, DeliveryState, PartRecord
from devsync.contracts.edition import EditionComposed, EditionRendered, EditionResult, EditionStatus
from devsync.domain.changelog.edition import Gap
from devsync.domain.errors import ErrorCategory, Failure
from workflows.edition.results import channel_result, made_edition

SLACK = ChannelPlan(key="slack-payments", kind="slack", target="#payments")
AWAY = Failure(category=ErrorCategory.NETWORK, message="slack cannot be reached", is_retryable=True)
STORED = ArtifactRef(digest="0" * 64, size=1, kind="edition")
SO_FAR = EditionResult(
    team="payments", iso_week="2026-W47", status=EditionStatus.COMPLETE, revision=2, completeness=0, item_count=0,
    unclassified_ratio=0, workflow_id="changelog:payments:2026-W47", run_id="run-1", notes=("schedule: late",),
)  # fmt: skip


def unit(name: str, calls: int, **by_road: int) -> UnitCollected:
    now = datetime(2026, 11, 23, 8, tzinfo=UTC)
    return UnitCollected(unit=name, artifact=STORED, api_calls=calls, calls_by_road=by_road, collected_at=now)


def outcome(**changes: Any) -> DeliveryOutcome:
    values: dict[str, Any] = {
        "team": "payments", "iso_week": "2026-W47", "channel": SLACK.key, "kind": "slack", "revision": 2,
        "state": DeliveryState.DELIVERED, "parts": (PartRecord(index=0, message_id="1.0"),), "api_calls": 2,
    }  # fmt: skip
    return DeliveryOutcome.model_validate(values | changes)


def made(*units: UnitCollected, gaps: tuple[Gap, ...] = ()) -> EditionResult:
    composed = EditionComposed(
        edition=STORED, digest="1" * 64, item_count=7, unclassified_ratio=0.5, completeness=0.75, gaps=gaps
    )
    rendered = EditionRendered(formats={"slack": STORED}, slack_part_digests=("a",))
    return made_edition(SO_FAR, units, composed, rendered, (), [outcome()])


def test_calls_are_counted_by_service_and_by_road() -> None:
    repositories = unit("github:acme/api", 5, graphql=3, rest=2), unit("github:acme/web", 2, rest=2)
    result = made(*repositories, unit("jira:PAY", 1))
    assert result.api_calls == {"github": 7, "jira": 1, "slack": 2}
    assert result.calls_by_road == {"github.graphql": 3, "github.rest": 4}


def test_an_edition_with_gaps_is_partial_and_keeps_what_the_run_said() -> None:
    gap = Gap(unit="jira:PAY", service="jira", reason="JIRA answered 503")
    result = made(gaps=(gap,))
    assert (result.status, result.gaps, result.completeness) == (EditionStatus.PARTIAL, (gap,), 0.75)
    assert (result.revision, result.notes, result.digest) == (2, SO_FAR.notes, "1" * 64)
    assert made().status is EditionStatus.COMPLETE


@pytest.mark.parametrize(
    ("channel", "reported", "state", "reason"),
    [
        (SLACK, outcome(), DeliveryState.DELIVERED, ""),
        (SLACK, outcome(state="failed", reason="archived"), DeliveryState.FAILED, "archived"),
        (SLACK, outcome(revision=1), DeliveryState.QUEUED, "not there at the deadline; its delivery goes on"),
        (SLACK, None, DeliveryState.QUEUED, "not there at the deadline; its delivery goes on"),
        (
            SLACK,
            outcome(state="pending", setback=AWAY),
            DeliveryState.QUEUED,
            "not there at the deadline: slack cannot be reached; its delivery goes on",
        ),
    ],
)
def test_what_became_of_a_channel(
    channel: ChannelPlan, reported: DeliveryOutcome | None, state: DeliveryState, reason: str
) -> None:
    result = channel_result(channel, 2, {SLACK.key: reported} if reported else {})
    assert (result.channel, result.kind, result.state, result.reason) == ("#payments", channel.kind, state, reason)
    is_over = reported is not None and reported.revision == 2 and reported.state is not DeliveryState.PENDING
    assert result.message_id == ("1.0" if is_over else None)
