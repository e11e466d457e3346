"""Buttons of a preview in Slack: agreed at once; refused with a reason, for which a form is opened and sent back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from dashboard.slack import forms as slack_forms
from dashboard.slack import interactions
from dashboard.slack.forms import REASON, Forms
from devsync.contracts import names
from devsync.contracts.approval import ApprovalProgress, ApprovalState, Approve, Reject
from devsync.domain.answers import Answer, Deed
from sandbox.slack.interactivity import whoever_looks
from sandbox.slack.modals import Filled, new_trigger, submission
from tests.dashboard.conftest import PEOPLE, House
from tests.dashboard.slack_stage import MEMBERS, Presses, listening, whispering
from tests.sandbox.slack_samples import Slack, running

pytestmark = pytest.mark.timeout(120)

EDITION = names.edition_id("payments", "2026-W47")
OVER = "This is over: nobody waits for an answer any more. Nothing has changed."


@workflow.defn(name="WaitsForApproval", sandboxed=False)
class Waiting:
    """Answers as an edition does that waits for approval of its second preview; `status` is not to take it for one."""

    def __init__(self) -> None:
        self._said: list[dict[str, Any]] = []
        self._is_read = False

    @workflow.run
    async def run(self) -> list[dict[str, Any]]:
        await workflow.wait_condition(lambda: self._is_read)
        return self._said

    @workflow.signal
    def is_read(self) -> None:
        self._is_read = True

    @workflow.update
    async def approve(self, said: Approve) -> ApprovalProgress:
        return self._take(said)

    @workflow.update
    async def reject(self, said: Reject) -> ApprovalProgress:
        return self._take(said)

    def _take(self, said: Approve | Reject) -> ApprovalProgress:
        if self._said:
            raise ApplicationError(f"it is answered already, by {self._said[0]['by']}", non_retryable=True)
        self._said.append({"kind": type(said).__name__, **said.model_dump(exclude_defaults=True)})
        return ApprovalProgress(state=ApprovalState.APPROVED, until=workflow.now())


Run = WorkflowHandle[Any, list[dict[str, Any]]]


@dataclass
class Stage(Presses):
    """The buttons of one preview, in the stand-in's workspace."""

    slack: Slack
    client: Any
    run: Run

    @property
    def anna(self) -> str:
        return whoever_looks(self.slack.workspace, None)

    def value(self, deed: Deed, argument: str = "") -> str:
        run_id = self.run.result_run_id or ""
        return Answer(deed=deed, argument=argument, workflow_id=EDITION, run_id=run_id).to_text()

    async def asks_why(self, user: str, at: str = "1.0") -> int:
        """Presses Reject."""
        trigger = new_trigger(self.slack.workspace, user, {"channel": "team-core", "ts": "1.0"})
        return (await self.send(self.payload(user, self.value(Deed.REJECT), at, trigger_id=trigger))).status_code

    def written(self, text: str, **changes: Any) -> dict[str, Any]:
        """The form with that text, as Slack sends it."""
        workspace = self.slack.workspace
        modal = workspace.modals[self.anna]
        sent = submission(workspace, modal, Filled(self.anna, modal.view["id"], {REASON: text}))
        return sent | changes

    async def said(self) -> list[dict[str, Any]]:
        await self.run.signal("is_read")
        return await self.run.result()


@pytest.fixture
async def stage(house: House) -> AsyncIterator[Stage]:
    client = house.site.temporal
    async for slack in running():
        anna = whoever_looks(slack.workspace, None)
        members = MEMBERS | {"anna": anna}
        house.allow([person | {"slack": members[person["name"]]} for person in PEOPLE])
        forms = Forms(f"{slack.url}/api", slack.workspace.token)
        async with (
            whispering() as whispers,
            Worker(client, task_queue=names.EDITIONS_QUEUE, workflows=[Waiting]),
        ):
            run = await client.start_workflow(Waiting.run, id=EDITION, task_queue=names.EDITIONS_QUEUE)
            yield Stage(house, whispers, listening(house, whispers, forms), slack, client, run)
            await _ended(run)


