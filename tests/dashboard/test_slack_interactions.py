"""Presses in Slack: who may, what they lead to, what is refused, and that each counts once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest

from dashboard.slack import interactions
from dashboard.slack.replies import Replies
from dashboard.slack.signature import SeenRequests
from devsync.contracts import names
from devsync.contracts.escalation import EscalationStart
from devsync.domain.answers import Answer, Deed
from devsync.domain.escalation.machine import EventKind, State
from sandbox.temporal_server import TemporalServer
from tests.dashboard.conftest import House
from tests.dashboard.slack_stage import Buttons, buttons_of
from tests.workflows.escalation_stage import Stage, policy, real_escalation_stage

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def escalation(temporal: TemporalServer) -> AsyncIterator[Stage]:
    async with real_escalation_stage(temporal) as stage:
        yield stage


@pytest.fixture
async def slack(house: House, escalation: Stage) -> AsyncIterator[Buttons]:
    """With one workflow of the team payments that waits."""
    async with buttons_of(house, escalation) as buttons:
        (waiting,) = await escalation.waiting()
        await escalation.join(waiting.id, choices=("retry", "skip"))
        await escalation.told("#leads")
        yield buttons


async def state(slack: Buttons) -> tuple[State, str, str]:
    record = (await slack.escalation.view()).record
    assert record is not None
    return record.state, record.holder, record.decided_by


async def kinds(slack: Buttons) -> list[EventKind]:
    return [event.kind for event in (await slack.escalation.view()).events]


async def test_a_press_is_taken_and_recorded_with_the_persons_name(slack: Buttons) -> None:
    assert await slack.press("anna", await slack.value(Deed.ACKNOWLEDGE)) == 200
    assert await state(slack) == (State.ACKNOWLEDGED, "anna", "")
    assert slack.told == []  # the message itself tells everybody


async def test_a_decision_goes_back_to_who_waits_and_the_message_says_so(slack: Buttons) -> None:
    (waiting,) = (await slack.escalation.view()).subscribers
    assert await slack.press("anna", await slack.value(Deed.RESOLVE, "retry")) == 200
    (decided,) = await slack.escalation.client.get_workflow_handle(waiting.subscriber.workflow_id).result()
    assert (decided["decision"], decided["by"]) == ("retry", "anna")
    await slack.escalation.result()
    message = slack.escalation.people.newest("#leads")
    assert message.notice.title.startswith("Resolved")
    assert message.notice.offers == ()


async def test_a_menu_snoozes(slack: Buttons) -> None:
    option = {"type": "static_select", "selected_option": {"value": await slack.value(Deed.SNOOZE, "60")}}
    payload = slack.payload("U0ANNA00001", "")
    payload["actions"][0] |= option
    assert (await slack.send(payload)).status_code == 200
    assert await state(slack) == (State.SNOOZED, "anna", "")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ben", "ben may not answer for the teams that wait here"),
        ("cleo", "cleo may not answer for the teams that wait here"),
        ("U0STRANGER1", "You are not known here. Nothing has changed. Whoever runs the changelog can let you answer: "
         "slack: U0STRANGER1 below your name in config/dashboard.yaml."),
    ],
)  # fmt: skip
async def test_who_may_not_answer_is_told_so_and_nothing_changes(slack: Buttons, name: str, words: str) -> None:
    assert await slack.press(name, await slack.value(Deed.RESOLVE, "skip")) == 200
    (told,) = slack.told
    assert words in told
    assert await state(slack) == (State.FIRING, "", "")


async def test_the_list_of_people_counts_for_buttons_too(house: House, escalation: Stage) -> None:
    async with buttons_of(house, escalation) as slack:
        (waiting,) = await escalation.waiting()
        await escalation.join(waiting.id, policy(people=("ben",)))
        assert await slack.press("anna", await slack.value(Deed.ACKNOWLEDGE)) == 200
        (told,) = slack.told
        assert told.startswith("Not taken: by: 'anna' is not of the people in escalation.yaml: ben.")


async def test_where_nobody_is_named_whoever_presses_is_taken_with_their_id(slack: Buttons, house: House) -> None:
    house.settings.write_text("people: []\n")
    assert await slack.press("U0STRANGER1", await slack.value(Deed.ACKNOWLEDGE)) == 200
    assert await state(slack) == (State.ACKNOWLEDGED, "u0stranger1 (U0STRANGER1)", "")


async def test_the_same_request_again_is_refused(slack: Buttons) -> None:
    payload, at = slack.payload("U0ANNA00001", await slack.value(Deed.ACKNOWLEDGE)), time.time()
    assert [(await slack.send(payload, at=at)).status_code for _ in range(3)] == [200, 409, 409]
    assert (await kinds(slack)).count(EventKind.ACKNOWLEDGED) == 1


async def test_another_dashboard_that_hears_the_same_request_changes_nothing(slack: Buttons) -> None:
    payload, at = slack.payload("U0ANNA00001", await slack.value(Deed.ACKNOWLEDGE)), time.time()
    assert (await slack.send(payload, at=at)).status_code == 200
    await slack.escalation.say("escalate", {"by": "ben"})
    assert (await slack.send(payload, at=at, app=slack.another_process())).status_code == 200
    assert slack.told == ["Not taken: this press was taken already. Nothing has changed."]
    assert (await state(slack))[0] is State.FIRING


async def test_of_two_at_once_the_first_wins_and_the_second_is_told(slack: Buttons) -> None:
    retry, skip = await slack.value(Deed.RESOLVE, "retry"), await slack.value(Deed.RESOLVE, "skip")
    await asyncio.gather(slack.press("anna", retry), slack.press("root", skip))
    ended = await slack.escalation.result()
    assert ended.record is not None
    winner = ended.record.decided_by
    (told,) = slack.told
    assert winner in {"anna", "root"}
    assert f"decided by {winner}" in told
    assert "Nothing has changed" in told


async def test_what_is_over_is_told_kindly(slack: Buttons) -> None:
    retry, skip = await slack.value(Deed.RESOLVE, "retry"), await slack.value(Deed.RESOLVE, "skip")
    await slack.press("anna", retry)
    await slack.escalation.result()
    await slack.press("root", skip)
    assert slack.told == ["This is over already: retry, decided by anna. Nothing has changed."]


async def test_a_button_of_an_earlier_page_is_told_that_there_is_a_newer_one(slack: Buttons) -> None:
    old = await slack.value(Deed.RESOLVE, "retry")
    await slack.press("anna", old)
    await slack.escalation.result()
    (waiting,) = await slack.escalation.waiting()
    await slack.escalation.join(waiting.id)
    await slack.press("anna", old, at="2.0")
    assert slack.told == [
        "This escalation is over; a newer one is open, with a message of its own. Nothing has changed."
    ]
    assert await state(slack) == (State.FIRING, "", "")


async def test_an_escalation_that_never_was_is_over(slack: Buttons) -> None:
    answer = Answer(deed=Deed.ACKNOWLEDGE, workflow_id="escalation:service:nowhere", run_id="r")
    assert await slack.press("anna", answer.to_text()) == 200
    assert slack.told == ["This is over: nobody waits for an answer any more. Nothing has changed."]


@pytest.mark.parametrize(
    "value", ["", "retry", "explode|p|escalation:x", "snooze:soon|{page}|{id}", "resolve|{page}|{id}"]
)
async def test_an_unknown_button_is_told_so(slack: Buttons, value: str) -> None:
    view = await slack.escalation.view()
    assert await slack.press("anna", value.format(page=view.page, id=view.escalation_id)) == 200
    (told,) = slack.told
    assert told.startswith("This button is of another version of the application.")


async def test_where_no_worker_answers_who_pressed_is_told_and_nothing_is_left_for_later(
    house: House, escalation: Stage
) -> None:
    client, lonely = escalation.client, f"{escalation.escalation_id}-lonely"
    waits = await client.start_workflow(names.ESCALATION, EscalationStart(), id=lonely, task_queue="nobody-serves-it")
    async with buttons_of(house, escalation) as slack:
        answer = Answer(deed=Deed.ACKNOWLEDGE, workflow_id=lonely, run_id=waits.result_run_id or "")
        assert await slack.press("anna", answer.to_text()) == 200
        (told,) = slack.told
        assert told.startswith(f"no worker answers for {lonely}")
        assert told.endswith("Nothing has changed.")
    await waits.terminate()


async def test_a_link_is_acknowledged_and_says_nothing(slack: Buttons) -> None:
    payload = slack.payload("U0STRANGER1", "")
    payload["actions"][0] |= {"action_id": "open:1"}
    assert (await slack.send(payload)).status_code == 200
    assert slack.told == []


@pytest.mark.parametrize(
    ("signing", "code"),
    [
        ({"secret": "another-secret"}, 401),
        ({"x-slack-signature": ""}, 401),
        ({"x-slack-signature": "v0=ü".encode()}, 401),
        ({"x-slack-signature": "v1=" + "0" * 64}, 401),
        ({"x-slack-request-timestamp": "now"}, 401),
        ({"x-slack-request-timestamp": "9" * 400}, 401),
        ({"x-slack-request-timestamp": "-1"}, 401),
    ],
    ids=str,
)
async def test_what_slack_has_not_signed_just_now_is_refused(
    slack: Buttons, signing: dict[str, Any], code: int
) -> None:
    payload = slack.payload("U0ANNA00001", await slack.value(Deed.ACKNOWLEDGE))
    assert (await slack.send(payload, **signing)).status_code == code
    assert await state(slack) == (State.FIRING, "", "")


@pytest.mark.parametrize("seconds", [-301, 400])
async def test_what_slack_has_signed_at_another_time_is_refused(slack: Buttons, seconds: int) -> None:
    payload = slack.payload("U0ANNA00001", await slack.value(Deed.ACKNOWLEDGE))
    assert (await slack.send(payload, at=time.time() + seconds)).status_code == 401
    assert await state(slack) == (State.FIRING, "", "")


async def test_a_body_that_was_changed_is_refused(slack: Buttons) -> None:
    sent = (await slack.send(slack.payload("U0ANNA00001", await slack.value(Deed.RESOLVE, "retry")))).request
    stolen: dict[str, Any] = {name: sent.headers[name] for name in ("x-slack-signature", "x-slack-request-timestamp")}
    changed = sent.content.replace(b"retry", b"abort")
    assert (await slack.send_body(changed, **stolen)).status_code == 401


def form(payload: str) -> bytes:
    return urlencode({"payload": payload}).encode()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 400),
        (b"payload", 400),
        (b"payload=1&payload=2", 400),
        (b"&".join(b"a%d=1" % n for n in range(50)), 400),
        (form("{"), 400),
        (form("[]"), 400),
        (form("[" * 50_000), 400),
        (form('{"type": "block_actions"}'), 400),
        (form('{"type": "block_actions", "user": {"id": ""}}'), 400),
        (form('{"type": "block_actions", "user": {"id": "U1"}, "actions": "all"}'), 400),
        (form('{"type": "block_actions", "user": {"id": "U1"}}'), 200),
        (form('{"type": "view_submission", "user": {"id": "U1"}}'), 200),
        (b"x" * (interactions.LARGEST_BODY + 1), 413),
    ],
    ids=lambda one: str(one)[:60],
)
async def test_signed_nonsense_is_refused_and_harms_nothing(slack: Buttons, body: bytes, code: int) -> None:
    assert (await slack.send_body(body)).status_code == code
    assert slack.told == []


async def test_without_a_signing_secret_there_is_nothing_here(slack: Buttons, house: House) -> None:
    payload = slack.payload("U0ANNA00001", await slack.value(Deed.ACKNOWLEDGE))
    assert (await slack.send(payload, app=house.app)).status_code == 404


async def test_a_slow_answer_is_acknowledged_in_time_and_told_later(
    slack: Buttons, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody takes it: the message goes out before, and the outcome by the other way."""
    acknowledged: list[float] = []

    async def never(*_: object) -> str:
        await asyncio.sleep(3_600)
        return ""

    monkeypatch.setattr(interactions, "answer", never)
    monkeypatch.setattr(interactions, "GIVEN_UP_AFTER", 3.0)

    async def timed(scope: Any, receive: Any, send: Any) -> None:
        began = time.monotonic()

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                acknowledged.append(time.monotonic() - began)
            await send(message)

        await slack.app(scope, receive, sending)

    payload = slack.payload("U0ANNA00001", await slack.value(Deed.ACKNOWLEDGE))
    assert (await slack.send(payload, app=timed)).status_code == 200
    assert interactions.ACKNOWLEDGED_WITHIN <= acknowledged[0] < 3
    (told,) = slack.told
    assert told.startswith("That did not work, and perhaps it was not taken")


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        ("https://hooks.slack.com/actions/T1/1/x", True),
        ("https://hooks.slack-gov.com/actions/T1/1/x", True),
        ("http://localhost:9001/actions/T1/x", True),  # the stand-in
        ("http://hooks.slack.com/actions/T1/1/x", False),
        ("https://hooks.slack.com:8443/x", False),
        ("https://hooks.slack.com.evil.example/x", False),
        ("https://hooks.slack.com@evil.example/x", False),
        ("https://user:x@hooks.slack.com/x", False),
        ("https://evil.example\\@hooks.slack.com/x", False),
        ("http://localhost:9002/x", False),
        ("http://169.254.169.254/latest", False),
        ("file:///etc/passwd", False),
        ("", False),
        ("//hooks.slack.com/x", False),
        ("https://hooks.slack.com\n.evil.example/", False),
    ],
)
async def test_an_answer_goes_to_slack_alone(address: str, is_ours: bool) -> None:
    replies = Replies("http://localhost:9001/api")
    assert replies.may_call(address) is is_ours
    await replies.close()


async def test_an_address_elsewhere_is_not_called_and_the_press_counts(slack: Buttons) -> None:
    elsewhere = slack.payload("U0BEN000001", await slack.value(Deed.ACKNOWLEDGE))
    elsewhere |= {"response_url": slack.whispers.url.replace("127.0.0.1", "127.0.0.2") + "/actions/T1/secret"}
    assert (await slack.send(elsewhere)).status_code == 200
    assert slack.told == []


def test_a_seen_request_is_forgotten_when_its_signature_is_too_old_to_be_taken() -> None:
    seen = SeenRequests()
    assert seen.is_new("a", 0)
    assert not seen.is_new("a", 600)
    assert seen.is_new("a", 601)
