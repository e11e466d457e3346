"""A program's own workflow as a plan: what is frozen, how long it may take, and what makes no sense."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from devsync.api.executions import WorkflowExecution
from devsync.api.recovery_workflows import MOST_STEPS, RecoveryWorkflow, WorkflowStep, plan_of, time_for
from devsync.domain.errors import ErrorContext, RecoveryAction, RecoveryResult
from devsync.domain.recovery.builtin import ASK_PERSON, RESOLVES, retry_step
from devsync.domain.recovery.plan import Need, RecoveryPlan

MINUTE = timedelta(minutes=1)


async def action(_context: ErrorContext, _execution: WorkflowExecution) -> RecoveryResult:
    return RecoveryResult(success=True, action_taken=RecoveryAction.RETRY, message="")


class Own(RecoveryWorkflow):
    def __init__(self) -> None:
        super().__init__("own", "Own workflow")

    def can_handle(self, error_context: ErrorContext) -> bool:
        return True

    async def build_steps(self, error_context: ErrorContext) -> Sequence[WorkflowStep]:
        return []


def step(step_id: str = "again", **changes: Any) -> WorkflowStep:
    return WorkflowStep(step_id=step_id, name=step_id, action=action, **changes)


def test_each_step_is_asked_of_the_program_by_name() -> None:
    steps = [step("look", resolves=False), step("again", attempts=3, timeout=MINUTE, dependencies=["look"])]
    plan = plan_of("nightly", Own(), "billing", steps)
    look, again = plan.steps
    assert {step.task_queue for step in plan.steps} == {"program.nightly"}
    assert {step.arguments["program_step"] for step in plan.steps} == {"workflow:own"}
    assert (again.depends_on, again.timeout, again.retry.attempts) == (("look",), MINUTE, 3)
    assert again.heartbeat is not None, "else its process could die unseen"
    assert (look.arguments[RESOLVES], RESOLVES in again.arguments) == (False, False)


def test_to_retry_is_to_run_the_first_step_that_resolves() -> None:
    plan = plan_of("nightly", Own(), "billing", [step("look", resolves=False), step("again"), step("copy")])
    assert retry_step(plan, "billing", "program").id == "again"


@pytest.mark.parametrize(
    ("tells", "asks", "told", "asked"),
    [
        (True, False, Need.MISSING, Need.NEVER),
        (False, False, Need.NEVER, Need.NEVER),
        (True, True, Need.MISSING, Need.MISSING),
        (False, True, Need.MISSING, Need.MISSING),
    ],
)
def test_people_are_told_and_asked_as_the_workflow_says(tells: bool, asks: bool, told: Need, asked: Need) -> None:
    own = Own()
    own.tell_people, own.ask_people = tells, asks
    escalates = plan_of("nightly", own, "billing", [step()]).escalates
    assert (escalates.tell, escalates.ask) == (told, asked)


def test_every_step_can_have_its_whole_time() -> None:
    own, steps = Own(), [step("first", timeout=MINUTE), step("second", timeout=3 * MINUTE)]
    assert time_for(own, steps) == 10 * MINUTE
    own.ask_people = True
    assert time_for(own, steps) == 130 * MINUTE
    own.time_limit = MINUTE
    assert time_for(own, steps) == MINUTE


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([], "0 steps; build_steps must give 1 to 50"),
        ([step(f"s{number}") for number in range(MOST_STEPS + 1)], "51 steps"),
        ([step("again"), step("again")], 'a step "again" is there already'),
        ([step("again", dependencies=["look"])], '"again" depends on look, which is no step before it'),
        ([step("again", dependencies=["copy"]), step("copy")], '"again" depends on copy'),
    ],
)
def test_steps_that_make_no_sense_are_refused(steps: list[WorkflowStep], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        plan_of("nightly", Own(), "billing", steps)


def test_what_is_no_step_is_refused() -> None:
    with pytest.raises(TypeError, match="build_steps gave a function; give WorkflowSteps"):
        plan_of("nightly", Own(), "billing", [action])  # type: ignore[list-item]


def test_what_the_program_has_not_registered_is_not_repeated() -> None:
    (unregistered,) = plan_of("nightly", Own(), "billing", [step()]).steps
    plan = RecoveryPlan(name="own", handles=(), steps=(unregistered.model_copy(update={"arguments": {}}),))
    assert retry_step(plan, "billing", "program").activity == ASK_PERSON
