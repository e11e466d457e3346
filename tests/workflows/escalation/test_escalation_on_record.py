"""Who was told, as the records have it: so it is in the end, whatever comes first, the answer or the end."""

import asyncio

import pytest
from temporalio.testing import WorkflowEnvironment

from devsync.contracts.escalation import ToldState
from devsync.rendering.escalation_words import reach, told_words
from tests.e2e.stage import eventually
from tests.workflows.escalation_stage import HOUR, People, Stage, escalation_stage, level, policy

pytestmark = pytest.mark.timeout(120)


async def resolved_on_record(stage: Stage) -> None:
    await stage.say("resolve", {"by": "anna", "decision": "retry"})

    async def is_there() -> bool:
        return "resolved" in stage.people.kinds()

    await eventually(is_there)


async def test_where_all_is_known_by_then_nothing_more_is_written(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id)
            await stage.told("#leads")
            await stage.say("resolve", {"by": "anna", "decision": "retry"})
        await stage.result()
    assert stage.people.kinds() == ["opened", "joined", "reached", "resolved"]
    assert [one.is_reached for one in stage.people.records[-1].told] == [True]


@pytest.mark.parametrize("target", ["#leads", "lead@acme.dev"])
async def test_who_is_reached_while_it_ends_is_on_record_as_told(own_time: WorkflowEnvironment, target: str) -> None:
    people = People(holds={target: asyncio.Event()})
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id, policy(level("team_lead", HOUR, target)))
            await stage.until(lambda _: bool(people.calls))
            await resolved_on_record(stage)
            as_it_ended = people.records[-1].told
            people.holds[target].set()
        ended = await stage.result()
    assert [one.is_reached for one in as_it_ended] == [False]
    assert people.kinds() == ["opened", "joined", "resolved", "reached"]
    (on_record,) = people.records[-1].told
    assert (on_record.state, on_record.error) == (ToldState.TOLD, "")
    assert reach(ended.told) == reach(people.records[-1].told) == "1 of 1 reached"
    assert people.calls[-1].notice.title.startswith("Resolved"), "they hear how it ended, too"


async def test_what_went_wrong_and_was_mended_in_the_end_is_not_left_on_record(own_time: WorkflowEnvironment) -> None:
    people = People()
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id)
            await stage.told("#leads")
            people.away.add("#leads")
            await stage.say("acknowledge", {"by": "anna"})
            await stage.until(lambda view: bool(view.told[0].error))
            await resolved_on_record(stage)
            assert people.records[-1].told[0].error == "slack cannot be reached"
            people.away.clear()
        await stage.result()
    assert people.kinds()[-1] == "told_the_end"
    assert people.events()[-1].message == "#leads: told"
    assert (people.records[-1].told[0].state, people.records[-1].told[0].error) == (ToldState.TOLD, "")
    assert people.newest("#leads").notice.title.startswith("Resolved")


async def test_who_was_never_reached_is_on_record_as_such_with_why(own_time: WorkflowEnvironment) -> None:
    people = People(away={"#leads"})
    async with escalation_stage(own_time, people) as stage:
        (waiting,) = await stage.waiting()
        with stage.at_rest():
            await stage.join(waiting.id)
            await stage.until(lambda view: bool(view.told and view.told[0].error))
            await stage.say("resolve", {"by": "anna", "decision": "skip"})
        await stage.result()
    (on_record,) = people.records[-1].told
    assert reach([on_record]) == "none of 1 reached"
    assert told_words(on_record, is_over=True) == "not reached before it was over: slack cannot be reached"
