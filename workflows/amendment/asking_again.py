"""Asks again for what failed: one activity a service, however many units."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities
from devsync.contracts.collection import UnitCollected
from devsync.contracts.edition import EditionPlan
from devsync.contracts.recovery import EditionSources, FailedUnit, StepRequest
from devsync.domain.errors import Failure
from devsync.domain.recovery.builtin import COLLECT
from devsync.runtime.policies import call
from workflows.shared.failures import failure_of

ROUND_TIME = timedelta(minutes=5)
"""One round at one service, all its attempts together."""

_BY_SERVICE = {contract.service: contract for contract in activities.COLLECTED_AGAIN}


class Again(NamedTuple):
    healed: tuple[UnitCollected, ...]
    """Live ones."""
    failures: dict[str, Failure]
    """By unit: why it is still missing."""


async def ask_again(plan: EditionPlan, missing: Sequence[FailedUnit]) -> Again:
    """One round over all services of what is missing."""
    services = dict.fromkeys(unit.service for unit in missing)
    rounds = await asyncio.gather(
        *(_ask(plan, service, [unit for unit in missing if unit.service == service]) for service in services)
    )
    return Again(
        healed=tuple(unit for one in rounds for unit in one.healed),
        failures={unit: failure for one in rounds for unit, failure in one.failures.items()},
    )


async def _ask(plan: EditionPlan, service: str, missing: Sequence[FailedUnit]) -> Again:
    contract = _BY_SERVICE.get(service)
    if contract is None:
        return Again((), {})
    request = StepRequest(
        step="amend",
        team=plan.team,
        iso_week=plan.iso_week,
        service=service,
        phase=COLLECT,
        window=plan.window,
        units=tuple(missing),
        sources=EditionSources(repositories=plan.repositories, projects=plan.projects),
        until=workflow.now() + ROUND_TIME,
    )
    try:
        result = await call(
            contract,
            request,
            plan.policies,
            summary=f"Ask {service} again for {len(missing)} missing",
            time_left=ROUND_TIME,
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return Again((), {unit.unit: failure_of(error) for unit in missing})
    return Again(result.healed, result.failures)
