"""How a plan is followed: which steps run, what each is given, and how it ends."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.recovery import EditionSources, FailedUnit, RecoveryReport, StepResult
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from devsync.runtime import policies
from tests.workflows.recovery_stage import (
    API,
    AWAY,
    MINUTE,
    SERVED,
    WEB,
    Ground,
    collected,
    failed,
    heals,
    plan_of,
    request,
    shipped,
    stage,
    step,
)

NO_STATUS = StepResult(facts={"indicator": "none"}, message="all systems operational")
QUIET = {"ask": "never", "tell": "never"}


def states(report: RecoveryReport) -> list[tuple[str, StepState]]:
    return [(record.id, record.state) for record in report.steps]


async def recovered(
    environment: WorkflowEnvironment, ground: Ground, *args: object, **changes: object
) -> RecoveryReport:
    async with stage(environment, ground) as on:
        return await on.recover(request(await on.now(), *args, **changes))  # type: ignore[arg-type]


async def test_a_retry_that_succeeds_runs_no_fallback(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground({"status": [NO_STATUS], "retry": [heals()], "cached": [heals(ProvenanceKind.CACHED)]})
    report = await recovered(skipping_time, ground)
    assert states(report) == [("status", StepState.SUCCEEDED), ("retry", StepState.RESOLVED)]
    assert report.outcome is RecoveryOutcome.HEALED
    assert [unit.unit for unit in report.healed] == [API, WEB]
    assert (report.missing, report.decision, report.escalations, ground.joins) == ((), None, (), [])


async def test_a_retry_that_fails_reaches_the_next_step(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground({"cached": [heals(ProvenanceKind.CACHED)]})
    report = await recovered(skipping_time, ground)
    assert states(report) == [
        ("status", StepState.FAILED),
        ("retry", StepState.FAILED),
        ("breaker", StepState.SKIPPED),
        ("cached", StepState.RESOLVED),
    ]
    assert report.steps[1].message == "github answered 503"
    assert report.steps[2].message == "no circuit breaker refused what is left"
    assert report.outcome is RecoveryOutcome.STAND_IN


@pytest.mark.parametrize("healer", ["retry", "cached", "partial", "rest", "mirror", "feed"])
async def test_each_step_alone_saves_everything(skipping_time: WorkflowEnvironment, healer: str) -> None:
    ground = Ground({healer: [heals(ProvenanceKind.MIRROR)]})
    report = await recovered(skipping_time, ground)
    assert states(report)[-1] == (healer, StepState.RESOLVED)
    assert report.outcome is RecoveryOutcome.STAND_IN
    assert not report.missing


async def test_only_what_is_left_goes_to_the_next_step(skipping_time: WorkflowEnvironment) -> None:
    third = "github:acme/third"
    units = (failed(API), failed(WEB), failed(third))
    ground = Ground(
        {
            "retry": [heals(only=[API])],
            "cached": [heals(ProvenanceKind.CACHED, only=[WEB])],
            "partial": [heals(ProvenanceKind.PARTIAL)],
        }
    )
    report = await recovered(skipping_time, ground, *units)
    given = [[unit.unit for unit in ground.given[step][0].units] for step in ("retry", "cached", "partial")]
    assert given == [[API, WEB, third], [WEB, third], [third]]
    assert [record.healed for record in report.steps if record.healed] == [(API,), (WEB,), (third,)]
    assert report.outcome is RecoveryOutcome.STAND_IN


async def test_a_step_with_retries_is_repeated_and_says_how_often(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground({"retry": [AWAY, AWAY]})
    report = await recovered(skipping_time, ground, plan=plan_of(step("retry", retry={"attempts": 3}), **QUIET))
    assert (report.steps[0].state, report.steps[0].attempts) == (StepState.FAILED, 3)
    assert len(ground.given["retry"]) == 3


async def test_a_step_is_given_the_arguments_of_the_file_and_what_others_found_out(
    skipping_time: WorkflowEnvironment,
) -> None:
    ground = Ground({"status": [StepResult(facts={"indicator": "major"})]})
    await recovered(skipping_time, ground, plan=plan_of(
        step("status", "status.read_page"), step("rest", "github.collect_again", arguments={"api": "rest"}), **QUIET
    ))  # fmt: skip
    (given,) = ground.given["rest"]
    assert (given.arguments, given.facts) == ({"api": "rest"}, {"indicator": "major"})


async def test_what_depends_on_a_failed_step_is_skipped_visibly_and_hides_nothing(
    skipping_time: WorkflowEnvironment,
) -> None:
    plan = plan_of(
        step("first"),
        step("second", depends_on=("first",)),
        step("third", when={"outcome": {"first": ["succeeded"]}}),
        step("fourth", when={"outcome": {"first": ["failed"]}}),
        **QUIET,
    )
    report = await recovered(skipping_time, Ground({"fourth": [heals()]}), plan=plan)
    assert [(record.state, record.message) for record in report.steps] == [
        (StepState.FAILED, "github answered 503"),
        (StepState.SKIPPED, "it depends on first, which failed"),
        (StepState.SKIPPED, "it runs when first succeeded; it failed"),
        (StepState.RESOLVED, "live data"),
    ]


async def test_a_queue_that_nobody_serves_is_a_failed_step(
    skipping_time: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timedelta(seconds=30) == policies.SERVED_WITHIN
    monkeypatch.setattr(policies, "SERVED_WITHIN", timedelta(seconds=2))  # the server skips no time meanwhile
    ground = Ground({"cached": [heals(ProvenanceKind.CACHED)]})
    async with stage(skipping_time, ground, [service for service in SERVED if service != names.GIT_MIRROR]) as on:
        plan = plan_of(step("mirror", "git_mirror.collect", timeout=2 * MINUTE), step("cached"), **QUIET)
        report = await on.recover(request(await on.now(), plan=plan))
    mirror, cached = report.steps
    assert (mirror.state, mirror.attempts, cached.state) == (StepState.FAILED, 0, StepState.RESOLVED)
    assert "no worker took the work in time" in mirror.message
    assert 2 <= mirror.duration.total_seconds() < 10


async def test_a_step_that_takes_too_long_is_given_up(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground({"cached": [heals()]}, holds={"slow": asyncio.Event()})
    plan = plan_of(step("slow", timeout="PT3S"), step("cached"), **QUIET)
    report = await recovered(skipping_time, ground, plan=plan)
    ground.holds["slow"].set()
    assert states(report) == [("slow", StepState.TIMED_OUT), ("cached", StepState.RESOLVED)]


async def test_no_step_begins_after_the_deadline(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground({"cached": [heals()]})
    report = await recovered(skipping_time, ground, within=0 * MINUTE, plan=plan_of(step("cached"), **QUIET))
    assert report.steps[0].message == "no time is left until the deadline"
    assert report.outcome is RecoveryOutcome.FAILED
    assert [unit.unit for unit in report.missing] == [API, WEB]


async def test_a_step_adds_few_events_however_many_units_failed(skipping_time: WorkflowEnvironment) -> None:
    async def events(steps: int, units: int) -> int:
        plan = plan_of(*(step(f"s{number}") for number in range(steps)), **QUIET)
        async with stage(skipping_time, Ground()) as on:
            many = [failed(f"github:acme/r{number}") for number in range(units)]
            handle = await on.start(request(await on.now(), *many, plan=plan))
            await handle.result()
            return len((await handle.fetch_history()).events)

    one, four, many = await events(1, 1), await events(4, 1), await events(4, 60)
    assert (four - one) / 3 <= 15
    assert many == four


async def test_it_is_recorded_once_with_its_steps(skipping_time: WorkflowEnvironment) -> None:
    ground = Ground({"retry": [heals()]})
    report = await recovered(skipping_time, ground)
    (record,) = ground.records
    assert report.is_recorded
    assert (record.report.healed, record.report.healed_without_data) == ((), (API, WEB))
    assert (record.report.steps, record.report.outcome) == (report.steps, report.outcome)
    assert (record.team, record.iso_week, record.ended_at) == ("payments", "2026-W47", report.ended_at)


async def test_a_rendering_comes_with_its_digests_and_is_no_live_one(skipping_time: WorkflowEnvironment) -> None:
    made = {"slack": ArtifactRef(digest="1" * 64, size=1, kind="rendering.slack")}
    result = StepResult(
        healed_without_data=("rendering",), renderings=made, digests={"slack": "d"}, part_digests=("p",)
    )
    ground = Ground({"simplified": [result]})
    lost = FailedUnit(unit="rendering", service=names.LOCAL, failure=AWAY)
    report = await recovered(
        skipping_time, ground, lost, service=names.LOCAL, phase="render", plan=shipped(names.LOCAL, "render", AWAY)
    )
    assert [given.arguments for given in ground.given["fallback"]] == [{"style": "fallback"}]
    assert (report.renderings, report.digests, report.part_digests) == (made, {"slack": "d"}, ("p",))
    assert (report.outcome, report.healed_without_data) == (RecoveryOutcome.STAND_IN, ("rendering",))


async def test_a_rendering_is_not_left_out_whatever_is_decided(skipping_time: WorkflowEnvironment) -> None:
    """To skip it would be to have nothing to deliver."""
    made = {"slack": ArtifactRef(digest="1" * 64, size=1, kind="rendering.slack")}
    ground = Ground({"plain": [StepResult(healed_without_data=("rendering",), renderings=made)]})
    lost = FailedUnit(unit="rendering", service=names.LOCAL, failure=AWAY)
    plan = plan_of(step("plain", "local.render_again", arguments={"style": "plain"}), ask="stand_in")
    async with stage(skipping_time, ground) as on:
        await on.with_escalation()
        with skipping_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), lost, service=names.LOCAL, phase="render", plan=plan))
            await ground.was_joined.wait()
            await handle.signal("resolve", {"by": "anna", "decision": "skip"})
            report = await handle.result()
    assert (report.decided_by, report.renderings, report.outcome) == ("anna", made, RecoveryOutcome.STAND_IN)


async def test_a_step_that_has_nobody_to_ask_is_skipped_at_once(skipping_time: WorkflowEnvironment) -> None:
    """Where nothing is configured, no worker serves its queue: it must not cost its 30 seconds."""
    ground = Ground()
    plan = plan_of(step("status", "status.read_page"), step("mirror", "git_mirror.collect"), **QUIET)
    async with stage(skipping_time, ground, [names.LOCAL]) as on:
        report = await on.recover(request(await on.now(), plan=plan, sources=EditionSources()))
    assert [(record.state, record.message) for record in report.steps] == [
        (StepState.SKIPPED, "config/services.yaml names no status page of github"),
        (StepState.SKIPPED, "the team's file names no mirror of what is left"),
    ]


async def test_what_is_live_already_goes_only_to_steps_that_derive_from_it(skipping_time: WorkflowEnvironment) -> None:
    sources = EditionSources(collected=(collected("github:acme/third"),))
    ground = Ground()
    plan = plan_of(step("cached"), step("derived", "local.derive_issues"), **QUIET)
    await recovered(skipping_time, ground, plan=plan, sources=sources)
    given = [len(ground.given[name][0].sources.collected) for name in ("cached", "derived")]
    assert given == [0, 1]
