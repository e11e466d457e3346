"""An edition that waits for its reviewers: what they say, what they may not say, and what follows without them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import activities, names
from devsync.contracts.approval import ApprovalPlan, ApprovalProgress, ApprovalState, Approve
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionProgress, EditionStatus
from devsync.domain.changelog.edits import Edits
from devsync.domain.escalation import machine
from devsync.domain.refusal import NOT_THERE, Refused
from tests.storage.test_escalations import NOON, opened
from tests.workflows.office import AWAY, WEEK, Office, serving, start
from tests.workflows.waits import until_recorded
from workflows.edition.approval import Approval
from workflows.shared.messages import refused_by

WAIT = timedelta(minutes=90)
REVIEWERS = {"required": True, "reviewers": ["#payments-leads"], "wait": WAIT, "on_timeout": "publish"}
PREVIEW = "approval-slack-payments-leads"


def asking(**changes: Any) -> Office:
    return Office(approval={**REVIEWERS, **changes})


async def progress_of(handle: WorkflowHandle[Any, Any]) -> EditionProgress:
    progress: EditionProgress = await handle.query("progress", result_type=EditionProgress)
    return progress


async def until_asked(handle: WorkflowHandle[Any, Any], office: Office) -> None:
    """Until the preview stands in the reviewers' channel."""
    await office.was_asked[activities.SEND_SLACK_PART.name].wait()
    await until_shown(handle, 1)


async def until_shown(handle: WorkflowHandle[Any, Any], preview: int) -> None:
    while (approval := (await progress_of(handle)).approval) is None or (
        (approval.preview, approval.is_shown) != (preview, True)
    ):
        pass


def posted_to(office: Office, channel: str) -> list[str]:
    return [key for key in office.posts if key.split("/")[2] == channel]


@pytest.mark.parametrize("way", ["signal", "update"])
async def test_nothing_is_posted_before_somebody_agrees(way: str, own_time: WorkflowEnvironment) -> None:
    office = asking()
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await until_asked(handle, office)
            assert posted_to(office, "slack-payments") == []
            said = {"by": "anna", "note": "good"}
            if way == "signal":
                await handle.signal("approve", said)
            else:
                answer: ApprovalProgress = await handle.execute_update("approve", said, result_type=ApprovalProgress)
                assert (answer.state, answer.by) == (ApprovalState.APPROVED, "anna")
        result = await handle.result()
    assert result.status is EditionStatus.COMPLETE
    assert result.approval is not None
    assert (result.approval.state, result.approval.by, result.approval.note) == (ApprovalState.APPROVED, "anna", "good")
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    banners = [one.telling.banner for one in office.rendered]
    assert "waits for approval" in banners[0]
    assert "--preview 1" in banners[0]
    assert sorted(banners[1:]) == ["", "Preview: approved by anna: good"]
    assert posted_to(office, PREVIEW)
    answers = [[offer.answer for offer in one.telling.offers] for one in office.rendered]
    assert [answer.says for answer in answers[0]] == ["approve:1", "reject"]
    assert {(answer.workflow_id, answer.run_id) for answer in answers[0]} == {(handle.id, handle.result_run_id)}
    assert answers[1:] == [[], []]


async def test_a_rejected_edition_is_posted_nowhere_and_on_record_with_who_and_why(
    own_time: WorkflowEnvironment,
) -> None:
    office = asking()
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await until_asked(handle, office)
            await handle.signal("reject", {"by": "anna", "reason": "wrong week"})
        result = await handle.result()
    assert result.status is EditionStatus.REJECTED
    assert posted_to(office, "slack-payments") == []
    record = office.records[-1]
    assert (record.result.status, record.cancelled_because, record.kept) == (
        EditionStatus.REJECTED, "anna: wrong week", None
    )  # fmt: skip


