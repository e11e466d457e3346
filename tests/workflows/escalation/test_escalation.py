"""How escalations run: who is asked when, what the answer leads to, and what ends them. Days pass in milliseconds."""

import asyncio
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.testing import WorkflowEnvironment

from devsync.contracts.escalation import EscalationStart, EscalationView
from devsync.domain.errors import ErrorSeverity
from devsync.domain.escalation.business_time import BusinessHours
from devsync.domain.escalation.machine import State
from devsync.domain.recovery.decision import Decision
from sandbox.temporal_server import TemporalServer
from tests.e2e.stage import eventually
from tests.workflows.escalation_stage import (
    HOUR,
    MINUTE,
    escalation_stage,
    level,
    policy,
    real_escalation_stage,
)

pytestmark = pytest.mark.timeout(120)

NONSENSE = 150


async def test_nobody_answers_for_three_days_and_the_default_is_taken_and_said_so(
    own_time: WorkflowEnvironment,
) -> None:
    rules = policy(
        level("team_lead", 12 * HOUR, "#leads", repeats=1),
        level("engineering_manager", 24 * HOUR, "#managers"),
        level("executive", 24 * HOUR, "#executives"),
    )
    async with escalation_stage(own_time) as stage:
        (waiting,) = await stage.waiting()
        await stage.join(waiting.id, rules)
        ended = await stage.result()
        (told,) = await waiting.result()
    assert ended.record is not None
    assert (ended.record.state, ended.record.decision, ended.record.decided_by) == (
        State.RESOLVED,
        Decision.USE_FALLBACK,
        "policy",
    )
    assert (told.decision, told.by, told.note) == (
        Decision.USE_FALLBACK,
        "policy",
        "nobody answered, not even executive",
    )
    assert [event.kind.value for event in ended.events] == [
        "opened", "joined", "reached", "told_again", "escalated", "reached", "escalated", "reached", "resolved",
    ]  # fmt: skip
    began = ended.record.opened_at
    hours = [(who, round((at - began) / HOUR)) for who, at in stage.people.told()]
    assert hours == [("#leads", 0), ("#managers", 24), ("#executives", 48)]
    assert ended.record.since - began >= timedelta(days=3)
    assert stage.people.pages() == ["#leads", "#managers", "#executives"]
    for channel in ("#leads", "#managers", "#executives"):
        assert stage.people.newest(channel).notice.title.startswith("Resolved: github")
        assert "Over: use fallback, decided by the policy" in stage.people.newest(channel).notice.body
    assert stage.people.events() == list(ended.events)


async def test_acknowledged_and_resolved(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id)
            await stage.told("#leads")
            await stage.say("acknowledge", {"by": "anna"})
            view = await stage.until(lambda view: view.record is not None and view.record.state is State.ACKNOWLEDGED)
            assert view.next_step.startswith("team lead is asked again at ")
            await stage.say("resolve", {"by": "anna", "decision": "retry", "note": "GitHub says it is back"})
        ended = await stage.result()
        (told,) = await waiting.result()
    assert (told.decision, told.by, told.note) == (Decision.RETRY, "anna", "GitHub says it is back")
    assert ended.record is not None
    assert ended.record.decided_by == "anna"
    assert stage.people.pages() == ["#leads"]
    assert "Over: retry, decided by anna (GitHub says it is back)" in stage.people.newest("#leads").notice.body


async def test_who_acknowledges_and_does_not_resolve_is_asked_again(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id)
            await stage.told("#leads")
            await stage.say("acknowledge", {"by": "anna"})
        ended = await stage.result()
    kinds = [event.kind.value for event in ended.events]
    assert kinds == [
        "opened", "joined", "reached", "acknowledged", "resumed", "escalated", "reached", "escalated", "reached",
        "resolved",
    ]  # fmt: skip
    acknowledged, resumed = ended.events[3:5]
    assert resumed.at - acknowledged.at >= 4 * HOUR
    assert "Asked again: team_lead: anna has not resolved it in time" in stage.people.notes()


