"""Which plan heals what failed: the most specific one that fits."""

from collections.abc import Iterable, Sequence

from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.recovery.builtin import ASK_PERSON
from devsync.domain.recovery.plan import ANY, Handles, RecoveryPlan

_Rank = tuple[bool, bool, bool]


def plan_for(
    plans: Sequence[RecoveryPlan], service: str, phase: str, failures: Iterable[Failure]
) -> RecoveryPlan | None:
    """The plan for all these failures of one service and phase; None where none fits.

    A plan for categories fits when it has those of all the failures, and goes before one for all categories; then one
    for the service before one for any, one for the phase before one for any, and the first in the file.
    """
    categories = {failure.category for failure in failures}
    fitting = [
        (_rank(handles), plan)
        for plan in plans
        for handles in plan.handles
        if _fits(handles, service, phase, categories)
    ]
    return max(fitting, key=lambda ranked: ranked[0])[1] if fitting else None


def only_asking(plan: RecoveryPlan) -> RecoveryPlan:
    """For what may have taken effect: none of the plan's steps that bring it about, there or elsewhere."""
    return plan.model_copy(update={"steps": tuple(step for step in plan.steps if step.activity == ASK_PERSON)})


def _fits(handles: Handles, service: str, phase: str, categories: set[ErrorCategory]) -> bool:
    return (
        handles.service in {service, ANY}
        and handles.phase in {phase, ANY}
        and (not handles.categories or categories <= set(handles.categories))
    )


def _rank(handles: Handles) -> _Rank:
    return bool(handles.categories), handles.service != ANY, handles.phase != ANY
