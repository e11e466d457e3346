"""Asks every source of an edition; what fails goes to a recovery, one a service."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from devsync.contracts.collection import UnitCollected
    from devsync.contracts.edition import EditionPlan
    from devsync.contracts.recovery import FailedUnit, RecoveryReport, RecoveryRequest
    from devsync.domain.changelog.deadline import Deadline
    from devsync.domain.recovery.choosing import plan_for
    from workflows.carrying import fitting
    from workflows.recovering import COLLECT, Answered, collection_request, failed_units, last_failures, with_stand_ins
    from workflows.units import Answer, Ask, Heard, ask_all, was_silent

Recover = Callable[[RecoveryRequest], Awaitable[RecoveryReport]]


class _Found(NamedTuple):
    """What one service gave."""

    failed: tuple[FailedUnit, ...]
    report: RecoveryReport | None = None
    """What its recovery made of it."""


async def collect(
    plan: EditionPlan, asks: Sequence[Ask], deadline: Deadline, heard: Heard, recover: Recover
) -> Answered:
    """All services at once, each within the time that is left to collect and to recover."""
    live: dict[str, UnitCollected] = {}

    def note(ask: Ask, answer: Answer) -> None:
        if isinstance(answer, UnitCollected):
            live[ask.unit] = answer
        heard(ask, answer)

    async def from_service(service: str) -> _Found:
        ours = [ask for ask in asks if ask.service == service]
        answers = await _ask_twice(ours, plan, deadline, note)
        failed = failed_units(ours, answers)
        recovery = plan_for(plan.recovery_plans, service, COLLECT, [unit.failure for unit in failed])
        if not failed or recovery is None:
            return _Found(failed)
        now = workflow.now()
        until = now + deadline.time_to_collect(now)
        return _Found(failed, await recover(collection_request(plan, recovery, failed, tuple(live.values()), until)))

    services = dict.fromkeys(ask.service for ask in asks)  # in their order: a set has none that a replay could keep
    found = await asyncio.gather(*map(from_service, services))
    reports = [one.report for one in found if one.report is not None]
    answered = with_stand_ins(
        [live[ask.unit] for ask in asks if ask.unit in live],
        last_failures([unit for one in found for unit in one.failed], reports),
        [unit for report in reports for unit in report.healed],
    )
    units, too_large = fitting(answered.units)
    return answered._replace(units=tuple(units), gaps=(*answered.gaps, *too_large))


async def _ask_twice(asks: Sequence[Ask], plan: EditionPlan, deadline: Deadline, heard: Heard) -> dict[str, Answer]:
    """Twice those that nobody answered for: all workers were away until the time was up. They are back, or this would
    not run."""
    answers = await ask_all(asks, plan.policies, deadline, heard)
    silent = [ask for ask in asks if was_silent(answers[ask.unit])]
    if silent and deadline.may_collect_again(workflow.now()):
        answers |= await ask_all(silent, plan.policies, deadline, heard)
    return answers
