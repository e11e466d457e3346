"""How people are told, and what happens where they cannot be."""

import pytest
from temporalio.testing import WorkflowEnvironment

from commands.escalation.shown import lines
from devsync.contracts.escalation import ToldState
from devsync.domain.escalation.machine import State
from devsync.domain.instants import in_utc
from tests.e2e.stage import eventually
from tests.workflows.escalation_stage import (
    HOUR,
    MINUTE,
    NO_ANSWER,
    UNKNOWN_CHANNEL,
    UNREACHABLE,
    People,
    escalation_stage,
    level,
    policy,
)
from workflows.escalation.records import RECORDED_AT_ONCE

pytestmark = pytest.mark.timeout(120)

TELLING = ("reached", "unreached", "told_the_end")

NO_SCOPE = UNKNOWN_CHANNEL.model_copy(update={"message": "missing_scope channels:history"})


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_post_without_an_answer_is_looked_for_before_it_is_posted_again(
    own_time: WorkflowEnvironment, arrives: bool
) -> None:
    people = People(failures={"#leads": [(NO_ANSWER, arrives)]})
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        await stage.join(waiting.id)
        await stage.result()
    assert people.pages().count("#leads") == 1
    assert len(people.finds) == 1
    assert people.newest("#leads").notice.title.startswith("Resolved")


async def test_a_note_without_an_answer_is_looked_for_in_the_thread(own_time: WorkflowEnvironment) -> None:
    people = People(failures={"#leads note": [(NO_ANSWER, True)]})
    rules = policy(level("team_lead", HOUR, "#leads", repeats=1))
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        await stage.join(waiting.id, rules)
        await stage.result()
    assert people.notes() == ["Asked again: team_lead: no answer, asked for the second time"]
    assert [find.thread_ts for find in people.finds] == ["1.0"]


async def test_where_the_channel_cannot_be_asked_it_is_not_posted_again(own_time: WorkflowEnvironment) -> None:
    people = People(failures={"#leads": [(NO_ANSWER, True)]}, find_failures=[NO_SCOPE])
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        await stage.join(waiting.id)
        ended = await stage.result()
    assert ended.told[0].state is ToldState.UNCERTAIN
    assert people.pages().count("#leads") == 1
    assert "unreached" in [event.kind.value for event in ended.events]


async def test_a_level_that_nobody_can_reach_does_not_hold_up_the_next(own_time: WorkflowEnvironment) -> None:
    people = People(failures={"#leads": [(UNKNOWN_CHANNEL, False)]})
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        await stage.join(waiting.id)
        ended = await stage.result()
    opened, managers = ended.events[0], dict(people.told())["#managers"]
    assert managers - opened.at < MINUTE
    kinds = [event.kind.value for event in ended.events]
    assert kinds == ["opened", "joined", "unreached", "escalated", "reached", "escalated", "reached", "resolved"]
    assert ended.events[3].message == "nobody of team_lead can be reached"
    assert ended.told[0].state is ToldState.UNREACHED


async def test_one_target_out_of_reach_leaves_the_others_their_time(own_time: WorkflowEnvironment) -> None:
    people = People(away={"#leads"})
    rules = policy(level("team_lead", HOUR, "#leads", "lead@acme.dev"), level("executive", HOUR, "#executives"))
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        await stage.join(waiting.id, rules)
        ended = await stage.result()
    assert dict(people.told())["#executives"] - ended.events[0].at >= HOUR
    assert people.pages().count("lead@acme.dev") == 1


async def test_what_was_out_of_reach_is_told_where_it_stands_when_it_comes_back(own_time: WorkflowEnvironment) -> None:
    people = People(failures={"#leads": [(UNREACHABLE, False)]})
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        await stage.join(waiting.id)
        ended = await stage.result()
    assert [event.kind.value for event in ended.events][:4] == ["opened", "joined", "reached", "escalated"]
    assert people.pages().count("#leads") == 1
    assert ended.told[0].state is ToldState.TOLD


async def test_with_all_of_slack_away_nobody_is_skipped_and_the_decision_still_comes(
    own_time: WorkflowEnvironment,
) -> None:
    """All levels have the same channel, as shipped: asking the next one sooner would reach nobody sooner."""
    people = People(away={"#oncall"})
    rules = policy(*(level(name, HOUR, "#oncall") for name in ("team_lead", "executive")))
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        await stage.join(waiting.id, rules)
        ended = await stage.result()
        (told,) = await waiting.result()
    assert told.by == "policy"
    assert ended.record is not None
    assert ended.record.since - ended.record.opened_at >= 2 * HOUR
    assert people.pages() == []


