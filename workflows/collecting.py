"""Asks every source of an edition; what fails goes to a recovery, one a service."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from devsync.contracts.collection import Surrounding, UnitCollected
    from devsync.contracts.edition import EditionPlan
    from devsync.contracts.recovery import FailedUnit, RecoveryReport, RecoveryRequest
    from devsync.domain.changelog.deadline import Deadline
    from devsync.domain.recovery.builtin import COLLECT, METRICS
    from devsync.domain.recovery.choosing import plan_for
    from workflows.carrying import fitting
    from workflows.recovering import Answered, collection_request, failed_units, last_failures, with_stand_ins
    from workflows.units import Answer, Ask, Heard, ask_all, was_silent

Recover = Callable[[RecoveryRequest], Awaitable[RecoveryReport]]


class _Found(NamedTuple):
    """What failed at one service, and what its recoveries made of it."""

    failed: tuple[FailedUnit, ...]
    reports: tuple[RecoveryReport, ...] = ()


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
        requests = []
        for phase, of_phase in _by_phase(ours).items():
            failed = failed_units(of_phase, answers)
            recovery = plan_for(plan.recovery_plans, service, phase, [unit.failure for unit in failed])
            if failed and recovery is not None:
                until = workflow.now() + deadline.time_to_collect(workflow.now())
                requests.append(collection_request(plan, recovery, phase, failed, tuple(live.values()), until))
        return _Found(failed_units(ours, answers), tuple(await asyncio.gather(*map(recover, requests))))

    services = dict.fromkeys(ask.service for ask in asks)  # in their order: a set has none that a replay could keep
    found = await asyncio.gather(*map(from_service, services))
    reports = [report for one in found for report in one.reports]
    answered = with_stand_ins(
        [live[ask.unit] for ask in asks if ask.unit in live],
        last_failures([unit for one in found for unit in one.failed], reports),
        [unit for report in reports for unit in report.healed],
    )
    units, too_large = fitting(answered.units)
    return answered._replace(units=tuple(units), gaps=(*answered.gaps, *too_large))


def _by_phase(asks: Sequence[Ask]) -> dict[str, list[Ask]]:
    """What an edition is made of, and what surrounds it: they have plans of their own."""
    phases: dict[str, list[Ask]] = {COLLECT: [], METRICS: []}
    for ask in asks:
        phases[METRICS if isinstance(ask.message, Surrounding) else COLLECT].append(ask)
    return phases


async def _ask_twice(asks: Sequence[Ask], plan: EditionPlan, deadline: Deadline, heard: Heard) -> dict[str, Answer]:
    """Twice those that nobody answered for: all workers were away until the time was up. They are back, or this would
    not run."""
    answers = await ask_all(asks, plan.policies, deadline, heard)
    silent = [ask for ask in asks if was_silent(answers[ask.unit])]
    if silent and deadline.may_collect_again(workflow.now()):
        answers |= await ask_all(silent, plan.policies, deadline, heard)
    return answers
