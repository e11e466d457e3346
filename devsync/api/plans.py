"""By which plan an error that a program hands over is recovered: what the program can do itself, then what the product
knows of the same source and window. Pure."""

from datetime import timedelta
from typing import Final

from devsync.api.steps import program_step
from devsync.contracts import activities as contracts
from devsync.domain.errors import ErrorCategory
from devsync.domain.recovery.builtin import COLLECT, PROGRAM
from devsync.domain.recovery.plan import ANY, Escalates, Handles, Need, PlanStep, RecoveryPlan, StepRetry, When

RETRY_TIME: Final = timedelta(minutes=1)
SOURCE_TIME: Final = timedelta(seconds=30)

_WORTH_REPEATING: Final = (
    ErrorCategory.NETWORK,
    ErrorCategory.EXTERNAL_SERVICE,
    ErrorCategory.SYSTEM,
    ErrorCategory.DATA_COLLECTION,
    ErrorCategory.DATA_PROCESSING,
    ErrorCategory.FORMATTING,
    ErrorCategory.DISTRIBUTION,
)
"""Blind repetition mends no token, no file and no database, and must not meet who asks for patience."""

_KNOWN_TO_US: Final = tuple(
    contract.name for contract in (contracts.USE_CACHED, contracts.COLLECT_FROM_MIRROR, contracts.READ_FEED)
)
"""Steps of configured plans that need no more than a repository or project and its window."""


CACHED_ALONE: Final = RecoveryPlan(
    name="cached",
    handles=(Handles(service=ANY, phase=COLLECT),),
    steps=(PlanStep(id="cached", activity=contracts.USE_CACHED.name, timeout=SOURCE_TIME),),
)
"""For a program on a machine without config/."""


def operation_name(service: str, operation: str) -> str:
    """Under which a program's own operation is registered, to be repeated."""
    return f"operation:{service}:{operation}"


def source_name(service: str) -> str:
    """Under which its source of fallback data is."""
    return f"source:{service}"


def plan_of_program(
    program: str,
    service: str,
    operation: str,
    *,
    has_operation: bool,
    has_source: bool,
    configured: RecoveryPlan | None,
) -> RecoveryPlan:
    """`configured` is what editions would follow for the source; None where it is none that the product collects.

    Nobody is waited for: the program goes on with what there is, and people are told where there is nothing.
    """
    steps = [_retry(program, operation_name(service, operation) if has_operation else "")]
    if has_source:
        steps.append(program_step(program, source_name(service), id="source", timeout=SOURCE_TIME))
    if configured is not None:
        again = [step for step in configured.steps if _is_ours(step)]
        steps += [step.model_copy(update={"depends_on": (), "when": When()}) for step in again]
    return RecoveryPlan(
        name=f"{PROGRAM}-{configured.name}" if configured else PROGRAM,
        handles=(Handles(service=service, phase=PROGRAM),),
        steps=tuple(steps),
        escalates=Escalates(ask=Need.NEVER, tell=Need.MISSING),
    )


def _retry(program: str, name: str) -> PlanStep:
    """Without a registered operation it is skipped, visibly."""
    step = program_step(program, name, id="retry", timeout=RETRY_TIME, retry=StepRetry(attempts=2))
    return step.model_copy(update={"when": When(category=_WORTH_REPEATING)} if name else {"arguments": {}})


def _is_ours(step: PlanStep) -> bool:
    """What the product can bring without the program; a repetition only on another road."""
    is_other_road = step.activity == contracts.COLLECT_REPOSITORIES_AGAIN.name and bool(step.arguments)
    return step.activity in _KNOWN_TO_US or is_other_road
