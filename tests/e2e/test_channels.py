"""Slack, mail and a webhook side by side: each gets the edition, also after failures, crashes and a replay."""

import asyncio
import json
from typing import Any

from devsync.contracts import names
from devsync.contracts.delivery import DeliveryOutcome, DeliveryState
from sandbox.faults import Fault, FaultKind
from sandbox.smtp import INBOX, Inbox, Reply
from sandbox.webhook import EVENTS, Event
from tests.e2e.stage import PATIENCE_SECONDS, Stage, eventually

ANNA, BEN = "anna@acme.test", "ben@acme.test"


def with_mail_and_webhook(stage: Stage) -> None:
    slack = {"kind": "slack", "channel": f"#{stage.sandbox.world.teams[0].slack_channels[0]}"}
    url = f"{stage.sandbox.urls['webhook']}/hooks/changelog"
    stage.change_team(
        channels=[
            slack,
            {"kind": "email", "to": [ANNA, BEN]},
            {"kind": "webhook", "url": url, "secret_env": "SANDBOX_WEBHOOK_SECRET"},
        ]
    )


def inbox(stage: Stage) -> Inbox:
    found: Inbox = stage.sandbox.apps["smtp"][INBOX]
    return found


def events(stage: Stage) -> list[Event]:
    found: list[Event] = stage.sandbox.apps["webhook"][EVENTS]
    return found


async def document(stage: Stage, *arguments: str) -> tuple[int, Any]:
    code, output, errors = await stage.starter("delivery", *arguments, "--json")
    assert "Traceback" not in errors
    return code, json.loads(output)


async def test_each_channel_gets_the_edition_once_and_a_later_revision_in_its_way(stage: Stage) -> None:
    with_mail_and_webhook(stage)
    async with stage.worker():
        first = await stage.run()
        again = await stage.run()
        stage.change_team(github={"repositories": stage.sandbox.world.teams[0].repositories[:1]})
        second = await stage.run()
    assert [channel.state for channel in first.channels] == [DeliveryState.DELIVERED] * 3
    assert (again.revision, second.revision) == (1, 2)
    one, two = inbox(stage).mails
    assert (one.recipients, two.recipients) == ([ANNA, BEN], [ANNA, BEN])
    assert one.message["Message-ID"] == first.channels[1].message_id
    assert two.message["In-Reply-To"] == one.message["Message-ID"]
    assert f"revision {second.revision}" in two.body("plain")
    assert [event.body["data"]["revision"] for event in events(stage)] == [1, 2]
    assert len({event.id for event in events(stage)}) == 2
    assert events(stage)[0].body["data"]["item_count"] == first.item_count
    assert (first.api_calls["email"], first.api_calls["webhook"]) == (1, 1)


async def test_a_mail_that_is_queued_when_the_worker_is_killed_arrives(stage: Stage) -> None:
    with_mail_and_webhook(stage)
    stage.change_team(deliver_by="6s")
    stage.change_delivery(delivery_reserve="1s", email={"retry_schedule": ["1s"] * 30})
    inbox(stage).replies.append(Reply(says="451 4.3.0 busy"))
    async with stage.worker("first") as worker:
        result = await stage.run()
        await worker.kill()
    states = [channel.state for channel in result.channels]
    assert states == [DeliveryState.DELIVERED, DeliveryState.QUEUED, DeliveryState.DELIVERED]
    assert "takes this mail later" in result.channels[1].reason or "problem of its own" in result.channels[1].reason
    # Taken, and the answer lost; then taken once more, with the same id.
    inbox(stage).replies[:] = [Reply(command="DATA", says="drop", count=1)]
    mail = stage.client.get_workflow_handle(
        names.delivery_id(stage.team, stage.week, "email-1"), result_type=DeliveryOutcome
    )
    async with stage.worker("second"):
        outcome = await asyncio.wait_for(mail.result(), PATIENCE_SECONDS)
    assert outcome.state is DeliveryState.DELIVERED
    assert len({mail.message["Message-ID"] for mail in inbox(stage).mails}) == 1
    assert len(inbox(stage).mails) == 2
    assert len(events(stage)) == 1
    assert len(stage.keys) == len(set(stage.keys)) > 0


async def test_what_failed_is_listed_and_can_be_replayed(stage: Stage) -> None:
    with_mail_and_webhook(stage)
    gone = stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="webhook", status=410))
    inbox(stage).replies.append(Reply(says="550 5.1.1 unknown", to="ben"))
    async with stage.worker():
        result = await stage.run()
        mail, webhook = result.channels[1:]
        assert (mail.state, webhook.state) == (DeliveryState.DELIVERED, DeliveryState.FAILED)
        assert mail.reason.startswith(f"{BEN} did not get it: ")
        assert "410" in webhook.reason

        async def are_recorded() -> bool:
            return len(stage.rows("SELECT 1 FROM deliveries WHERE channel <> 'slack-payments'")) >= 3

        await eventually(are_recorded)
        code, listed = await document(stage, "list", "--team", stage.team, "--state", "failed")
        found = {one["channel"]: (one["state"], one["delivered"], one["parts"]) for one in listed["deliveries"]}
        assert (code, found) == (0, {"webhook-2": ("failed", 0, 1), "email-1": ("failed", 1, 2)})

        code, told = await document(stage, "replay", stage.team, stage.week, "webhook-2")
        assert (code, told["state"]) == (1, "failed")
        stage.sandbox.faults.clear(gone)
        (entry,) = stage.rows("SELECT what, outcome FROM audit WHERE action = 'replay'")
        replayed = names.delivery_id(stage.team, stage.week, "webhook-2")
        assert entry == {"what": replayed, "outcome": "revision 1 asked for"}
        code, told = await document(stage, "replay", names.delivery_id(stage.team, stage.week, "webhook-2"))
        assert (code, told["state"], told["revision"]) == (0, "delivered", 1)
        inbox(stage).replies.clear()
        code, told = await document(stage, "replay", stage.team, stage.week, "email-1")
        assert (code, told["state"]) == (0, "delivered")
        code, told = await document(
            stage, "replay", stage.team, stage.week, names.slack_key(result.channels[0].channel)
        )
        assert (code, told["state"]) == (0, "delivered")
        code, output, errors = await stage.starter("delivery", "replay", stage.team, stage.week, "fax-1")
        assert (code, output) == (2, "")
        assert 'has no channel "fax-1"; it has email-1, slack-' in errors
        code, _, errors = await stage.starter("delivery", "replay", "nonsense")
        assert (code, "by its id" in errors) == (2, True)
    assert [mail.recipients for mail in inbox(stage).mails] == [[ANNA], [BEN]]
    assert len(events(stage)) == 1
    assert len(stage.keys) == len(set(stage.keys)) == len(stage.messages) == stage.slack.counts.posts - 1
    (page,) = stage.slack.channel_named("oncall").messages.values()
    assert page.text.startswith("Resolved"), "what nobody else had told was told, and has been replayed"
