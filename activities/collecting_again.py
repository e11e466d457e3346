"""Recovery's step "ask again", for asynchronous activities: the failed operation itself, for each unit that failed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from devsync.contracts.collection import UnitCollected
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.errors import Failure
from devsync.domain.model import Model
from devsync.runtime.classification import classify

M = TypeVar("M", bound=Model)


async def collected_again(
    request: StepRequest, kind: type[M], collect: Callable[[M], Awaitable[UnitCollected]]
) -> StepResult:
    """All units at once. What fails again keeps its failure; where nothing is healed the first failure is raised."""
    asks = {unit.unit: unit.ask for unit in request.units if isinstance(unit.ask, kind)}
    answers = await asyncio.gather(*(collect(ask) for ask in asks.values()), return_exceptions=True)
    healed: list[UnitCollected] = []
    failures: dict[str, Failure] = {}
    errors: list[BaseException] = []
    for unit, answer in zip(asks, answers, strict=True):
        if isinstance(answer, UnitCollected):
            healed.append(answer)
        else:
            errors.append(answer)
            failures[unit] = classify(answer, request.service, datetime.now(UTC))
    if errors and not healed:
        raise errors[0]
    return StepResult(healed=tuple(healed), failures=failures, message=f"{len(healed)} of {len(asks)} answered again")
