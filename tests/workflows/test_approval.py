"""An edition that waits for its reviewers: what they say, what they may not say, and what follows without them."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import activities, names
from devsync.contracts.approval import ApprovalProgress, ApprovalState
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionProgress, EditionStatus
from devsync.domain.changelog.edits import Edits
from tests.workflows.office import AWAY, WEEK, Office, serving, start, until_recorded

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
    assert [notice.target.target for notice in office.notices] == ["#payments-leads"]


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