async def test_snoozed_it_comes_back_to_the_same_level(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id)
            await stage.told("#leads")
            await stage.say("snooze", {"by": "anna", "minutes": 300})
        ended = await stage.result()
    kinds = [event.kind.value for event in ended.events]
    assert kinds == [
        "opened", "joined", "reached", "snoozed", "woke", "escalated", "reached", "escalated", "reached", "resolved",
    ]  # fmt: skip
    snoozed, woke, escalated = ended.events[3:6]
    assert woke.at - snoozed.at >= 5 * HOUR
    assert woke.level == "team_lead"
    assert escalated.at - woke.at >= HOUR


async def test_escalated_and_reassigned_by_hand(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id)
            await stage.told("#leads")
            await stage.say("escalate", {"by": "anna", "reason": "I have no rights there", "level": "Executive"})
            await stage.told("#executives")
            await stage.say("reassign", {"by": "eve", "to": "bo@acme.dev"})
            await stage.told("bo@acme.dev")
            view = await stage.view()
            assert view.record is not None
            assert [target.target for target in view.record.asked] == ["bo@acme.dev"]
            await stage.say("resolve", {"by": "bo", "decision": "skip"})
        ended = await stage.result()
    assert [event.kind.value for event in ended.events] == [
        "opened", "joined", "reached", "escalated", "reached", "reassigned", "reached", "resolved",
    ]  # fmt: skip
    assert "Now asked: executive: I have no rights there (anna)" in stage.people.notes()


