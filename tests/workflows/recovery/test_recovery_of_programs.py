"""A plan of another program: its steps on the program's own queue, what they tell, and how its answer comes back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devsync.contracts import names
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import PlanStep, StepState
from devsync.runtime import policies
from tests.workflows.program_stage import DONE, NAME, STANDS_IN, UNIT, Program, asked, own
from tests.workflows.recovery_stage import AWAY, Ground, Stage, plan_of, stage

QUIET = {"ask": "never", "tell": "never"}


@asynccontextmanager
async def served(
    environment: WorkflowEnvironment, program: Program, ground: Ground | None = None
) -> AsyncIterator[Stage]:
    queue = names.program_queue(NAME)
    async with (
        Worker(environment.client, task_queue=queue, activities=[program.run_step]),
        stage(environment, ground or Ground(), [names.LOCAL]) as on,
    ):
        yield on


async def recovered(
    environment: WorkflowEnvironment, program: Program, *steps: PlanStep, ground: Ground | None = None
) -> RecoveryReport:
    async with served(environment, program, ground) as on:
        return await on.recover(asked(await on.now(), plan_of(*steps, **QUIET)))


async def test_what_does_the_work_again_heals(skipping_time: WorkflowEnvironment) -> None:
    program, ground = Program({"again": DONE}), Ground()
    report = await recovered(skipping_time, program, own("again"), own("never"), ground=ground)
    assert [(step.id, step.state, step.healed) for step in report.steps] == [("again", StepState.RESOLVED, (UNIT,))]
    assert (report.outcome, report.answers) == (RecoveryOutcome.HEALED, {"again": DONE})
    (record,) = ground.records
    assert (record.team, record.iso_week, record.report.outcome) == ("", "", RecoveryOutcome.HEALED)


async def test_what_stands_in_is_no_live_answer(skipping_time: WorkflowEnvironment) -> None:
    report = await recovered(skipping_time, Program({"copy": STANDS_IN}), own("again"), own("copy"))
    assert [step.state for step in report.steps] == [StepState.FAILED, StepState.RESOLVED]
    assert (report.outcome, report.answers) == (RecoveryOutcome.STAND_IN, {"copy": STANDS_IN})


async def test_a_later_step_hears_what_an_earlier_one_told_without_its_data(skipping_time: WorkflowEnvironment) -> None:
    program = Program({"look": STANDS_IN, "again": DONE})
    report = await recovered(skipping_time, program, own("look", resolves=False), own("again"))
    look, again = program.given
    assert (look.answers, list(again.answers)) == ({}, ["look"])
    assert (again.answers["look"].message, again.answers["look"].fallback_data) == (STANDS_IN.message, None)
    assert [step.state for step in report.steps] == [StepState.SUCCEEDED, StepState.RESOLVED]
    assert report.answers["look"].fallback_data is None, "only what stands is brought home"


async def test_its_answer_is_there_before_it_is_on_record(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground(record_fails=AWAY)
    async with served(skipping_time, Program({"again": DONE}), ground) as on:
        handle = await on.start(asked(await on.now(), plan_of(own("again"), **QUIET)))
        report: RecoveryReport = await handle.execute_update("conclusion", result_type=RecoveryReport)
        assert (report.outcome, report.is_recorded) == (RecoveryOutcome.HEALED, False)
        ground.record_fails = None
        assert (await handle.result()).is_recorded


async def test_a_program_that_is_gone_is_a_failed_step(
    skipping_time: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "SERVED_WITHIN", timedelta(seconds=2))
    async with stage(skipping_time, Ground(), [names.LOCAL]) as on:
        report = await on.recover(asked(await on.now(), plan_of(own("again"), **QUIET)))
    assert (report.outcome, report.steps[0].state) == (RecoveryOutcome.FAILED, StepState.FAILED)
    assert "no worker took the work in time" in report.steps[0].message


async def test_people_are_told_of_its_failure_in_one_page_of_that_program(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground(escalation_id="escalation:program:nightly-report:billing", level="engineering_manager")
    async with served(skipping_time, Program({}), ground) as on:
        report = await on.recover(asked(await on.now(), plan_of(own("again"), ask="never", tell="missing")))
    (joined,) = ground.joins
    assert joined.escalation_id == "escalation:program:nightly-report:billing"
    assert joined.subscriber.subject == "nightly-report: billing:fetch_invoices"
    assert (joined.service, joined.subscriber.is_waiting) == ("", False)
    assert (report.escalations, report.escalation_level) == ((joined.escalation_id,), "engineering_manager")


async def test_people_are_told_where_a_step_says_so_although_something_stands_in(
    skipping_time: WorkflowEnvironment,
) -> None:
    ground = Ground(escalation_id="escalation:own", level="team_lead")
    answer = DONE.model_copy(update={"escalation_required": True})
    report = await recovered(skipping_time, Program({"again": answer}), own("again"), ground=ground)
    assert len(ground.joins) == 1
    assert (report.outcome, report.escalation_level) == (RecoveryOutcome.STAND_IN, "team_lead")


async def test_a_person_who_decides_to_retry_has_the_best_step_run_again(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground()
    async with served(skipping_time, program := Program({"look": DONE}), ground) as on:
        await on.with_escalation()
        plan = plan_of(own("look", resolves=False), own("again"), own("copy"), ask="missing")
        with skipping_time.auto_time_skipping_disabled():
            handle = await on.start(asked(await on.now(), plan))
            await ground.was_joined.wait()
            program._answers = {"again": DONE}
            await handle.signal("resolve", {"by": "anna", "decision": "retry"})
            report = await handle.result()
    assert [step.id for step in report.steps] == ["look", "again", "copy", "again"]
    assert (report.outcome, report.decision) == (RecoveryOutcome.HEALED, Decision.RETRY)


async def test_who_goes_on_without_has_no_data_that_stand_in(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground()
    async with served(skipping_time, Program({"copy": STANDS_IN}), ground) as on:
        await on.with_escalation()
        with skipping_time.auto_time_skipping_disabled():
            handle = await on.start(asked(await on.now(), plan_of(own("copy"), ask="stand_in")))
            await ground.was_joined.wait()
            await handle.signal("resolve", {"by": "anna", "decision": "skip"})
            report = await handle.result()
    assert (report.outcome, report.answers["copy"].fallback_data) == (RecoveryOutcome.FAILED, None)
