"""The steps that the interpreter of plans does itself, and the operation that a retry repeats."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from types import MappingProxyType

from devsync.domain.recovery.plan import PlanStep, RecoveryPlan, StepState

COLLECT, METRICS, RENDER, DELIVER = "collect", "metrics", "render", "deliver"
"""What an edition is made of; what surrounds it (calendar, boards, deployments); its renderings; its channels."""
PHASES = (COLLECT, METRICS, RENDER, DELIVER)
PROGRAM = "program"
"""What another program does for itself, by a plan of its own."""

PREFIX = "workflow."
WAIT_FOR_BREAKER = "workflow.wait_for_breaker"
"""Waits until a circuit breaker lets calls through again, and repeats the operation for the units it refused."""
RETRY_DELIVERY = "workflow.retry_delivery"
"""Has the channel's Delivery try at once."""
DELIVER_ALTERNATIVE = "workflow.deliver_alternative"
"""Brings the edition to another channel of the same kind."""
DELIVER_EMAIL = "workflow.deliver_email"
"""Brings it to the team's mail channels that are only fallbacks."""
QUEUE_DELIVERY = "workflow.queue_delivery"
"""Leaves it to the channel's Delivery, which tries again later."""
ASK_PERSON = "workflow.ask_person"
"""Asks people, with what they need to do it by hand."""

BUILTIN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        WAIT_FOR_BREAKER: (COLLECT,),
        RETRY_DELIVERY: (DELIVER,),
        DELIVER_ALTERNATIVE: (DELIVER,),
        DELIVER_EMAIL: (DELIVER,),
        QUEUE_DELIVERY: (DELIVER,),
        ASK_PERSON: PHASES,
    }
)
"""By name: the phases that a plan with such a step may handle."""

RESOLVES = "resolves"
"""Argument of a program's step: false for one that only finds something out."""
_HEALS_NOTHING = frozenset({"status.read_page", QUEUE_DELIVERY, ASK_PERSON})
"""Steps whose work is another."""

RETRY_TIME = timedelta(minutes=2)
RENDER_AGAIN = "local.render_again"


def told_state(activity: str, state: StepState, healed: Collection[str]) -> str:
    """How a step ended, for people: one that did its work and healed nothing has not succeeded in their eyes."""
    if state is StepState.SUCCEEDED and not healed:
        return "done" if activity in _HEALS_NOTHING else "found nothing"
    return state.value.replace("_", " ")


def operation_again(service: str, phase: str) -> str:
    """The name of the step that repeats what failed; a rendering is made anew in the style that cannot fail."""
    again = f"{service}.collect_again"
    return {COLLECT: again, METRICS: again, RENDER: RENDER_AGAIN}.get(phase, RETRY_DELIVERY)


def retry_step(plan: RecoveryPlan, service: str, phase: str) -> PlanStep:
    """The step by which a decision, or the end of a wait, repeats what failed: the plan's own where it has one.

    What a program's plan begins with is the best that it has, and only the program knows what it does: a decision to
    retry runs that again. Where there is no such step, it asks people again.
    """
    if phase == PROGRAM:
        # One without arguments stands for an operation that the program has not registered.
        resolving = (step for step in plan.steps if step.arguments.get(RESOLVES, bool(step.arguments)))
        return next(resolving, PlanStep(id="retry", activity=ASK_PERSON, timeout=RETRY_TIME))
    activity = operation_again(service, phase)
    own = (step for step in plan.steps if step.activity == activity and not step.arguments)
    return next(own, PlanStep(id="retry", activity=activity, timeout=RETRY_TIME))