async def test_twenty_who_wait_are_one_page_and_one_decision(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        with stage.at_rest():
            waiting = await stage.waiting(20)
            for number, one in enumerate(waiting):
                await stage.join(one.id, team=f"team-{number}")
            for one in waiting:  # the activity was repeated
                await stage.join(one.id, team="again")
            await stage.until(lambda view: len(view.subscribers) == 20)
            await stage.told("#leads")
            await stage.say("resolve", {"by": "anna", "decision": "use_fallback"})
        ended = await stage.result()
        told = [(await one.result())[0] for one in waiting]
    assert {(one.decision, one.by) for one in told} == {(Decision.USE_FALLBACK, "anna")}
    assert stage.people.pages() == ["#leads"]
    assert len([event for event in stage.people.events() if event.kind.value == "joined"]) == 20
    assert {entry.state.value for entry in ended.subscribers} == {"answered"}


async def test_what_heals_by_itself_resolves_when_the_last_one_says_so(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        with stage.at_rest():
            one, two = await stage.waiting(2)
            await stage.join(one.id)
            await stage.join(two.id)
            await stage.told("#leads")
            await stage.leave(one.id, is_healed=True)
            view = await stage.until(lambda view: view.subscribers[0].state.value == "left")
            assert view.record is not None
            assert view.record.is_open
            await stage.leave(two.id, is_healed=True, note="github answers again")
        ended = await stage.result()
    assert ended.record is not None
    assert (ended.record.decision, ended.record.decided_by) == (None, "healed")
    assert ended.record.note == "github answers again"
    assert (
        "Over: nobody had to decide, it healed by itself (github answers again)"
        in stage.people.newest("#leads").notice.body
    )


async def test_an_amendment_takes_the_place_of_its_edition_without_a_second_page(
    own_time: WorkflowEnvironment,
) -> None:
    async with escalation_stage(own_time) as stage:
        with stage.at_rest():
            edition, amendment = await stage.waiting(2)
            await stage.join(edition.id)
            await stage.told("#leads")
            await stage.leave(edition.id, is_healed=False)
            await stage.join(amendment.id, replaces=edition.id, is_waiting=False)
            view = await stage.until(lambda view: view.subscribers[0].subscriber.workflow_id == amendment.id)
            assert [entry.state.value for entry in view.subscribers] == ["following"]
            await stage.leave(amendment.id, is_healed=True)
        await stage.result()
    assert stage.people.pages() == ["#leads"]


async def test_where_nobody_waits_any_more_it_ends_and_says_so(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id)
            await stage.leave(waiting.id, is_healed=False)
        ended = await stage.result()
    assert ended.record is not None
    assert (ended.record.decision, ended.record.note) == (None, "nobody waits for an answer any more")
    assert ended.record.since - ended.record.opened_at < 5 * MINUTE


async def test_a_decision_goes_to_those_who_offer_it_and_the_others_still_wait(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        with stage.at_rest():
            one, two = await stage.waiting(2)
            await stage.join(one.id, choices=(Decision.RETRY, Decision.SKIP))
            await stage.join(two.id, choices=(Decision.SKIP, Decision.ABORT))
            await stage.say("resolve", {"by": "anna", "decision": "use_fallback"})
            await stage.say("resolve", {"by": "anna", "decision": "retry"})
            view = await stage.until(lambda view: view.choices == (Decision.SKIP, Decision.ABORT))
            assert [entry.state.value for entry in view.subscribers] == ["answered", "waiting"]
            assert (
                "nobody offers use_fallback, since nothing stands in; there are retry, skip, abort" in view.refused[0]
            )
            (told,) = await one.result()
            assert told.decision is Decision.RETRY
        await stage.result()
        (told,) = await two.result()
    # The policy's use_fallback is not on offer there: the mildest that is.
    assert (told.decision, told.by) == (Decision.SKIP, "policy")


async def test_a_subscriber_that_is_gone_is_recorded_and_the_others_are_told(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        with stage.at_rest():
            one, two = await stage.waiting(2)
            await stage.join(one.id)
            await stage.join(two.id)
            await one.terminate("crashed")
            await stage.say("resolve", {"by": "anna", "decision": "retry"})
            assert len(await two.result()) == 1
        ended = await stage.result()
    assert [entry.state.value for entry in ended.subscribers] == ["gone", "answered"]
    assert "gone" in stage.people.kinds()


async def test_a_later_run_does_not_get_the_answer_of_the_one_that_waited(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        with stage.at_rest():
            (one,) = await stage.waiting()
            run_id = one.first_execution_run_id
            await stage.join(one.id, run_id=run_id)
            await one.terminate("crashed")
            again = await stage.client.start_workflow("Waiting", id=one.id, task_queue="control")
            await stage.say("resolve", {"by": "anna", "decision": "abort"})
            await stage.result()
            assert (await again.describe()).status is WorkflowExecutionStatus.RUNNING


async def test_a_failure_after_the_decision_is_a_page_of_its_own(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        with stage.at_rest():
            one, two = await stage.waiting(2)
            await stage.join(one.id)
            await stage.told("#leads")
            await stage.say("resolve", {"by": "anna", "decision": "retry"})
            await stage.join(two.id)  # maybe while the first page is being closed
            await stage.until(lambda view: view.subscribers[0].subscriber.workflow_id == two.id)
            await stage.told("#leads")
            assert len(await one.result()) == 1
            await stage.say("resolve", {"by": "bo", "decision": "skip"})
            (told,) = await two.result()
        await stage.result()
    assert (told.decision, told.by) == (Decision.SKIP, "bo")
    assert stage.people.pages() == ["#leads", "#leads"]
    assert all(post.notice.title.startswith("Resolved") for post in stage.people.posts.values())
    assert stage.people.kinds().count("opened") == 2


async def test_a_worse_failure_of_the_same_cause_asks_a_higher_level(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        with stage.at_rest():
            one, two = await stage.waiting(2)
            await stage.join(one.id)
            await stage.told("#leads")
            await stage.join(two.id, severity=ErrorSeverity.HIGH)
            await stage.told("#executives")
            await stage.say("resolve", {"by": "anna", "decision": "skip"})
        await stage.result()
    assert stage.people.pages() == ["#leads", "#executives"]


async def test_cancelled_it_gives_the_policys_decision_and_says_so(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id)
            await stage.told("#leads")
            await stage.handle.cancel()
            (told,) = await waiting.result()
            with pytest.raises(WorkflowFailureError):
                await stage.handle.result()
    assert (told.decision, told.by) == (Decision.USE_FALLBACK, "policy")
    assert "the escalation was cancelled" in stage.people.newest("#leads").notice.body


async def test_who_starts_one_without_a_cause_starts_nothing(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        handle = await own_time.client.start_workflow(
            "Escalation", EscalationStart(), id=stage.escalation_id, task_queue="control", result_type=EscalationView
        )
        await handle.signal("acknowledge", {"by": "anna"})
        ended = await handle.result()
    assert ended.record is None
    assert "nobody has joined this escalation yet" in ended.refused[0]
    assert stage.people.calls == []


async def test_three_days_take_a_second_or_so(own_time: WorkflowEnvironment) -> None:
    """At best: what else a busy machine does is not its own time."""
    assert min([await _seconds_of_three_days(own_time) for _ in range(3)]) < 3


async def _seconds_of_three_days(own_time: WorkflowEnvironment) -> float:
    rules = policy(*(level(f"level_{number}", 12 * HOUR, f"#channel-{number}") for number in range(6)))
    async with escalation_stage(own_time) as stage:
        (waiting,) = await stage.waiting()
        began = asyncio.get_running_loop().time()
        await stage.join(waiting.id, rules)
        ended = await stage.result()
        took = asyncio.get_running_loop().time() - began
    assert ended.record is not None
    assert ended.record.since - ended.record.opened_at >= timedelta(days=3)
    return took


async def test_over_a_weekend_on_which_the_clocks_change_every_level_is_asked_at_its_local_time(
    own_time: WorkflowEnvironment,
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    office = BusinessHours(
        timezone="Europe/Berlin",
        weekdays=frozenset(range(5)),
        opens=time(9),
        closes=time(17),
        holidays=frozenset({date(2027, 3, 30)}),
    )
    rules = policy(
        level("team_lead", 2 * HOUR, "#leads", counts_business_time=True),
        level("engineering_manager", 4 * HOUR, "#managers", counts_business_time=True),
        level("executive", 4 * HOUR, "#executives", counts_business_time=True),
        business_hours=office,
    )
    friday = datetime(2027, 3, 26, 16, tzinfo=berlin)
    await own_time.sleep(friday - await own_time.get_current_time())
    async with escalation_stage(own_time) as stage:
        (waiting,) = await stage.waiting()
        await stage.join(waiting.id, rules)
        ended = await stage.result()
    local = [(who, f"{at.astimezone(berlin):%a %d %H:%M}") for who, at in stage.people.told()]
    assert local == [
        ("#leads", "Fri 26 16:00"),  # an hour until five
        ("#managers", "Mon 29 10:00"),  # and one on Monday, after the clocks went forward
        ("#executives", "Mon 29 14:00"),
    ]
    assert ended.record is not None
    # Three hours on Monday, and one on Wednesday: Tuesday is a holiday.
    assert f"{ended.record.since.astimezone(berlin):%a %d %H:%M}" == "Wed 31 10:00"


async def test_the_story_goes_on_in_a_new_run_with_all_that_it_knows(hasty_temporal: TemporalServer) -> None:
    """On the real server, which here suggests a new run early: one page, and nobody who waits is lost."""
    async with real_escalation_stage(hasty_temporal) as stage:
        waiting = await stage.waiting(12)
        for number, one in enumerate(waiting):
            await stage.join(one.id, team=f"team-{number}")
        await stage.told("#leads")
        first = (await stage.handle.describe()).run_id
        for number in range(NONSENSE):
            await stage.say("nonsense", number)
        await stage.say("acknowledge", {"by": "anna"})
        await stage.until(lambda view: view.refused_count == NONSENSE)

        async def is_in_another_run() -> bool:
            return (await stage.handle.describe()).run_id != first

        await eventually(is_in_another_run)
        view = await stage.view()
        assert len(view.subscribers) == 12
        await stage.say("resolve", {"by": "anna", "decision": "retry"})
        told = [(await one.result())[0].decision for one in waiting]
        ended = await stage.handle.result()
    assert told == [Decision.RETRY] * 12
    assert ended.refused_count == NONSENSE
    assert stage.people.pages() == ["#leads"]
    assert stage.people.kinds().count("refused") == NONSENSE