async def test_who_was_never_told_is_not_told_of_the_end(own_time: WorkflowEnvironment) -> None:
    people = People(away={"#leads"})
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id)
            await stage.until(lambda view: bool(people.calls))
            await stage.say("resolve", {"by": "anna", "decision": "skip"})
            people.away.clear()
        await stage.result()
    assert people.pages() == []


async def test_a_message_that_somebody_deleted_is_posted_anew(own_time: WorkflowEnvironment) -> None:
    gone = UNKNOWN_CHANNEL.model_copy(update={"code": "message_not_found", "message": "message_not_found"})
    people = People()
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id)
            await stage.told("#leads")
            people.failures["#leads"] = [(gone, False)]
            people.posts.clear()
            await stage.say("acknowledge", {"by": "anna"})
            await stage.until(lambda view: bool(people.posts))
    assert people.newest("#leads").notice.title.startswith("Acknowledged by anna")


async def test_a_mail_is_sent_where_somebody_is_asked_anew_and_in_the_end_and_not_for_every_change(
    own_time: WorkflowEnvironment,
) -> None:
    people = People()
    rules = policy(
        level("team_lead", HOUR, "#leads", "lead@acme.dev", repeats=1), level("executive", HOUR, "boss@acme.dev")
    )
    async with escalation_stage(own_time, people) as stage:
        with stage.at_rest():
            first, *others = await stage.waiting(6)
            await stage.join(first.id, rules)
            await stage.told("lead@acme.dev")
            for other in others:
                await stage.join(other.id, rules)
            await stage.leave(others[0].id, is_healed=False)
            await stage.say("acknowledge", {"by": "anna"})
            await stage.until(lambda view: view.record is not None and view.record.state is State.ACKNOWLEDGED)
            await eventually_says(people, "#leads", "Acknowledged by anna")
            assert people.mails("lead@acme.dev") == ["Decision needed"]
        ended = await stage.result()
    asked = ["opened", "resumed", "told_again", "escalated", "resolved"]
    assert [event.kind.value for event in ended.events if event.kind.value in asked] == asked
    assert people.mails("lead@acme.dev") == [*["Decision needed"] * 4, "Resolved"]
    assert people.mails("boss@acme.dev") == ["Decision needed", "Resolved"]
    assert people.pages().count("#leads") == 1


async def eventually_says(people: People, target: str, title: str) -> None:
    async def says_so() -> bool:
        return people.newest(target).notice.title.startswith(title)

    await eventually(says_so)


