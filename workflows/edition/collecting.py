"""Asks every source of an edition; what fails goes to a recovery, one a service."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from temporalio import workflow

from devsync.contracts.collection import Surrounding, UnitCollected
from devsync.contracts.edition import EditionPlan
from devsync.contracts.recovery import FailedUnit, RecoveryReport
from devsync.domain.changelog.coverage import with_lost
from devsync.domain.changelog.deadline import Deadline
from devsync.domain.recovery.builtin import COLLECT, METRICS
from devsync.domain.recovery.choosing import plan_for
from workflows.edition.carrying import fitting
from workflows.edition.recovering import (
    Answered,
    Recover,
    collection_request,
    failed_units,
    last_failures,
    with_stand_ins,
)
from workflows.edition.units import Answer, Ask, Heard, ask_all, was_silent
from workflows.recovery.course import is_deriving


class _Found(NamedTuple):
    """What failed at one service, and what its recoveries made of it."""

    failed: tuple[FailedUnit, ...]
    reports: tuple[RecoveryReport, ...] = ()


async def collect(
    plan: EditionPlan, asks: Sequence[Ask], deadline: Deadline, heard: Heard, recover: Recover
) -> Answered:
    """All services at once, each within the time that is left to collect and to recover.

    A recovery that may make something of what others have collected begins when all have answered or failed.
    """
    live: dict[str, UnitCollected] = {}
    services = dict.fromkeys(ask.service for ask in asks)  # in their order: a set has none that a replay could keep
    still_asked = set(services)

    def note(ask: Ask, answer: Answer) -> None:
        if isinstance(answer, UnitCollected):
            live[ask.unit] = answer
        heard(ask, answer)

    async def from_service(service: str) -> _Found:
        ours = [ask for ask in asks if ask.service == service]
        answers = await _ask_twice(ours, plan, deadline, note)
        still_asked.discard(service)
        recovering = [recovered(phase, failed_units(of_phase, answers)) for phase, of_phase in _by_phase(ours).items()]
        reports = await asyncio.gather(*recovering)
        return _Found(failed_units(ours, answers), tuple(report for report in reports if report is not None))

    async def recovered(phase: str, failed: tuple[FailedUnit, ...]) -> RecoveryReport | None:
        """None where nothing failed, or no plan is for it."""
        if not failed:
            return None
        recovery = plan_for(plan.recovery_plans, failed[0].service, phase, [unit.failure for unit in failed])
        if recovery is None:
            return None
        if is_deriving(recovery):
            await workflow.wait_condition(lambda: not still_asked)
        now = workflow.now()
        until = now + deadline.or_late(now).time_to_recover(now)
        return await recover(collection_request(plan, recovery, phase, failed, tuple(live.values()), until))

    found = await asyncio.gather(*map(from_service, services))
    reports = [report for one in found for report in one.reports]
    answered = with_stand_ins(
        [live[ask.unit] for ask in asks if ask.unit in live],
        last_failures([unit for one in found for unit in one.failed], reports),
        [unit for report in reports for unit in report.healed],
    )
    units, too_large = fitting(answered.units)
    return answered._replace(units=tuple(units), gaps=with_lost(answered.gaps, too_large))


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
    now = workflow.now()
    if silent and deadline.may_collect_again(now):
        answers |= await ask_all(silent, plan.policies, deadline.or_late(now), heard)
    return answers
