"""Editions that wait for people, lean on other channels, or heal after they are out."""

import asyncio
from contextlib import suppress
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.edition import EditionResult, Phase
from sandbox.faults import Fault, FaultKind
from tests.e2e.stage import IMPATIENT, PATIENCE_SECONDS, Stage, eventually, forget

REVIEWED = {"required": True, "reviewers": ["#engineering"], "wait": "40s", "on_timeout": "publish"}
MAIL = {"kind": "email", "to": ["payments@acme.test"], "only_as_fallback": True}


async def until_previewed(stage: Stage, edition: WorkflowHandle[Any, EditionResult]) -> None:
    await stage.until_phase(edition, Phase.APPROVING)

    async def is_there() -> bool:
        return bool(stage.slack.channel_named("engineering").messages)

    await eventually(is_there)


async def approved(stage: Stage) -> None:
    """Edited first, with nonsense in between, then agreed to."""
    stage.change_team(approval=REVIEWED)
    async with stage.worker():
        edition = await stage.start()
        await until_previewed(stage, edition)
        await edition.signal("approve", {"note": "nobody says so"})
        await edition.execute_update("edit", {"by": "anna", "hide": ["PAY-1192"], "note": "Release on Friday"})
        await asyncio.sleep(2)
        await edition.signal("approve", {"by": "anna"})
        await asyncio.wait_for(edition.result(), PATIENCE_SECONDS)


async def rejected(stage: Stage) -> None:
    stage.change_team(approval=REVIEWED)
    async with stage.worker():
        edition = await stage.start()
        await until_previewed(stage, edition)
        await edition.signal("reject", {"by": "anna", "reason": "wrong week"})
        await asyncio.wait_for(edition.result(), PATIENCE_SECONDS)


async def unreviewed(stage: Stage) -> None:
    """Nobody answers: they are reminded, and the policy decides."""
    stage.change_team(approval=REVIEWED | {"wait": "6s"})
    async with stage.worker():
        await stage.run()


async def amended(stage: Stage) -> None:
    """GitHub answers 404 for a repository until the edition is out; somebody mends that and says so."""
    broken = next(iter(stage.sandbox.world.repositories))
    stage.choose_road("rest")
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=404, route=f"/repos/{broken}(/|$)"))
    async with stage.worker():
        await stage.run()
        amendment = stage.client.get_workflow_handle(
            names.amendment_id(stage.team, stage.week), result_type=AmendmentProgress
        )
        await amendment.signal("try_now", {"by": "anna"})  # it is not mended yet
        await asyncio.sleep(3)
        stage.sandbox.faults.clear()
        await amendment.signal("stop", {"reason": "nobody says so"})
        await amendment.signal("try_now", {"by": "anna"})
        await asyncio.wait_for(amendment.result(), PATIENCE_SECONDS)


async def stood_in_for(stage: Stage) -> None:
    """Slack is down until after the deadline: a mail stands in, and Slack gets it late."""
    stage.change_delivery(delivery_reserve="2s", slack={"retry_schedule": ["1s"] * 60})
    stage.change_team(deliver_by="25s", channels=[{"kind": "slack", "channel": "#payments"}, MAIL])
    stage.change_plan("slack-delivery", "retry", timeout="3s")
    stage.sandbox.pause("slack")
    async with stage.worker():
        await stage.run()
        stage.sandbox.resume("slack")
        await asyncio.wait_for(stage.delivery(stage.week).result(), PATIENCE_SECONDS)


async def escalated(stage: Stage) -> None:
    """A person asks others about a running edition, and they end it."""
    stage.change_team(approval=REVIEWED)
    async with stage.worker():
        edition = await stage.start()
        await until_previewed(stage, edition)
        await edition.signal("escalate", {"by": "anna", "reason": "is this the right week?"})
        escalation = stage.client.get_workflow_handle(names.own_escalation_id(edition.id))

        async def is_asked() -> bool:
            return bool((await edition.query("progress"))["escalations"])

        await eventually(is_asked)
        await escalation.signal("resolve", {"by": "ben", "decision": "abort", "note": "it is not"})
        await asyncio.wait_for(edition.result(), PATIENCE_SECONDS)


async def decided(stage: Stage) -> None:
    """A recovery waits for people, its edition says so, and they go on with what there is."""
    stage.change_service("github", "timeouts", **IMPATIENT)
    stage.change_service("github", "retry", maximum="1s", attempts=2)
    stage.keep_steps("github-collection", "retry", ask="missing")
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=503))
    async with stage.worker():
        edition = await stage.start()

        async def is_asked() -> bool:
            with suppress(RPCError):  # no worker has taken it yet
                return any(one["choices"] for one in (await edition.query("progress"))["recoveries"])
            return False

        await eventually(is_asked)
        page = stage.client.get_workflow_handle(names.service_escalation_id(names.GITHUB))
        await page.signal("acknowledge", {"by": "anna"})
        await page.signal("resolve", {"by": "anna", "decision": "skip"})
        await asyncio.wait_for(edition.result(), PATIENCE_SECONDS)
    await forget(stage.client, stage.team)  # with the escalation of the service