async def _ended(run: Run) -> None:
    described = await run.describe()
    if described.close_time is None:
        await run.terminate()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong stands in the answer, also on a machine that has much else to do."""
    monkeypatch.setattr(interactions, "ACKNOWLEDGED_WITHIN", 20.0)
    monkeypatch.setattr(slack_forms, "OPENED_WITHIN", 20.0)


def errors(answer: Any) -> str:
    """What stands below the input."""
    assert answer.status_code == 200
    said = answer.json()
    assert said["response_action"] == "errors"
    (words,) = said["errors"].values()
    assert set(said["errors"]) == {REASON}
    return str(words)


async def test_a_preview_is_agreed_with_at_once_and_for_that_run_alone(stage: Stage) -> None:
    await stage.press("ben", stage.value(Deed.APPROVE, "2"))
    assert stage.told == ["ben may not approve for this team. Nothing has changed."]
    old = stage.value(Deed.APPROVE, "2")
    await stage.press(stage.anna, old)
    assert await stage.said() == [{"kind": "Approve", "by": "anna", "preview": 2}]
    later = await stage.client.start_workflow(Waiting.run, id=EDITION, task_queue=names.EDITIONS_QUEUE)
    await stage.press(stage.anna, old, at="2.0")
    assert stage.told[1:] == [OVER]
    await later.terminate()


async def test_reject_asks_why_and_the_reason_is_recorded_with_the_name(stage: Stage) -> None:
    assert await stage.asks_why(stage.anna) == 200
    view = stage.slack.workspace.modals[stage.anna].view
    assert view["blocks"][0]["text"]["text"] == "Nothing of payments 2026-W47 is posted then."
    answer = await stage.send(stage.written("  the wrong\nrepositories "))
    assert (answer.status_code, answer.content) == (200, b"")
    assert await stage.said() == [{"kind": "Reject", "by": "anna", "reason": "the wrong\nrepositories"}]
    assert stage.told == []


async def test_without_a_reason_the_form_says_what_is_missing(stage: Stage) -> None:
    await stage.asks_why(stage.anna)
    for text in ("", " \n "):
        assert errors(await stage.send(stage.written(text))) == "Say in a few words why nothing is to be posted."
    assert (await stage.send(stage.written("wrong week"))).content == b""
    assert len(await stage.said()) == 1


@pytest.mark.parametrize(
    ("user", "words"),
    [(MEMBERS["ben"], "ben may not approve for this team."), ("U0STRANGER1", "You are not known here.")],
)
async def test_who_may_not_is_told_so_before_any_form_and_in_one_too(stage: Stage, user: str, words: str) -> None:
    assert await stage.asks_why(user) == 200
    assert [told.startswith(words) for told in stage.told] == [True]
    assert stage.slack.workspace.modals == {}
    await stage.asks_why(stage.anna)
    forged = stage.written("because", user={"id": user, "username": "x"})
    assert errors(await stage.send(forged)).startswith(words)
    assert await stage.said() == []


async def test_of_two_forms_the_first_wins_and_the_second_is_told(stage: Stage) -> None:
    await stage.asks_why(stage.anna)
    first, second = stage.written("one"), stage.written("two", user={"id": MEMBERS["root"]})
    answers = await asyncio.gather(stage.send(first), stage.send(second))
    (late,) = [answer for answer in answers if answer.content]
    (said,) = await stage.said()
    assert errors(late) == f"Not taken: it is answered already, by {said['by']}. Nothing has changed."


async def test_the_same_form_again_is_refused(stage: Stage) -> None:
    await stage.asks_why(stage.anna)
    sent, at = stage.written("one"), time.time()
    assert [(await stage.send(sent, at=at)).status_code for _ in range(2)] == [200, 409]
    assert (await stage.send(sent, at=at - 400)).status_code == 401
    assert (await stage.send(sent, secret="another-secret")).status_code == 401
    assert len(await stage.said()) == 1


async def test_a_form_of_what_is_over_is_told_so(stage: Stage) -> None:
    await stage.asks_why(stage.anna)
    await stage.said()
    assert errors(await stage.send(stage.written("late"))) == OVER


@pytest.mark.parametrize(
    ("token", "address", "pressed_ago", "why"),
    [
        ("", "", 4.0, "Slack answered expired_trigger_id"),
        ("xoxb-wrong", "", 0.0, "Slack answered invalid_auth"),
        ("", "http://127.0.0.1:1", 0.0, "Slack cannot be reached"),
    ],
)
async def test_where_no_form_can_be_opened_who_pressed_hears_what_to_do(
    stage: Stage, token: str, address: str, pressed_ago: float, why: str
) -> None:
    workspace, time_there = stage.slack.workspace, stage.slack.time
    forms = Forms(address or f"{stage.slack.url}/api", token or workspace.token)
    stage.app = listening(stage.house, stage.whispers, forms)
    trigger = new_trigger(workspace, stage.anna, {"channel": "team-core", "ts": "1.0"})
    time_there.seconds += pressed_ago
    payload = stage.payload(stage.anna, stage.value(Deed.REJECT), trigger_id=trigger)
    assert (await stage.send(payload)).status_code == 200
    assert stage.told == [
        f"No form to give your reason in: {why}. Reject it at "
        "http://localhost:8300/teams/payments/editions/2026-W47/approval, or type: "
        'python starter.py edition reject payments --week 2026-W47 --reason "…". Nothing has changed.'
    ]
    assert await stage.said() == []


async def test_without_a_token_who_pressed_hears_what_to_type(stage: Stage) -> None:
    stage.app = listening(stage.house, stage.whispers)
    await stage.asks_why(stage.anna)
    (told,) = stage.told
    assert "the dashboard has no SLACK_BOT_TOKEN" in told
    assert "python starter.py edition reject payments --week 2026-W47" in told


async def test_what_a_form_comes_to_late_is_told_by_the_way_of_its_button(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.asks_why(stage.anna)

    async def never(*_: object) -> str:
        await asyncio.sleep(3_600)
        return ""

    monkeypatch.setattr(interactions, "answer", never)
    monkeypatch.setattr(interactions, "ACKNOWLEDGED_WITHIN", 0.1)
    monkeypatch.setattr(interactions, "GIVEN_UP_AFTER", 0.5)
    answer = await stage.send(stage.written("because"))
    assert (answer.status_code, answer.content) == (200, b"")
    (told,) = stage.told
    assert told.startswith("That did not work, and perhaps it was not taken")


async def test_a_form_of_another_version_is_told_so(stage: Stage) -> None:
    await stage.asks_why(stage.anna)
    sent = stage.written("because")
    for metadata in ("", "{}", '{"answer": "explode|x|y"}', "[" * 2_000):
        answer = await stage.send(sent | {"view": sent["view"] | {"private_metadata": metadata}})
        assert errors(answer).startswith("This button is of another version of the application.")
    assert await stage.said() == []