async def test_an_edit_is_composed_shown_again_and_waited_for_again(own_time: WorkflowEnvironment) -> None:
    office = asking()
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await until_asked(handle, office)
            preview = own_time.client.get_workflow_handle(names.delivery_id("payments", WEEK, PREVIEW))
            await until_recorded(preview, office, 1)
            await handle.execute_update("edit", {"by": "ben", "hide": ["PAY-1"], "note": "Release on Friday"})
            await until_recorded(preview, office, 2)
            await handle.execute_update("edit", {"by": "cem", "retitle": {"PAY-2": "Better"}})
            await until_shown(handle, 3)
            await handle.signal("approve", {"by": "anna"})
        result = await handle.result()
    edits = office.composed[-1].edits
    assert (edits.hide, edits.retitle, edits.note) == (("PAY-1",), {"PAY-2": "Better"}, "Release on Friday")
    assert result.approval is not None
    assert result.approval.edited_by == ("ben", "cem")
    assert result.item_count == 2
    assert result.revision == 1


async def test_an_edit_of_what_the_edition_does_not_have_is_refused_as_a_whole(own_time: WorkflowEnvironment) -> None:
    office = asking()
    office.unknown |= {"PAY-8", "PAY-9"}
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await until_asked(handle, office)
            said = {"by": "ben", "hide": ["PAY-1", "PAY-9"], "retitle": {"PAY-8": "Better"}}
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await handle.execute_update("edit", said)
            await handle.execute_update("approve", {"by": "anna"})
        result = await handle.result()
    assert "the edition has no PAY-9, PAY-8" in str(refused.value.cause)
    assert [made.edits for made in office.composed] == [Edits()]
    assert result.approval is not None
    assert (result.approval.preview, result.approval.edited_by) == (1, ())


async def test_an_edit_that_cannot_be_looked_at_is_taken(own_time: WorkflowEnvironment) -> None:
    office = asking()
    office.refused[activities.FIND_UNKNOWN_ITEMS.name] = AWAY
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await until_asked(handle, office)
            await handle.execute_update("edit", {"by": "ben", "hide": ["PAY-1"]})
            await until_shown(handle, 2)
            await handle.execute_update("approve", {"by": "anna"})
        await handle.result()
    assert office.composed[-1].edits.hide == ("PAY-1",)


async def test_an_edit_that_is_taken_back_is_shown_again_and_one_that_repeats_is_refused(
    own_time: WorkflowEnvironment,
) -> None:
    office = asking()
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await until_asked(handle, office)
            preview = own_time.client.get_workflow_handle(names.delivery_id("payments", WEEK, PREVIEW))
            for number, note in enumerate(("Release on Friday", "Release on Monday"), start=1):
                await until_recorded(preview, office, number)
                await handle.execute_update("edit", {"by": "ben", "note": note})
                await until_shown(handle, number + 1)
            with pytest.raises(WorkflowUpdateFailedError):
                await handle.execute_update("edit", {"by": "cem", "note": "Release on Monday"})
            await until_recorded(preview, office, 3)
            await handle.execute_update("edit", {"by": "cem", "note": "Release on Friday"})
            await until_shown(handle, 4)
            await handle.execute_update("approve", {"by": "anna"})
        result = await handle.result()
    assert office.composed[-1].edits.note == "Release on Friday"
    assert result.approval is not None
    assert result.approval.preview == 4


@pytest.mark.parametrize(
    ("policy", "status"), [("publish", EditionStatus.COMPLETE), ("reject", EditionStatus.REJECTED)]
)
async def test_nobody_answers_then_reviewers_are_reminded_and_the_policy_decides(
    policy: str, status: EditionStatus, own_time: WorkflowEnvironment
) -> None:
    office = asking(on_timeout=policy)
    async with serving(own_time, office):
        handle = await start(own_time)
        result = await handle.result()
        took = (await handle.describe()).close_time - (await handle.describe()).start_time  # type: ignore[operator]
    assert result.status is status
    assert result.approval is not None
    assert result.approval.state is ApprovalState.TIMED_OUT
    assert WAIT <= took < WAIT + timedelta(minutes=5)
    asked, over = office.notices
    assert (asked.target.target, asked.message_id) == ("#payments-leads", "")
    assert (over.target.target, over.message_id) == ("#payments-leads", "9.0")
    assert over.notice.title == f"payments {WEEK} waits no more for approval: timed out by policy"
    assert over.notice.offers == ()