async def test_who_needs_no_answer_says_so_and_nobody_else_is_woken(own_time: WorkflowEnvironment) -> None:
    """A recovery with something that stands in tells people, and has gone on."""
    people = People()
    async with escalation_stage(own_time, people) as stage:
        (told,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(told.id, choices=(), is_waiting=False)
            await stage.told("#leads")
            details, notice = await stage.details(), people.newest("#leads").notice
            await stage.say("resolve", {"by": "anna", "decision": "use_fallback"})
            view = await stage.until(lambda view: view.refused_count == 1)
            await stage.say("acknowledge", {"by": "anna"})
            await eventually_says(people, "#leads", "Acknowledged by anna")
        ended = await stage.result()
    for told_there in (notice.body, details):
        assert "No answer is needed: everybody has gone on with what there is." in told_there
        assert "use_fallback" not in told_there
    assert notice.title.startswith("For your information: ")
    assert notice.fields["Next"] == "nobody else is asked: nobody waits for an answer"
    assert "To look after it: python starter.py escalation ack" in notice.body
    assert "nobody offers use_fallback" in view.refused[0]
    assert people.pages() == ["#leads"]
    assert [event.kind.value for event in ended.events] == [
        "opened",
        "joined",
        "reached",
        "refused",
        "acknowledged",
        "resolved",
    ]


async def test_past_the_deadline_of_who_waited_the_message_asks_for_no_decision_any_more(
    own_time: WorkflowEnvironment,
) -> None:
    """Also where nobody says that it went on: it was terminated."""
    people = People()
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        deadline = await own_time.get_current_time() + HOUR / 2
        with stage.at_rest():
            await stage.join(waiting.id, deadline=deadline)
            await stage.told("#leads")
        ended = await stage.result()
    assert [call.notice.title.partition(":")[0] for call in people.calls] == [
        "Decision needed", "For your information", "Resolved",
    ]  # fmt: skip
    asked, afterwards, _ = (call.notice for call in people.calls)
    assert asked.fields["Next"] == f"whoever waits goes on by itself at {in_utc(deadline)}"
    assert afterwards.fields["Next"] == "nobody else is asked: nobody waits for an answer"
    assert people.pages() == ["#leads"], "and nobody else is woken"
    assert [event.kind.value for event in ended.events] == ["opened", "joined", "reached", "went_on", "resolved"]


async def test_what_no_answer_helps_is_told_with_what_does(own_time: WorkflowEnvironment) -> None:
    """A channel that nothing tries any more: there is nothing to decide, and something to do."""
    people = People()
    remedy = "when the cause is mended: python starter.py delivery replay payments 2026-W47 slack-payments"
    async with escalation_stage(own_time, people) as stage:
        with stage.at_rest():
            await stage.join("delivery:1", choices=(), is_waiting=False, subject="not in #payments", remedy=remedy)
            await stage.told("#leads")
            details, notice = await stage.details(), people.newest("#leads").notice
            listed = [*lines(await stage.view())]
            await stage.leave("delivery:1", is_healed=True, note="#payments: delivered")
        ended = await stage.result()
    assert notice.title.startswith("Help needed: ")
    assert f"not in #payments; {remedy}" in notice.body
    assert f"  mend     not in #payments; {remedy}" in listed
    for told_there in (notice.body, details):
        assert "Nothing tries these any more." in told_there
        assert "No answer is needed" not in told_there
        assert "resolve" not in told_there
    assert ended.record is not None
    assert ended.record.note == "#payments: delivered"
    assert people.newest("#leads").notice.title.startswith("Resolved: ")


async def test_the_database_away_holds_up_nobody_and_is_written_later(own_time: WorkflowEnvironment) -> None:
    people = People(is_database_away=True)
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id)
            await stage.told("#leads")
            await stage.say("resolve", {"by": "anna", "decision": "retry"})
            assert len(await waiting.result()) == 1
            # Another cause, and another page, while the last one is not written down yet.
            (again,) = await stage.waiting()
            await stage.join(again.id)
            await stage.until(lambda view: view.subscribers[0].subscriber.workflow_id == again.id)
            people.is_database_away = False
            await stage.say("resolve", {"by": "anna", "decision": "skip"})

            async def is_written() -> bool:
                return people.kinds().count("resolved") == 2

            await eventually(is_written)
    assert [kind for kind in people.kinds() if kind not in TELLING] == ["opened", "joined", "resolved"] * 2


async def test_of_a_page_that_ended_without_a_database_nothing_is_lost_however_much_happened(
    own_time: WorkflowEnvironment,
) -> None:
    people = People(is_database_away=True)
    async with escalation_stage(own_time, people) as stage:
        with stage.at_rest():
            one, two, three = await stage.waiting(3)
            await stage.join(one.id)
            await stage.told("#leads")
            for number in range(2 * RECORDED_AT_ONCE):
                await stage.say("nonsense", number)
            await stage.say("resolve", {"by": "anna", "decision": "retry"})
            await one.result()
            # Both come while the first page is being closed; one of them goes on before the next one is opened.
            people.away.add("#leads")
            await stage.join(two.id)
            await stage.join(three.id)
            await stage.leave(two.id, is_healed=True)
            people.away.clear()
            await stage.until(lambda view: view.refused_count == 0)
            people.is_database_away = False
            await stage.say("resolve", {"by": "bo", "decision": "skip"})
            await three.result()

            async def is_written() -> bool:
                is_shown = "Waiting for the database" not in await stage.details()
                return people.kinds().count("resolved") == 2 and is_shown

            await eventually(is_written)
    (first, *_), pages = people.records, {record.page for record in people.records}
    assert max(len(record.events) for record in people.records) <= RECORDED_AT_ONCE
    happened = [kind for kind in people.kinds() if kind not in (*TELLING, "refused")]
    assert people.kinds().count("refused") == 2 * RECORDED_AT_ONCE
    assert happened == ["opened", "joined", "resolved", "opened", "joined", "joined", "left", "resolved"]
    assert (len(pages), first.events[0].kind.value) == (2, "opened")


async def test_the_web_ui_explains_it_and_text_from_outside_means_nothing_there(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id, subject="payments <script>|*bold*")
            await stage.told("#leads")
            details = await stage.details()
            view = await stage.view()
    assert view.record is not None
    assert view.record.state is State.FIRING
    assert f"### {stage.service}: github answered 503" in details
    assert "Now: **firing**, asked: team\\_lead (\\#leads)" in details
    assert "**engineering manager is asked at " in details
    assert "`retry` (run the failed operation again, now)" in details
    assert "payments \\<script\\>\\|\\*bold\\*" in details
