"""While a recovery waits for people, the run that it works for says so: whom to answer, and how."""

import asyncio
from collections.abc import Sequence
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import activities, names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.edition import EditionProgress, EditionResult, RecoverySummary
from devsync.contracts.recovery import PeopleAsked, RecoveryReport
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from tests.workflows.office import WEEK, Office, serving, start
from tests.workflows.recovery_stage import GONE, WEB, Ground, heals
from workflows.amendment.amendment import FIRST_RECOVERY
from workflows.edition.recoveries import RecoveryBook

RECOVERY = names.recovery_id("payments", WEEK, names.GITHUB, "collect", 1)
PAGE = names.own_escalation_id(RECOVERY)
ANSWERS = (Decision.RETRY, Decision.SKIP, Decision.ABORT)
RENDER = activities.RENDER_EDITION.name
BAD_TEMPLATE = Failure(category=ErrorCategory.FORMATTING, message="template slack.j2:3 is wrong", is_retryable=False)
BEGUN = EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
STARTED = EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED
ENDED = EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED
OTHERS = 2
"""Sources of the office beside the one that fails."""
TASK = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
}


async def progress_of(handle: WorkflowHandle[Any, Any]) -> EditionProgress:
    progress: EditionProgress = await handle.query("progress", result_type=EditionProgress)
    return progress


async def until_asked(handle: WorkflowHandle[Any, Any]) -> EditionProgress:
    while not (progress := await progress_of(handle)).asked:
        await asyncio.sleep(0.02)
    return progress


async def details_of(handle: WorkflowHandle[Any, Any]) -> str:
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return str(metadata.current_details)


def unrecovered() -> Office:
    """One repository is missing, and no step brings anything: people are asked, on a page of the recovery's own."""
    return Office(refused={WEB: GONE}, ground=Ground(has_own_pages=True))


async def test_an_edition_says_whom_its_recovery_waits_for_and_what_to_type(own_time: WorkflowEnvironment) -> None:
    office = unrecovered()
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            progress, details = await until_asked(handle), await details_of(handle)
            recovery = own_time.client.get_workflow_handle(RECOVERY)
            await recovery.signal("resolve", {"by": "anna", "decision": "retry"})
            while len(office.ground.joins if office.ground else ()) < 2:
                await asyncio.sleep(0.02)
            await recovery.signal("resolve", {"by": "anna", "decision": "skip"})
            result = await handle.result()
            over, afterwards = await progress_of(handle), await details_of(handle)
        events = list((await handle.fetch_history()).events)
    assert progress.asked == {PAGE: ANSWERS}
    assert progress.escalations == (PAGE,)
    answer = f"`python starter.py escalation resolve {PAGE} DECISION` (retry, skip, abort)"
    assert f"- **People are asked**: `{PAGE}`; to answer: {answer}" in details.splitlines()
    assert (over.asked, result.escalations, result.recoveries[0].choices) == ({}, (PAGE,), ())
    assert f"- People were told: `{PAGE}`" in afterwards.splitlines()
    assert len(said(events)) == 1, "it asks twice, in the same words"


async def test_a_recovery_adds_three_events_and_two_tasks_to_its_edition(own_time: WorkflowEnvironment) -> None:
    ground = Ground({"cached": [heals(ProvenanceKind.CACHED)]}, has_own_pages=True)
    assert await events_of_recovery(own_time, Office(refused={WEB: GONE}, ground=ground)) == [BEGUN, STARTED, ENDED]


async def test_where_people_are_waited_for_one_more_with_its_task(own_time: WorkflowEnvironment) -> None:
    events = await events_of_recovery(own_time, unrecovered(), decision="skip")
    assert events == [BEGUN, STARTED, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, ENDED]


async def events_of_recovery(environment: WorkflowEnvironment, office: Office, decision: str = "") -> Sequence[int]:
    """All but workflow tasks, from its start to its end; other sources have answered before. (Each but the first has
    a task. They are not counted: on this server queries make some, too.)"""
    office.holds[WEB] = asyncio.Event()
    async with serving(environment, office):
        with environment.auto_time_skipping_disabled():
            handle = await start(environment)
            while len((await progress_of(handle)).units_done) < OTHERS:
                await asyncio.sleep(0.02)
            office.holds[WEB].set()
            if decision:
                await until_asked(handle)
                recovery = environment.client.get_workflow_handle(RECOVERY)
                await recovery.signal("resolve", {"by": "anna", "decision": decision})
            await handle.result()
        events = (await handle.fetch_history()).events
    kinds = [event.event_type for event in events if event.event_type not in TASK]
    return kinds[kinds.index(BEGUN) : kinds.index(ENDED) + 1]


