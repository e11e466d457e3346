"""The step that waits for a circuit breaker: one timer, then the operation again for the units it refused."""

from datetime import timedelta

from temporalio.testing import WorkflowEnvironment

from devsync.contracts import names
from devsync.contracts.breaker import ServiceReleased
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.recovery.plan import StepState
from tests.workflows.recovery_stage import (
    API,
    MINUTE,
    WEB,
    Ground,
    failed,
    heals,
    plan_of,
    refused,
    request,
    stage,
    step,
)

WAIT = step("breaker", "workflow.wait_for_breaker", timeout=15 * MINUTE)
QUIET = {"ask": "never", "tell": "never"}


async def test_units_that_a_breaker_refused_wait_once_and_are_tried_again(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground({"retry": [heals()], "cached": [heals()]})
    async with stage(skipping_time, ground) as on:
        now = await on.now()
        units = (failed(API, refused(now + 4 * MINUTE)), failed(WEB, refused(now + 5 * MINUTE)))
        report = await on.recover(request(now, *units, plan=plan_of(WAIT, step("cached"), **QUIET)))
    (record,) = report.steps
    assert (record.state, record.attempts, record.healed) == (StepState.RESOLVED, 1, (API, WEB))
    assert 4.9 * MINUTE < record.duration < 5.2 * MINUTE
    assert [unit.unit for unit in ground.given["retry"][0].units] == [API, WEB]


async def test_units_that_failed_otherwise_are_left_alone(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground({"retry": [heals()], "cached": [heals()]})
    async with stage(skipping_time, ground) as on:
        now = await on.now()
        units = (failed(API, refused(now + MINUTE)), failed(WEB))
        report = await on.recover(request(now, *units, plan=plan_of(WAIT, step("cached"), **QUIET)))
    assert [unit.unit for unit in ground.given["retry"][0].units] == [API]
    assert [(record.state, record.healed) for record in report.steps] == [
        (StepState.SUCCEEDED, (API,)),
        (StepState.RESOLVED, (WEB,)),
    ]


async def test_it_waits_again_while_the_breaker_refuses_and_time_is_left(skipping_time: WorkflowEnvironment) -> None:
    def refuses_again(message: StepRequest) -> StepResult:
        later = refused(message.until + 3 * MINUTE)
        return StepResult(failures={unit.unit: later for unit in message.units})

    ground = Ground({"retry": [refuses_again, heals()]})
    async with stage(skipping_time, ground) as on:
        now = await on.now()
        report = await on.recover(request(now, failed(API, refused(now + MINUTE)), plan=plan_of(WAIT, **QUIET)))
    assert (report.steps[0].state, report.steps[0].attempts) == (StepState.RESOLVED, 2)


async def test_a_breaker_that_stays_open_longer_than_the_step_is_not_waited_for(
    skipping_time: WorkflowEnvironment,
) -> None:
    ground = Ground({"cached": [heals()]})
    async with stage(skipping_time, ground) as on:
        now = await on.now()
        units = (failed(API, refused(now + timedelta(hours=1))),)
        report = await on.recover(request(now, *units, plan=plan_of(WAIT, step("cached"), **QUIET)))
    waited, cached = report.steps
    assert (waited.state, waited.attempts, cached.state) == (StepState.SKIPPED, 0, StepState.RESOLVED)
    assert waited.message.startswith("no call can go out by ")
    assert waited.message.endswith("github's circuit breaker is open")
    assert waited.duration == timedelta(0)


async def test_a_breaker_that_refuses_again_for_longer_than_the_step_is_not_waited_for_either(
    skipping_time: WorkflowEnvironment,
) -> None:
    def refuses_for_hours(message: StepRequest) -> StepResult:
        later = refused(message.until + timedelta(hours=3))
        return StepResult(failures={unit.unit: later for unit in message.units})

    ground = Ground({"retry": [refuses_for_hours], "cached": [heals()]})
    async with stage(skipping_time, ground) as on:
        now = await on.now()
        units = (failed(API, refused(now + 2 * MINUTE)),)
        report = await on.recover(request(now, *units, plan=plan_of(WAIT, step("cached"), **QUIET)))
    waited, cached = report.steps
    assert (waited.state, waited.attempts, cached.state) == (StepState.TIMED_OUT, 1, StepState.RESOLVED)
    assert waited.duration < 3 * MINUTE


async def test_a_breaker_that_an_operator_holds_open_is_not_waited_for(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground({"retry": [heals()], "cached": [heals()]})
    async with stage(skipping_time, ground) as on:
        now = await on.now()
        held = refused(now + MINUTE).model_copy(update={"is_open_ended": True, "message": "an operator holds it"})
        units = (failed(API, held), failed(WEB, refused(now + MINUTE)))
        report = await on.recover(request(now, *units, plan=plan_of(WAIT, step("cached"), **QUIET)))
    waited, cached = report.steps
    assert (waited.state, waited.message, waited.duration) == (
        StepState.SKIPPED, "an operator holds it", timedelta(0)
    )  # fmt: skip
    assert cached.state is StepState.RESOLVED


async def test_an_operator_who_lets_calls_through_ends_the_wait(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground({"retry": [heals()]})
    async with stage(skipping_time, ground) as on:
        with skipping_time.auto_time_skipping_disabled():
            now = await on.now()
            handle = await on.start(request(now, failed(API, refused(now + 14 * MINUTE)), plan=plan_of(WAIT, **QUIET)))
            await handle.signal("service_released", ServiceReleased(service=names.JIRA))
            await handle.signal("service_released", ServiceReleased(service=names.GITHUB))
            report = await handle.result()
    assert (report.steps[0].state, report.steps[0].duration < MINUTE) == (StepState.RESOLVED, True)
