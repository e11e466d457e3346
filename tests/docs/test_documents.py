"""docs/reference/documents.md shows the documents that the commands print, field by field."""

import json
from datetime import UTC, datetime
from typing import Any

from commands.documents import backfill_document, demo_document, edition_document
from commands.schedule.shown import document
from commands.stack import ROOT
from devsync.contracts import names
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.due import DueOutcome, EditionDue
from devsync.contracts.edition import ChannelResult, EditionResult, EditionStatus, RecoverySummary, StepSummary
from devsync.domain.changelog.edition import Gap
from devsync.domain.recovery.plan import StepState
from devsync.runtime.schedule_states import Firing, ScheduleState
from tests.docs.manual import blocks

SHOWN = [json.loads(block.text) for block in blocks(ROOT / "docs/reference/documents.md") if block.language == "json"]

RESULT = EditionResult(
    team="payments",
    iso_week="2026-W46",
    status=EditionStatus.PARTIAL,
    revision=1,
    completeness=0.5,
    item_count=1,
    unclassified_ratio=0.0,
    gaps=(Gap(unit="github:acme/ledger", service="github", reason="github answered 404"),),
    workflow_id="changelog:payments:2026-W46",
    run_id="r",
    channels=(ChannelResult(channel="#payments", kind="slack", state=DeliveryState.DELIVERED),),
    notes=("a note",),
    recoveries=(
        RecoverySummary(
            workflow_id="r",
            service="github",
            phase="collect",
            steps=(StepSummary(id="mirror", state=StepState.RESOLVED, seconds=1, healed=("github:acme/ledger",)),),
        ),
    ),
    api_calls={"github": 12, "jira": 2, "slack": 2},
    calls_by_road={"github.graphql": 4, "github.rest": 8},
    seconds={"total": 1.0, "plan": 0.1, "collect": 0.4, "compose": 0.2, "deliver": 0.3},
)
LINKS: dict[str, str | None] = dict.fromkeys(("web_ui", "run", "slack", "mail", "control", "dashboard"))


def shape(value: Any) -> Any:
    """The field names, all the way down."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else None


def test_an_edition_has_the_fields_that_the_page_shows() -> None:
    assert shape(edition_document(RESULT)) == shape(next(one for one in SHOWN if "status" in one))


def test_the_demo_has_the_fields_that_the_page_shows() -> None:
    printed = demo_document([RESULT], LINKS) | {"editions": []}
    assert shape(printed) == shape(next(one for one in SHOWN if "links" in one))


def test_the_schedules_have_the_fields_that_the_page_shows() -> None:
    now = datetime(2026, 11, 23, 8, tzinfo=UTC)
    due = EditionDue(
        team="payments", iso_week="2026-W47", scheduled_at=now, outcome=DueOutcome.STARTED, edition_id="changelog:…"
    )
    state = ScheduleState(
        team="payments",
        state="active",
        when="monday 09:00 Europe/Berlin",
        upcoming=[now],
        firings=[Firing(now, now, names.due_id("payments"), "completed", due)],
        counters={"actions": 1, "missed_catchup_window": 0, "overlap_skipped": 0, "buffer_dropped": 0},
        weeks_without_edition=["2026-W45"],
    )
    shown = next(one for one in SHOWN if "schedules" in one)
    assert shape({"schedules": [document(state)]}) == shape(shown)


def test_a_backfill_has_the_fields_that_the_page_shows() -> None:
    printed = backfill_document([], {"2026-W43": "it failed"})
    assert shape(printed) == shape(next(one for one in SHOWN if "failures" in one))
