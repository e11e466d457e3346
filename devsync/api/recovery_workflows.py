"""What a program derives from to recover its own errors in its own way: the workflow, and the steps it is made of."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from devsync.api.checks import expect, expect_callable, name_of
from devsync.api.executions import WorkflowExecution
from devsync.api.steps import program_step
from devsync.domain.errors import ErrorContext, RecoveryResult
from devsync.domain.recovery.builtin import PROGRAM, RESOLVES
from devsync.domain.recovery.plan import Escalates, Handles, Need, RecoveryPlan, StepRetry

Action = Callable[[ErrorContext, WorkflowExecution], Awaitable[RecoveryResult] | RecoveryResult]

MOST_STEPS: Final = 50
"""Each adds some ten events to the history, and its own message to those of the steps below it."""


@dataclass(frozen=True, kw_only=True)
class WorkflowStep:
    """One step. Its action gives a `RecoveryResult`: with `success` the error is recovered, and no later step runs; an
    action that raises, or gives none, has failed, and the next one runs."""

    step_id: str
    """Its name within the workflow: what a process that has been restarted finds it by."""
    name: str
    description: str = ""
    action: Action
    timeout: timedelta = timedelta(minutes=2)
    """Of the whole step, its repetitions included."""
    attempts: int = 1
    """How often at most it is tried, with growing waits: 1 s, 2 s, 4 s, …"""
    dependencies: Sequence[str] = ()
    """Earlier steps that must have done their work; else this one is skipped."""
    resolves: bool = True
    """False: it only finds something out, and the steps after it run whatever it gives."""

    def __post_init__(self) -> None:
        """Raises TypeError and ValueError for what is no step."""
        name_of("step_id", self.step_id)
        expect_callable(f'the action of "{self.step_id}"', self.action)
        expect(f'the timeout of "{self.step_id}"', self.timeout, timedelta)
        expect(f'attempts of "{self.step_id}"', self.attempts, int)
        if isinstance(self.dependencies, str):
            raise TypeError(f'dependencies of "{self.step_id}" is a text; write ["{self.dependencies}"]')
        if self.timeout <= timedelta() or self.attempts < 1:
            raise ValueError(f'"{self.step_id}" needs a timeout, and attempts of 1 at least')


class RecoveryWorkflow(ABC):
    """How a program recovers its own errors. Register it with a `ChangelogRecoveryWorkflowManager`."""

    tell_people: bool = True
    """Whether people are told where no step has recovered the error."""
    ask_people: bool = False
    """Whether their decision is waited for then, as long as `time_limit` allows."""
    time_limit: timedelta | None = None
    """For all steps and the wait for people; None: twice the time-outs of the steps, and two hours to ask people."""

    def __init__(self, workflow_id: str, name: str, description: str = "") -> None:
        """Raises TypeError and ValueError for an id that is none."""
        self.workflow_id = name_of("workflow_id", workflow_id)
        """Stable: what a process that has been restarted finds it by, and statistics count it by."""
        self.name = name
        self.description = description

    @abstractmethod
    def can_handle(self, error_context: ErrorContext) -> bool:
        """Whether this one recovers that error. The first one registered that says so does."""

    @abstractmethod
    async def build_steps(self, error_context: ErrorContext) -> Sequence[WorkflowStep]:
        """The steps, from the best to the last resort. Called again where another process of the program goes on."""


def plan_of(program: str, workflow: RecoveryWorkflow, service: str, steps: Sequence[WorkflowStep]) -> RecoveryPlan:
    """The workflow as the product follows it: frozen, each step by its name. Raises ValueError for steps that make no
    sense."""
    _refuse_nonsense(steps)
    silent, missing = Need.NEVER, Need.MISSING
    return RecoveryPlan(
        name=workflow.workflow_id,
        handles=(Handles(service=service, phase=PROGRAM),),
        steps=tuple(
            program_step(
                program,
                step_name(workflow.workflow_id),
                id=step.step_id,
                timeout=step.timeout,
                retry=StepRetry(attempts=step.attempts),
                **_told(step),
            ).model_copy(update={"depends_on": tuple(step.dependencies)})
            for step in steps
        ),
        escalates=Escalates(
            ask=missing if workflow.ask_people else silent,
            tell=missing if workflow.tell_people or workflow.ask_people else silent,
        ),
    )


def step_name(workflow_id: str) -> str:
    """Under which the steps of a workflow are registered."""
    return f"workflow:{workflow_id}"


def time_for(workflow: RecoveryWorkflow, steps: Sequence[WorkflowStep]) -> timedelta:
    """A step has at most half of what is left, so that those below it have their turn."""
    if workflow.time_limit is not None:
        return workflow.time_limit
    whole = 2 * sum((step.timeout for step in steps), timedelta(minutes=1))
    return whole + timedelta(hours=2) if workflow.ask_people else whole


def _told(step: WorkflowStep) -> Mapping[str, Any]:
    """What people see of it in the Web UI."""
    words = {"title": step.name, "description": step.description}
    return words if step.resolves else {**words, RESOLVES: False}


def _refuse_nonsense(steps: Sequence[WorkflowStep]) -> None:
    if not steps or len(steps) > MOST_STEPS:
        raise ValueError(f"{len(steps)} steps; build_steps must give 1 to {MOST_STEPS}")
    earlier: set[str] = set()
    for step in steps:
        if not isinstance(step, WorkflowStep):
            raise TypeError(f"build_steps gave a {type(step).__name__}; give WorkflowSteps")
        if step.step_id in earlier:
            raise ValueError(f'a step "{step.step_id}" is there already; give it another step_id')
        if unknown := set(step.dependencies) - earlier:
            raise ValueError(f'"{step.step_id}" depends on {", ".join(sorted(unknown))}, which is no step before it')
        earlier.add(step.step_id)
