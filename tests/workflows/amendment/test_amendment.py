"""A partial edition that is out: what was missing is asked for again, and added when it answers."""

import asyncio
from datetime import timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import activities, names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.edition import EditionResult, EditionStatus
from devsync.contracts.escalation import EscalationDecided
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.changelog.difference import Difference
from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.recovery.decision import Decision
from tests.workflows.office import DELIVER_BY, WEEK, Office, let_pass, make, serving, start
from tests.workflows.recovery_stage import Ground
from workflows.edition import previews

GONE = Failure(category=ErrorCategory.DATA_COLLECTION, message="github answered 404", is_retryable=False)
BROKEN = "github:acme/web"
AGAIN = activities.COLLECT_REPOSITORIES_AGAIN.name
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def amendment_of(environment: WorkflowEnvironment) -> WorkflowHandle[Any, AmendmentProgress]:
    return environment.client.get_workflow_handle(names.amendment_id("payments", WEEK), result_type=AmendmentProgress)


A_WHILE = 200
"""Looks at an amendment: ten seconds."""


async def end_of(environment: WorkflowEnvironment) -> AmendmentProgress:
    """Its result, days later."""
    handle, waiting = amendment_of(environment), []
    for look in count():
        if (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING:
            break
        if look % A_WHILE == 0:  # now and then this server forgets who waits, and its time stands still
            waiting.append(asyncio.create_task(let_pass(environment, 4 * DAY)))
        await asyncio.sleep(0.05)
    # Not waited for: this server's time may stand still once an abandoned child and its parent have closed.
    for passing in waiting:
        passing.cancel()
    return await handle.result()


async def test_what_answers_later_makes_the_next_revision_in_the_same_messages(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            result = await (await start(own_time)).result()
            assert result.status is EditionStatus.PARTIAL
            office.answer_again.add(BROKEN)
        progress = await end_of(own_time)
        shown = (await amendment_of(own_time).describe()).typed_search_attributes
    assert (progress.ended, progress.revision, progress.healed) == ("everything is there", 2, (BROKEN,))
    assert shown[names.EDITION_STATUS] == "complete", "by which weeks are found that are partial still"
    first, second = [record.result for record in office.records]
    assert [(one.revision, one.status) for one in (first, second)] == [
        (1, EditionStatus.PARTIAL), (2, EditionStatus.COMPLETE)
    ]  # fmt: skip
    assert second.seconds == {}, "phases are those of the run that made the edition"
    assert set(office.posts) == {f"payments/{WEEK}/slack-payments/{part}" for part in (0, 1)}
    told = office.rendered[-1].telling
    assert told.amended is not None
    assert (told.amended.units, told.amended.difference, told.asks_until) == ((BROKEN,), Difference(added=1), None)
    assert office.rendered[0].telling.asks_until is not None


async def test_what_never_answers_is_given_up_after_three_days_and_asked_for_ever_more_seldom(
    own_time: WorkflowEnvironment,
) -> None:
    office = Office(refused={BROKEN: GONE})
    async with serving(own_time, office):
        await (await start(own_time)).result()
        amendment = amendment_of(own_time)
        progress = await end_of(own_time)
        events = len((await amendment.fetch_history()).events)
    assert progress.ended == "the time is up"
    assert [unit.unit for unit in progress.missing] == [BROKEN]
    asked = office.asked[AGAIN]
    assert asked[-1] - office.began <= DELIVER_BY + 3 * DAY
    assert 70 < len(asked) < 85
    waits = [after - before for before, after in pairwise(asked)]
    assert waits[0] >= timedelta(minutes=10)
    assert all(HOUR <= wait < HOUR + timedelta(minutes=2) for wait in waits[5:])
    assert events / len(asked) < 15


async def test_a_service_that_is_released_and_a_person_are_heeded_at_once(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await (await start(own_time)).result()
            amendment = amendment_of(own_time)
            await amendment.signal("service_released", {"service": "jira"})  # nothing of it is missing
            await amendment.signal("try_now", {"by": "anna"})
            await office.was_asked[AGAIN].wait()
            office.answer_again.add(BROKEN)
            while (await amendment.query("progress", result_type=AmendmentProgress)).tries < 1:
                await asyncio.sleep(0.01)
            await amendment.signal("service_released", {"service": "github"})
            progress = await amendment.result()
    assert (progress.ended, progress.tries) == ("everything is there", 2)


async def test_what_a_breaker_refuses_a_person_is_asked_for_when_it_may_be(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await (await start(own_time)).result()
            now = await own_time.get_current_time()
            office.refused[BROKEN] = GONE.model_copy(update={"retry_at": now + timedelta(minutes=1)})
            await amendment_of(own_time).signal("try_now", {"by": "anna"})
            await office.was_asked[AGAIN].wait()
            office.answer_again.add(BROKEN)
        progress = await end_of(own_time)
    first, second = office.asked[AGAIN]
    assert timedelta(seconds=50) < second - first < timedelta(minutes=2)
    assert progress.ended == "everything is there"


async def test_a_person_ends_it_and_nonsense_does_not(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await (await start(own_time)).result()
            amendment = amendment_of(own_time)
            await amendment.signal("stop", {"reason": "no name"})
            await amendment.signal("stop", args=[])
            await amendment.signal("halt", {"by": "anna"})
            await amendment.signal("take_over", "the newest one")
            await amendment.signal("decided", {"escalation_id": "escalation:another", "decision": "skip", "by": "ben"})
            await amendment.signal("stop", {"by": "anna", "reason": "nobody needs it"})
            progress = await amendment.result()
    assert progress.ended == "stopped by anna: nobody needs it"
    assert [what.split(" at ")[0] for what in progress.refused_messages] == [
        "signal 'stop': by: Field required",
        "signal 'stop'",
        "signal 'halt'",
        "signal 'take_over': Input should be an object",
        "signal 'decided' of escalation:another, which was not joined",
    ]


async def test_a_decision_that_comes_before_it_knows_that_it_follows_counts(own_time: WorkflowEnvironment) -> None:
    page = names.service_escalation_id(names.GITHUB)
    ground = Ground(escalation_id=page)
    office = Office(refused={BROKEN: GONE}, ground=ground)
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            edition = await start(own_time)
            await ground.was_joined.wait()
            recovery = own_time.client.get_workflow_handle(
                names.recovery_id("payments", WEEK, names.GITHUB, "collect", 1), result_type=RecoveryReport
            )
            while page not in (await recovery.query("progress", result_type=RecoveryReport)).escalations:
                await asyncio.sleep(0.01)
            ground.joining = asyncio.Event()  # of who takes its place
            await recovery.signal("resolve", {"by": "anna", "decision": "skip"})
            await edition.result()
            while len(ground.joins) < 2:
                await asyncio.sleep(0.01)
            said = EscalationDecided(escalation_id=page, decision=Decision.SKIP, by="anna", note="nobody misses it")
            await amendment_of(own_time).signal("decided", said)
            ground.joining.set()
            progress = await asyncio.wait_for(amendment_of(own_time).result(), 60)
    assert progress.ended == "skip, decided by anna (nobody misses it)"


async def test_a_later_run_of_the_week_that_is_whole_takes_its_place(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE}, has_previous=True)
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await (await start(own_time)).result()
            office.refused.clear()
            whole: EditionResult = await (await start(own_time)).result()
            progress = await amendment_of(own_time).result()
    assert whole.status is EditionStatus.COMPLETE
    assert progress.ended == "a newer edition of the week is whole"


async def test_a_later_run_that_is_partial_too_goes_on_in_the_same_amendment(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE}, has_previous=True)
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await (await start(own_time)).result()
            first = await amendment_of(own_time).describe()
            office.refused = {"jira:PAY": GONE}
            await (await start(own_time)).result()
            office.answer_again.add("jira:PAY")
        progress = await end_of(own_time)
        last = await amendment_of(own_time).describe()
    assert (first.run_id, last.status) == (last.run_id, WorkflowExecutionStatus.COMPLETED)
    assert progress.healed == ("jira:PAY",)


async def test_an_edition_that_nobody_was_sent_is_not_amended(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE})
    result = await make(own_time, office, deliver=False)
    assert result.status is EditionStatus.PARTIAL
    assert office.rendered[0].telling.asks_until is None
    with pytest.raises(RPCError, match="not found"):
        await amendment_of(own_time).describe()


async def test_a_step_that_hangs_keeps_nobody_from_stopping_it(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await (await start(own_time)).result()
            office.answer_again.add(BROKEN)
            office.away[activities.RENDER_EDITION.name] = DAY
            office.was_asked.clear()
            await amendment_of(own_time).signal("try_now", {"by": "anna"})
            await office.was_asked[activities.RENDER_EDITION.name].wait()
            await amendment_of(own_time).signal("stop", {"by": "anna", "reason": "nobody needs it"})
            stopped_at = await own_time.get_current_time()
        progress = await end_of(own_time)
        ended_at = (await amendment_of(own_time).describe()).close_time
    assert ended_at is not None
    assert ended_at - stopped_at < timedelta(minutes=15)
    assert (progress.ended, progress.revision) == ("stopped by anna: nobody needs it", 1)


async def test_what_could_not_be_made_is_made_in_a_later_round(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={BROKEN: GONE})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await (await start(own_time)).result()
            office.answer_again.add(BROKEN)
            office.away[activities.RENDER_EDITION.name] = 2 * HOUR
        progress = await end_of(own_time)
    assert (progress.ended, progress.revision) == ("everything is there", 2)
    assert len(office.asked[AGAIN]) == 1


async def test_a_database_that_is_away_holds_up_no_round_and_gets_every_record_in_the_end(
    own_time: WorkflowEnvironment,
) -> None:
    office = Office(refused={BROKEN: GONE, "jira:PAY": GONE})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            await (await start(own_time)).result()
            office.answer_again.add(BROKEN)
            office.away[activities.RECORD_EDITION.name] = 5 * HOUR
            await amendment_of(own_time).signal("try_now", {"by": "anna"})
            while (await amendment_of(own_time).query("progress", result_type=AmendmentProgress)).revision < 2:
                await asyncio.sleep(0.01)
            office.answer_again.add("jira:PAY")
        progress = await end_of(own_time)
    assert (progress.ended, progress.revision) == ("everything is there", 3)
    assert [record.result.revision for record in office.records] == [1, 2, 3]


async def test_reviewers_see_what_is_added_and_are_not_asked_again(own_time: WorkflowEnvironment) -> None:
    reviewed = {"required": True, "reviewers": ["#leads"], "wait": timedelta(minutes=1), "on_timeout": "publish"}
    office = Office(refused={BROKEN: GONE}, approval=reviewed)
    async with serving(own_time, office):
        result = await (await start(own_time)).result()
        office.answer_again.add(BROKEN)
        progress = await end_of(own_time)
    assert result.revision == 1
    assert (progress.ended, progress.revision) == ("everything is there", 2)
    told = office.rendered[-1].telling
    assert told.banner == previews.AMENDED
    assert told.amended is not None
    assert told.amended.units == (BROKEN,)