def said(events: list[HistoryEvent]) -> list[HistoryEvent]:
    signalled = [event for event in events if event.HasField("workflow_execution_signaled_event_attributes")]
    return [one for one in signalled if one.workflow_execution_signaled_event_attributes.signal_name == "people_asked"]


async def test_an_amendment_says_so_where_a_person_has_its_recovery_ask(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={WEB: GONE}, ground=Ground({"amend": [heals()]}, has_own_pages=True))
    assert office.ground is not None
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            edition = await start(own_time)
            await until_asked(edition)
            await own_time.client.get_workflow_handle(RECOVERY).signal("resolve", {"by": "anna", "decision": "skip"})
            await edition.result()
            office.refused[RENDER] = BAD_TEMPLATE
            office.ground.holds = {"fallback": asyncio.Event()}
            amendment = own_time.client.get_workflow_handle(names.amendment_id("payments", WEEK))
            await amendment.signal("try_now", {"by": "anna"})
            await office.ground.was_asked["fallback"].wait()
            recovery = names.recovery_id("payments", WEEK, names.LOCAL, "render", FIRST_RECOVERY)
            await own_time.client.get_workflow_handle(recovery).signal("escalate", {"by": "anna"})
            asking = await until(amendment, is_asking=True)
            details, page = await details_of(amendment), names.own_escalation_id(recovery)
            assert f"Now: **waiting for the people whom `{page}` asks**" in details
            assert f"- **People are asked**: `{page}`" in details
            office.ground.holds["fallback"].set()
            silent = await until(amendment, is_asking=False)
            assert "waiting for" not in await details_of(amendment)
            await amendment.terminate()
    assert asking.asked is not None
    assert asking.asked.recovery == recovery
    assert silent.refused_messages == ()


async def until(amendment: WorkflowHandle[Any, Any], *, is_asking: bool) -> AmendmentProgress:
    while True:
        progress: AmendmentProgress = await amendment.query("progress", result_type=AmendmentProgress)
        if (progress.asked is not None) is is_asking:
            return progress
        await asyncio.sleep(0.02)


# What an edition knows, whatever comes first.

RUNNING = RecoverySummary(workflow_id=RECOVERY, service=names.GITHUB, phase="collect")
ASKED = PeopleAsked(recovery=RECOVERY, escalations=(PAGE,), choices=ANSWERS)


def report(**changes: Any) -> RecoveryReport:
    return RecoveryReport(plan="p", service=names.GITHUB, phase="collect", workflow_id=RECOVERY, **changes)


def test_that_it_asks_may_be_told_before_that_it_has_begun() -> None:
    book = RecoveryBook()
    book.asks(ASKED)
    assert (book.summaries, book.escalations) == ((), [])
    book.begins(RUNNING)
    assert (book.summaries[0].choices, book.escalations) == (ANSWERS, [PAGE])


def test_when_it_has_ended_nobody_is_waited_for_whatever_is_told_after_it() -> None:
    book = RecoveryBook()
    book.begins(RUNNING)
    book.asks(ASKED)
    book.ended(report(outcome=RecoveryOutcome.PARTIAL, escalations=(PAGE,)))
    book.asks(ASKED)
    assert (book.summaries[0].choices, book.escalations) == ((), [PAGE])


def test_the_place_of_one_that_made_no_report_is_given_up_in_its_own_name() -> None:
    """In the edition's name, it would be one that the escalation does not know."""
    book = RecoveryBook()
    book.begins(RUNNING)
    book.asks(ASKED)
    assert book.places((PAGE,), "changelog:payments:2026-W47") == [], "it leaves by itself"
    book.ended(report())
    assert book.places((PAGE,), "changelog:payments:2026-W47") == [(PAGE, RECOVERY)]


def test_a_run_that_a_person_asks_others_about_waits_too_until_it_has_its_result() -> None:
    progress = EditionProgress(escalations=("escalation:changelog:payments:2026-W47", PAGE), recoveries=(RUNNING,))
    told = progress.model_copy(update={"recoveries": (RUNNING.model_copy(update={"escalations": (PAGE,)}),)})
    assert told.asked == {"escalation:changelog:payments:2026-W47": ANSWERS}
    result = EditionResult.model_validate(
        {
            "team": "payments", "iso_week": WEEK, "status": "partial", "revision": 1, "completeness": 1,
            "item_count": 1, "unclassified_ratio": 0, "workflow_id": "w", "run_id": "r",
        }
    )  # fmt: skip
    assert told.model_copy(update={"result": result}).asked == {}