async def test_a_reminder_offers_what_the_preview_does_until_it_is_answered(own_time: WorkflowEnvironment) -> None:
    office = asking()
    async with serving(own_time, office):
        handle = await start(own_time)
        with own_time.auto_time_skipping_disabled():
            await until_asked(handle, office)
        await own_time.sleep(WAIT / 2 + timedelta(minutes=1))
        with own_time.auto_time_skipping_disabled():
            (reminder,) = office.notices
            assert reminder.notice.offers == office.rendered[-1].telling.offers
            assert [offer.label for offer in reminder.notice.offers] == ["Approve", "Reject"]
            await handle.execute_update("edit", {"by": "ben", "note": "Release is on Friday"})
            await until_shown(handle, 2)
            while len(office.notices) < 2:
                await asyncio.sleep(0.02)
            assert office.notices[-1].message_id == "9.0"
            assert office.notices[-1].notice.offers == office.rendered[-1].telling.offers != reminder.notice.offers
            await handle.execute_update("approve", {"by": "anna"})
            await handle.result()
    assert office.notices[-1].notice.title == f"payments {WEEK} waits no more for approval: approved by anna"
    assert office.notices[-1].notice.offers == ()
    assert len(office.notices) == 3


async def test_a_reminder_that_hangs_holds_up_no_edition(own_time: WorkflowEnvironment) -> None:
    """All reviewers' are changed at once, beside what the deadline needs."""
    notify = activities.NOTIFY_SLACK.name
    office = asking(reviewers=["#payments-leads", "#payments-heads"])
    office.unknown_to_plan = {notify}  # it may take a minute then
    async with serving(own_time, office):
        handle = await start(own_time)
        with own_time.auto_time_skipping_disabled():
            await until_asked(handle, office)
        await own_time.sleep(WAIT / 2 + timedelta(minutes=1))
        with own_time.auto_time_skipping_disabled():
            assert len(office.notices) == 2
            office.holds[notify] = asyncio.Event()
            await handle.execute_update("approve", {"by": "anna", "preview": 1})
            async with asyncio.timeout(30):
                while not posted_to(office, "slack-payments"):
                    await asyncio.sleep(0.02)
            assert len(office.asked[notify]) == 4
            office.holds[notify].set()
            result = await handle.result()
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert [notice.message_id for notice in office.notices] == ["", "", "9.0", "9.0"]


WRONG = [
    ("approve", {"by": ""}, "by: String should have at least 1 character"),
    ("approve", {"note": "good"}, "by: Field required"),
    ("approve", "yes", "Input should be"),
    ("approve", {"by": "anna", "notes": "good"}, "notes: not known here"),
    ("edit", {"by": "anna"}, "it changes nothing"),
    ("edit", {"by": "anna", "hide": "PAY-1"}, "hide: Input should be"),
]


@pytest.mark.parametrize(("name", "said", "why"), WRONG)
async def test_what_makes_no_sense_is_refused_with_why_and_changes_nothing(
    name: str, said: object, why: str, own_time: WorkflowEnvironment
) -> None:
    office = asking()
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await until_asked(handle, office)
            await handle.signal(name, said)
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await handle.execute_update(name, said)
            progress = await progress_of(handle)
            await handle.signal("reject", {"by": "anna"})
        await handle.result()
    assert isinstance(refused.value.cause, ApplicationError)
    assert why in refused.value.cause.message
    assert len(progress.refused_messages) == 1
    assert f"signal '{name}'" in progress.refused_messages[0]
    assert why[:40] in progress.refused_messages[0]
    assert progress.approval is not None
    assert progress.approval.state is ApprovalState.WAITING


