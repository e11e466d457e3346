"""A person has others asked about a run: the run leaves no place behind in the escalation."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devsync.contracts import activities, names
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionProgress, EditionStatus, Phase
from devsync.contracts.escalation import EscalationDecided, SubscriberLeft
from devsync.domain.recovery.decision import ABOUT_AN_EDITION, Decision
from tests.workflows.office import WEEK, Office, serving, start
from tests.workflows.recovery_stage import Escalation

JOIN = activities.JOIN_ESCALATION.name
EDITION = names.edition_id("payments", WEEK)


async def begun(environment: WorkflowEnvironment) -> WorkflowHandle[Escalation, list[SubscriberLeft]]:
    """The escalation about the run itself, which keeps who left it."""
    return await environment.client.start_workflow(
        Escalation.run, id=names.own_escalation_id(EDITION), task_queue="escalations"
    )


def listening(environment: WorkflowEnvironment) -> Worker:
    return Worker(environment.client, task_queue="escalations", workflows=[Escalation])


async def test_who_joins_when_the_edition_is_out_leaves_at_once(own_time: WorkflowEnvironment) -> None:
    office = Office(joining=asyncio.Event())
    async with serving(own_time, office), listening(own_time):
        with own_time.auto_time_skipping_disabled():
            escalation = await begun(own_time)
            handle = await start(own_time)
            await handle.signal("escalate", {"by": "anna", "reason": "is this the right week?"})
            await office.was_asked[JOIN].wait()
            while (await progress_of(handle)).result is None:
                await asyncio.sleep(0.01)
            assert office.joining is not None
            office.joining.set()
            await handle.result()
            left = await asyncio.wait_for(escalation.result(), 60)
    assert [one.workflow_id for one in left] == [EDITION]


async def test_so_does_who_joins_when_the_run_was_cancelled(own_time: WorkflowEnvironment) -> None:
    office = Office(joining=asyncio.Event(), away={activities.COMPOSE_EDITION.name: timedelta(days=1)})
    async with serving(own_time, office), listening(own_time):
        with own_time.auto_time_skipping_disabled():
            escalation = await begun(own_time)
            handle = await start(own_time)
            await handle.signal("escalate", {"by": "anna", "reason": "is this the right week?"})
            await office.was_asked[JOIN].wait()
            await office.was_asked[activities.COMPOSE_EDITION.name].wait()
            await handle.cancel(reason="anna: wrong week")
            while (await progress_of(handle)).result is None:
                await asyncio.sleep(0.01)
            assert office.joining is not None
            office.joining.set()
            with pytest.raises(WorkflowFailureError):
                await handle.result()
            left = await asyncio.wait_for(escalation.result(), 60)
    assert [one.workflow_id for one in left] == [EDITION]


async def test_a_decision_that_comes_before_the_run_knows_that_it_has_joined_counts(
    own_time: WorkflowEnvironment,
) -> None:
    office = Office(joining=asyncio.Event(), away={activities.COMPOSE_EDITION.name: timedelta(days=1)})
    abort = EscalationDecided(
        escalation_id=names.own_escalation_id(EDITION), decision=Decision.ABORT, by="anna", note="the wrong week"
    )
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await office.was_asked[activities.COMPOSE_EDITION.name].wait()
            await handle.signal("escalate", {"by": "ben"})
            await office.was_asked[JOIN].wait()
            await handle.signal("decided", abort.model_copy(update={"escalation_id": "escalation:another"}))
            await handle.signal("decided", abort)
            while (await progress_of(handle)).result is None:
                await asyncio.sleep(0.01)
            assert office.joining is not None
            office.joining.set()
            result = await handle.result()
            (refused,) = (await progress_of(handle)).refused_messages
    assert result.status is EditionStatus.ABORTED
    assert refused.startswith("signal 'decided' of escalation:another, which was not joined")


async def test_who_has_answered_is_asked_no_more_until_a_person_asks_again(own_time: WorkflowEnvironment) -> None:
    office = Office(away={activities.COMPOSE_EDITION.name: timedelta(days=1)})
    page = names.own_escalation_id(EDITION)
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            asked = []
            for joins in (1, 2):
                await handle.signal("escalate", {"by": "anna"})
                while len(office.joined) < joins or not (choices := (await progress_of(handle)).asked):
                    await asyncio.sleep(0.01)
                asked.append(choices)
                await handle.signal("decided", EscalationDecided(escalation_id=page, decision=Decision.RETRY, by="ben"))
                asked.append((await progress_of(handle)).asked)
            progress = await progress_of(handle)
            await handle.terminate("its test is over")
    assert asked == [{page: ABOUT_AN_EDITION}, {}] * 2
    assert progress.escalations == (page,)
    assert progress.refused_messages[-1].startswith("decision 'retry' of ben: nothing is being recovered")


async def test_a_late_deliver_is_heeded_also_while_somebody_is_asked(own_time: WorkflowEnvironment) -> None:
    """The run only waits for that, and is on record by then."""
    office = Office(joining=asyncio.Event())
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time, deliver=False)
            await handle.signal("escalate", {"by": "anna"})
            while (await progress_of(handle)).phase is not Phase.DONE:
                await asyncio.sleep(0.01)
            await handle.signal("deliver")
            assert office.joining is not None
            office.joining.set()
            result = await handle.result()
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert office.records[-1].result.channels == result.channels


async def test_a_deliver_to_a_run_that_people_have_ended_is_refused(own_time: WorkflowEnvironment) -> None:
    office = Office(joining=asyncio.Event(), away={activities.COMPOSE_EDITION.name: timedelta(days=1)})
    abort = EscalationDecided(escalation_id=names.own_escalation_id(EDITION), decision=Decision.ABORT, by="anna")
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time, deliver=False)
            await office.was_asked[activities.COMPOSE_EDITION.name].wait()
            await handle.signal("escalate", {"by": "ben"})
            await office.was_asked[JOIN].wait()
            await handle.signal("decided", abort)
            while (await progress_of(handle)).result is None:
                await asyncio.sleep(0.01)
            await handle.signal("deliver")
            assert office.joining is not None
            office.joining.set()
            result = await handle.result()
            (refused,) = (await progress_of(handle)).refused_messages
    assert (result.status, office.posts) == (EditionStatus.ABORTED, [])
    assert refused.startswith("signal 'deliver': the run ends without an edition")


async def progress_of(handle: WorkflowHandle[Any, Any]) -> EditionProgress:
    progress: EditionProgress = await handle.query("progress", result_type=EditionProgress)
    return progress
