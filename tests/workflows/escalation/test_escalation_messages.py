"""What people say to a running escalation: nonsense is refused, said so, and harms nothing."""

from functools import partial
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from devsync.contracts.escalation import EscalationAnswer, EscalationView
from devsync.domain.escalation.machine import State
from tests.workflows.escalation_stage import MINUTE, Stage, escalation_stage, level, policy

pytestmark = pytest.mark.timeout(120)

NO_MESSAGE = "not a message of an escalation, or not with so many arguments"

NONSENSE: list[tuple[str, list[Any], str]] = [
    ("acknowledge", [], f"acknowledge: {NO_MESSAGE}"),
    ("acknowledge", [{"by": "anna"}, {"by": "anna"}], f"acknowledge: {NO_MESSAGE}"),
    ("acknowledge", [None], "acknowledge: not a Acknowledge"),
    ("acknowledge", ["anna"], "acknowledge: Input should be an object"),
    ("acknowledge", [b"\x00\xff"], "acknowledge: not a Acknowledge"),
    ("acknowledge", [{}], "acknowledge: by: Field required"),
    ("acknowledge", [{"by": ""}], "acknowledge: by: String should have at least 1 character"),
    ("acknowledge", [{"by": 5}], "acknowledge: by: Input should be a valid string"),
    ("acknowledge", [{"by": "anna", "until": "12:00"}], "acknowledge: until: not known here; there are by"),
    ("resolve", [{"by": "anna"}], "resolve: decision: is missing; those who wait offer retry, use_fallback"),
    ("resolve", [{"by": "anna", "decision": "explode"}], "resolve: decision: Input should be 'retry', 'use_fallback'"),
    ("resolve", [{"by": "anna", "decision": ["skip"]}], "resolve: decision: Input should be 'retry'"),
    (
        "resolve",
        [{"by": "anna", "decision": "abort"}],
        "resolve: decision: nobody offers abort, since none of those who wait can do that; there are retry, use_",
    ),
    ("snooze", [{"by": "anna"}], "snooze: minutes: Field required"),
    ("snooze", [{"by": "anna", "minutes": "soon"}], "snooze: minutes: Input should be a valid integer"),
    ("snooze", [{"by": "anna", "minutes": 0}], "snooze: minutes: Input should be greater than or equal to 1"),
    ("snooze", [{"by": "anna", "minutes": 10**9}], "snooze: minutes: Input should be less than or equal to 10080"),
    ("escalate", [{"by": "anna", "level": "pope"}], "escalate: there is no level 'pope'; there are team_lead, engin"),
    ("escalate", [{"by": "anna", "level": "team-lead"}], "escalate: team_lead is asked already"),
    ("reassign", [{"by": "anna", "to": "bo"}], "reassign: to: 'bo' is nobody; write"),
    ("explode", [{"by": "anna"}], f"explode: {NO_MESSAGE}"),
    ("join", ["nonsense"], "join: Input should be an object"),
    ("left", [{"workflow_id": "nobody", "is_healed": True}], "left: nobody is not here"),
    ("left", [1], "left: Input should be an object"),
]


async def opened(stage: Stage) -> None:
    (waiting,) = await stage.waiting()
    await stage.join(waiting.id, choices=("retry", "use_fallback", "skip"))
    await stage.told("#leads")


def _has_refused(count: int, view: EscalationView) -> bool:
    return view.refused_count == count