async def test_who_comes_too_early_or_too_late_is_told_so(own_time: WorkflowEnvironment) -> None:
    office = asking()
    office.away[activities.PLAN_EDITION.name] = timedelta(seconds=1)
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await handle.signal("approve", {"by": "anna"})
            await until_asked(handle, office)
            await handle.signal("approve", {"by": "anna"})
            await handle.signal("reject", {"by": "ben"})
            await handle.signal("approve", args=[{"by": "anna"}, 2])
            await handle.signal("approve", args=[])
        result = await handle.result()
        refused = (await progress_of(handle)).refused_messages
    assert result.status is EditionStatus.COMPLETE
    early, late, two, none = refused
    assert "does not wait for approval now" in early
    assert "approved already, by anna" in late
    assert "'approve'" in two
    assert "'approve'" in none
    assert names.delivery_id("payments", "2026-W47", PREVIEW) in {
        names.delivery_id(*key.split("/")[:3]) for key in office.posts
    }


def test_one_that_somebody_has_answered_first_is_over_as_an_escalation_is() -> None:
    """Who comes second reads it so: the same exit code for both, and before and after the run's end."""
    answered = Approval(ApprovalPlan.model_validate(REVIEWERS | {"reviewers": ()}), NOON)
    answered.take(Approve(by="anna", preview=1))
    with pytest.raises(ApplicationError, match="approved already, by anna") as late:
        answered.check(Approve(by="ben", preview=1))
    with pytest.raises(Refused) as resolved:
        machine.resolve(machine.resolve(opened()[0], "anna", None, "", NOON).record, "ben", None, "", NOON)
    assert (late.value.type, refused_by(resolved.value).type) == (NOT_THERE, NOT_THERE)


async def test_whoever_agrees_means_the_preview_that_people_see_or_names_it(own_time: WorkflowEnvironment) -> None:
    office = asking()
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await until_asked(handle, office)
            office.away[activities.COMPOSE_EDITION.name] = timedelta(days=1)
            await handle.execute_update("edit", {"by": "ben", "note": "Release on Friday"})
            refused = {}
            for said in ({"by": "anna"}, {"by": "anna", "preview": 1}):
                with pytest.raises(WorkflowUpdateFailedError) as error:
                    await handle.execute_update("approve", said)
                assert isinstance(error.value.cause, ApplicationError)
                refused[said.get("preview")] = error.value.cause.message
            answer = await handle.execute_update("approve", {"by": "anna", "preview": 2}, result_type=ApprovalProgress)
            del office.away[activities.COMPOSE_EDITION.name]
        result = await handle.result()
    assert "preview 2 is in no reviewers' channel yet" in refused[None]
    assert "preview 1 was edited; look at preview 2" in refused[1]
    assert answer.state is ApprovalState.APPROVED
    assert office.composed[-1].edits.note == "Release on Friday"
    assert result.status is EditionStatus.COMPLETE


async def test_a_preview_whose_edition_is_cancelled_waits_for_nobody_any_more(own_time: WorkflowEnvironment) -> None:
    office = asking()
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await until_asked(handle, office)
            await handle.cancel(reason="anna: wrong week")
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        approval = (await progress_of(handle)).approval
    assert approval is not None
    assert approval.state is ApprovalState.WITHDRAWN
    assert office.rendered[-1].telling.banner == (
        "Preview: withdrawn by its run: the edition is cancelled: anna: wrong week"
    )


async def test_a_preview_tells_how_it_was_answered(own_time: WorkflowEnvironment) -> None:
    office = asking()
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await until_asked(handle, office)
            await handle.signal("reject", {"by": "anna", "reason": "wrong week"})
        await handle.result()
    assert office.rendered[-1].telling.banner == "Preview: rejected by anna: wrong week"


async def test_a_preview_that_cannot_be_made_does_not_end_the_edition(own_time: WorkflowEnvironment) -> None:
    office = asking(wait=timedelta(minutes=10))
    office.away[activities.RENDER_EDITION.name] = timedelta(minutes=15)
    async with serving(own_time, office):
        result = await (await start(own_time)).result()
    assert result.approval is not None
    assert result.approval.state is ApprovalState.TIMED_OUT
    assert any("no preview could be made" in note for note in result.notes)
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
