"""Stories of deliveries: channels that are away, stopped, kept from a worse revision, mail and webhooks."""

import asyncio
from typing import Any

from devsync.contracts import names
from sandbox.faults import Fault, FaultKind
from sandbox.smtp import INBOX, Reply
from tests.e2e.stage import IMPATIENT, PATIENCE_SECONDS, Stage, eventually


async def queued(stage: Stage) -> None:
    """Slack is away: two revisions reach their deadline, and one delivery goes on to bring the newer one."""
    stage.change_delivery(
        delivery_reserve="1s", slack={"retry_schedule": ["1s", "2s", "2s", "2s", "2s", "3s", "3s", "60s"]}
    )
    stage.change_team(deliver_by="5s")
    stage.sandbox.pause("slack")
    async with stage.worker():
        await stage.run()
        stage.change_team(github={"repositories": stage.sandbox.world.teams[0].repositories[:1]})
        await stage.run()
        stage.sandbox.resume("slack")

        async def is_delivered() -> bool:
            return bool(stage.rows("SELECT 1 FROM deliveries WHERE state = 'delivered'"))

        await eventually(is_delivered)


async def waiting(stage: Stage) -> None:
    """Open: a delivery that waits for its next try, hours away."""
    stage.change_delivery(delivery_reserve="1s", slack={"retry_schedule": ["1s", "6h"]})
    stage.change_team(deliver_by="5s")
    stage.sandbox.pause("slack")
    async with stage.worker():
        await stage.run()


async def stopped(stage: Stage) -> None:
    """A delivery is cancelled while it waits, with a thread half posted; the week run again goes on from there."""
    stage.change_delivery(slack={"retry_schedule": ["1s", "6h"]})
    limited = stage.sandbox.faults.add(
        Fault(kind=FaultKind.RATE_LIMIT, service="slack", route="chat.postMessage", retry_after_seconds=25, after=1)
    )
    async with stage.worker():
        handle = await stage.start()
        delivery = stage.client.get_workflow_handle(
            names.delivery_id(stage.team, stage.week, f"slack-{stage.sandbox.world.teams[0].slack_channels[0]}")
        )

        async def is_recorded() -> bool:
            return bool(stage.rows("SELECT 1 FROM deliveries WHERE state = 'delivered'"))

        await eventually(is_recorded)
        await delivery.cancel(reason="anna: wrong channel")
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
        stage.sandbox.faults.clear(limited)
        await stage.run()


async def kept(stage: Stage) -> None:
    """A complete week is run again while a repository is away: it is not replaced."""
    async with stage.worker():
        await stage.run()
        stage.change_service("github", "timeouts", **IMPATIENT)
        stage.change_service("github", "retry", maximum="1s")
        broken = next(iter(stage.sandbox.world.repositories))
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route=f"/repos/{broken}/"))
        stage.choose_road("rest")
        await stage.run()


async def mailed(stage: Stage) -> None:
    """One recipient is unknown, another busy at first: that one gets the mail alone; a later revision goes to all."""
    inbox = stage.sandbox.apps["smtp"][INBOX]
    inbox.replies += [Reply(to="ben", count=1), Reply(says="451 4.3.0 busy", to="carl", count=1)]
    stage.change_delivery(email={"retry_schedule": ["1s", "6h"]})
    _change_channels(stage, {"kind": "email", "to": ["anna@acme.test", "ben@acme.test", "carl@acme.test"]})
    async with stage.worker():
        await stage.run()
        stage.change_team(github={"repositories": stage.sandbox.world.teams[0].repositories[:1]})
        await stage.run()


async def hooked(stage: Stage) -> None:
    """A webhook is dead after its schedule; replayed, it is taken."""
    down = stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="webhook", status=503))
    stage.change_delivery(webhook={"retry_schedule": ["1s", "1s"]})
    url = f"{stage.sandbox.urls['webhook']}/hooks/changelog"
    _change_channels(stage, {"kind": "webhook", "url": url, "secret_env": "SANDBOX_WEBHOOK_SECRET"})
    async with stage.worker():
        await stage.run()
        stage.sandbox.faults.clear(down)
        code, _, errors = await stage.starter("delivery", "replay", stage.team, stage.week, "webhook-0")
        assert code == 0, errors


def _change_channels(stage: Stage, *channels: dict[str, Any]) -> None:
    stage.change_team(channels=list(channels), github={"repositories": stage.sandbox.world.teams[0].repositories[:2]})


async def revised(stage: Stage) -> None:
    """The week changes after it was posted: the same messages are updated, those too many removed."""
    async with stage.worker():
        await stage.run()
        stage.change_team(github={"repositories": stage.sandbox.world.teams[0].repositories[:1]})
        await stage.run()