async def test_nonsense_is_refused_and_shown_and_the_run_goes_on(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        with stage.at_rest():
            await opened(stage)
            for number, (name, arguments, why) in enumerate(NONSENSE, 1):
                await stage.say(name, *arguments)
                view = await stage.until(partial(_has_refused, number))
                assert why in view.refused[-1]
                assert view.record is not None
                assert (view.record.state, view.record.level) == (State.FIRING, "team_lead")
            details = await stage.details()
            assert f"- Refused {len(NONSENSE)} messages, the last of them:" in details
            assert "left: nobody is not here" in details
            await stage.say("resolve", {"by": "anna", "decision": "skip"})
        ended = await stage.result()
    assert ended.record is not None
    assert ended.record.decided_by == "anna"
    assert stage.people.kinds().count("refused") == len(NONSENSE)


async def test_what_comes_twice_too_late_or_in_the_wrong_order_is_refused(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        with stage.at_rest():
            await opened(stage)
            await stage.say("acknowledge", {"by": "anna"})
            await stage.say("acknowledge", {"by": "anna"})
            await stage.say("acknowledge", {"by": "bo"})
            view = await stage.until(lambda view: view.refused_count == 2)
            assert all("anna has acknowledged it already" in line for line in view.refused)
            await stage.say("snooze", {"by": "bo", "minutes": 10})
            await stage.say("snooze", {"by": "bo", "minutes": 10})
            view = await stage.until(lambda view: view.refused_count == 3)
            assert "bo has snoozed it already, until " in view.refused[-1]
            await stage.say("reassign", {"by": "bo", "to": "#managers"})
            await stage.say("reassign", {"by": "bo", "to": "#managers"})
            view = await stage.until(lambda view: view.refused_count == 4)
            assert "#managers is asked already" in view.refused[-1]
            await stage.say("escalate", {"by": "bo", "level": "executive"})
            await stage.say("escalate", {"by": "bo"})
            view = await stage.until(lambda view: view.refused_count == 5)
            assert "executive is the last level" in view.refused[-1]


async def refusal(stage: Stage, name: str, message: Any) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await stage.handle.execute_update(name, message)
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "Refused"
    return failed.value.cause.message


async def test_the_same_as_updates_answer_at_once(own_time: WorkflowEnvironment) -> None:
    async with escalation_stage(own_time) as stage:
        with stage.at_rest():
            await opened(stage)
            answer = await stage.handle.execute_update(
                "acknowledge", {"by": "anna"}, result_type=EscalationAnswer
            )  # fmt: skip
            assert (answer.state, answer.level) == (State.ACKNOWLEDGED, "team_lead")
            assert answer.next_step.startswith("team lead is asked again at ")
            assert await refusal(stage, "acknowledge", {"by": "bo"}) == "anna has acknowledged it already"
            assert await refusal(stage, "snooze", {"by": "bo"}) == "minutes: Field required"
            assert await refusal(stage, "escalate", "nonsense") == "Input should be an object"
            assert "is nobody" in await refusal(stage, "reassign", {"by": "bo", "to": "bo"})
            for arguments in ([], [1, 2]):
                with pytest.raises(WorkflowUpdateFailedError):
                    await stage.handle.execute_update("acknowledge", args=arguments)
            assert "nobody offers abort" in await refusal(stage, "resolve", {"by": "bo", "decision": "abort"})
            answer = await stage.handle.execute_update(
                "resolve", {"by": "bo", "decision": "retry"}, result_type=EscalationAnswer
            )
            assert answer.state is State.RESOLVED
        ended = await stage.result()
    assert ended.refused == ()


async def test_a_running_policy_is_changed_by_a_valid_one_only(own_time: WorkflowEnvironment) -> None:
    shorter = policy(level("team_lead", 5 * MINUTE, "#leads"), level("owner", 5 * MINUTE, "#owners"))
    async with escalation_stage(own_time) as stage:
        with stage.at_rest():
            await opened(stage)
            change = {"by": "anna", "reason": "it is urgent", "policy": shorter.model_dump(mode="json")}
            broken = shorter.model_dump(mode="json") | {"levels": []}
            assert "levels" in await refusal(stage, "change_policy", change | {"policy": broken})
            unknown = shorter.model_dump(mode="json") | {"entry": {"medium": "pope"}}
            assert "there is no level 'pope'" in await refusal(stage, "change_policy", change | {"policy": unknown})
            answer = await stage.handle.execute_update("change_policy", change, result_type=EscalationAnswer)
            assert answer.next_step.startswith("owner is asked at ")
            assert await refusal(stage, "change_policy", change) == "it goes by this policy already"
        ended = await stage.result()
    assert ended.record is not None
    assert ended.record.level == "owner"
    assert ended.record.since - ended.record.opened_at < 15 * MINUTE
    assert stage.people.pages() == ["#leads", "#owners"]
