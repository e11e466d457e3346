"""Another program as a recovery meets it: its plan, and the activity that runs its steps."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from devsync.contracts import names
from devsync.contracts.activities import PROGRAM_STEP
from devsync.contracts.recovery import FailedUnit, ProgramError, RecoveryRequest, StepRequest, StepResult
from devsync.domain.errors import RecoveryAction, RecoveryResult
from devsync.domain.recovery.builtin import PROGRAM, RESOLVES
from devsync.domain.recovery.plan import PlanStep, RecoveryPlan
from devsync.runtime import policies
from tests.workflows.recovery_stage import AWAY, MINUTE

NAME, UNIT = "nightly-report", "billing:fetch_invoices"
DONE = RecoveryResult(success=True, action_taken=RecoveryAction.RETRY, message="fetched")
STANDS_IN = RecoveryResult(
    success=True, action_taken=RecoveryAction.FALLBACK, message="yesterday's copy", fallback_data={"invoices": [7]}
)


def own(step_id: str, program: str = NAME, *, resolves: bool = True, **changes: Any) -> PlanStep:
    """A step of the program of that name."""
    values = {
        "id": step_id,
        "activity": PROGRAM_STEP.name,
        "timeout": MINUTE,
        "task_queue": names.program_queue(program),
        "arguments": {"program_step": "workflow:own", RESOLVES: resolves},
    }
    return PlanStep.model_validate(values | changes)


def asked(now: datetime, plan: RecoveryPlan, **changes: Any) -> RecoveryRequest:
    """A recovery of what this program could not fetch."""
    error = ProgramError(operation="fetch_invoices", error_type="ConnectionError")
    return RecoveryRequest.model_validate(
        {
            "team": "",
            "iso_week": "",
            "service": "billing",
            "phase": PROGRAM,
            "plan": plan,
            "units": (FailedUnit(unit=UNIT, service="billing", failure=AWAY, error=error),),
            "deadline": now + 60 * MINUTE,
            "policies": policies.PROGRAM,
            "program": NAME,
        }
        | changes
    )


class Program:
    """Answers each step by its id; other steps fail."""

    def __init__(self, answers: Mapping[str, RecoveryResult]) -> None:
        self._answers = answers
        self.given: list[StepRequest] = []

    @activity.defn(name=PROGRAM_STEP.name)
    async def run_step(self, message: StepRequest) -> StepResult:
        self.given.append(message)
        if message.step not in self._answers:
            raise ApplicationError("nothing can be done", non_retryable=True)
        resolves = message.arguments.get(RESOLVES, True)
        healed = tuple(unit.unit for unit in message.units) if resolves else ()
        answer = self._answers[message.step]
        return StepResult(healed_without_data=healed, answer=answer, message=answer.message)
