"""What a program does itself in recoveries: its steps by name, run by the activity worker in its own process."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

from devsync.contracts.activities import PROGRAM_STEP
from devsync.contracts.names import program_queue
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.recovery.plan import PlanStep, StepRetry

Step = Callable[[StepRequest], Awaitable[StepResult]]

LOST_AFTER: Final = timedelta(seconds=10)
"""The worker in the program gives a sign of life every other second, whatever its steps do: without one the process is
gone."""

NAME: Final = "program_step"
"""The argument of a plan's step that says which of the program's steps it is."""


class ProgramSteps:
    """A registry of async callables. Used from many threads: each operation is one of a dict."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}

    def add(self, name: str, step: Step) -> None:
        """One of the same name is replaced."""
        self._steps[name] = step

    def get(self, name: str) -> Step | None:
        return self._steps.get(name)

    def __contains__(self, name: str) -> bool:
        return name in self._steps

    async def run(self, request: StepRequest) -> StepResult:
        """The step that the request is for. Raises LookupError for one that this process does not have."""
        name = str(request.arguments.get(NAME, ""))
        step = self._steps.get(name)
        if step is None:
            raise LookupError(f"this process has no step {name!r}; another one of the same program has asked for it")
        return await step(request)


def program_step(
    program: str,
    name: str,
    *,
    id: str,  # noqa: A002 (the plan's word)
    timeout: timedelta,
    retry: StepRetry | None = None,
    **arguments: Any,
) -> PlanStep:
    """The step of a plan that the program of that name does, as it is registered there."""
    return PlanStep(
        id=id,
        activity=PROGRAM_STEP.name,
        timeout=timeout,
        heartbeat=LOST_AFTER,
        retry=retry or StepRetry(),
        arguments={NAME: name, **arguments},
        task_queue=program_queue(program),
    )
