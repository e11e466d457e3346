"""What happens to escalations, for the corpus: answered, not answered, over by itself, put off and passed on."""

from datetime import timedelta
from typing import Any

import yaml

from devsync.contracts.escalation import SubscriberLeft
from devsync.domain.escalation.machine import State
from devsync.domain.recovery.decision import Decision
from sandbox.faults import Fault, FaultKind
from tests.e2e.asking import ask, askers, escalation, until_told, view
from tests.e2e.stage import Stage, eventually, forget


async def answered(stage: Stage) -> None:
    """Two wait; somebody acknowledges, types nonsense, and resolves."""
    async with stage.worker(), askers(stage):
        one, two = await ask(stage, 1), await ask(stage, 2, choices=(Decision.RETRY, Decision.SKIP))
        await until_told(stage)
        handle = escalation(stage)
        await handle.signal("acknowledge", {"by": "anna"})
        for nonsense in ([], ["nonsense"], [{"by": "anna"}], [{"by": "anna"}, 2]):
            await handle.signal("acknowledge", args=nonsense)
        await handle.signal("resolve", {"by": "anna", "decision": "abort"})
        await handle.execute_update("resolve", {"by": "anna", "decision": "skip", "note": "until Monday"})
        await one.result()
        await two.result()
        await handle.result()
    await forget(stage.client, stage.team)


async def unanswered(stage: Stage) -> None:
    """Nobody answers: every level is asked, the first post has no answer, and the policy decides."""
    _policy(stage, delay="6s", repeats=1)
    stage.change_service("slack", "timeouts", start_to_close="3s", http_read="1s")
    lost = Fault(kind=FaultKind.COMMITTED_TIMEOUT, service="slack", route="/api/chat.postMessage", count=1, seconds=9)
    stage.sandbox.faults.add(lost)
    async with stage.worker(), askers(stage):
        one = await ask(stage)
        await one.result()
        await escalation(stage).result()
    await forget(stage.client, stage.team)


async def healed(stage: Stage) -> None:
    """One goes on without an answer, another takes its place, and its cause heals."""
    async with stage.worker(), askers(stage):
        edition = await ask(stage, 1)
        await until_told(stage)
        handle = escalation(stage)
        await handle.signal("left", SubscriberLeft(workflow_id=edition.id, is_healed=False, note="deadline"))
        amendment = await ask(stage, 2, replaces=edition.id)

        async def has_joined() -> bool:
            return amendment.id in {entry.subscriber.workflow_id for entry in (await view(stage)).subscribers}

        await eventually(has_joined)
        await handle.signal("left", SubscriberLeft(workflow_id=amendment.id, is_healed=True, note="github answers"))
        await handle.result()
        await edition.terminate()
        await amendment.terminate()
    await forget(stage.client, stage.team)


async def put_off(stage: Stage) -> None:
    """Snoozed, asked again, escalated, passed on to another channel, under other rules; and answered there."""
    async with stage.worker(), askers(stage):
        one = await ask(stage)
        await until_told(stage)
        handle = escalation(stage)
        policy = (await view(stage)).record
        await handle.signal("snooze", {"by": "anna", "minutes": 30})
        await handle.signal("escalate", {"by": "anna", "reason": "I have no rights there"})
        await handle.signal("reassign", {"by": "bo", "to": "#engineering"})
        if policy is not None:
            patient = policy.policy.model_copy(update={"acknowledgement_timeout": timedelta(hours=9)})
            change = {"by": "bo", "reason": "it is night", "policy": patient.model_dump(mode="json")}
            await handle.execute_update("change_policy", change)

        async def is_told() -> bool:
            told = (await view(stage)).told
            return len(told) == 2 and all(target.told_at for target in told)

        await eventually(is_told)
        await handle.execute_update("resolve", {"by": "bo", "decision": "use_fallback"})
        await one.result()
        ended = await handle.result()
        if ended.record is None or ended.record.state is not State.RESOLVED:
            raise RuntimeError("the story did not end as it should")
    await forget(stage.client, stage.team)


def _policy(stage: Stage, **changes: Any) -> None:
    """The same for every level of the default policy."""
    path = stage.directory / "config" / "escalation.yaml"
    settings = yaml.safe_load(path.read_text())
    for level in settings["policies"]["default"]["levels"]:
        level.update(changes)
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
