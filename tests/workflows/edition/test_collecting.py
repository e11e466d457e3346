"""What recoveries are given of the other sources: those that make something of it wait until all have answered."""

from datetime import timedelta

from temporalio.testing import WorkflowEnvironment

from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.errors import ErrorCategory, Failure
from tests.workflows.office import Office, make
from tests.workflows.recovery_stage import API, WEB, Ground, heals

PAY = "jira:PAY"
GONE = Failure(category=ErrorCategory.EXTERNAL_SERVICE, message="jira answered 410", is_retryable=False)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def given_to(ground: Ground, step: str) -> set[str]:
    """The units that the step could derive from."""
    return {unit.unit for unit in ground.given[step][-1].sources.collected}


async def test_issues_are_derived_from_sources_that_answer_later(own_time: WorkflowEnvironment) -> None:
    ground = Ground({"derived": [heals(ProvenanceKind.DERIVED)]})
    office = Office(refused={PAY: GONE}, away={API: 10 * MINUTE, WEB: MINUTE}, ground=ground)
    result = await make(own_time, office)
    assert given_to(ground, "derived") == {API, WEB}
    assert [(gap.unit, gap.stand_in) for gap in result.gaps] == [(PAY, ProvenanceKind.DERIVED)]


async def test_a_source_that_never_answers_leaves_time_to_derive_from_the_others(own_time: WorkflowEnvironment) -> None:
    ground = Ground({"derived": [heals(ProvenanceKind.DERIVED)]})
    office = Office(refused={PAY: GONE}, away={API: DAY}, ground=ground, deliver_by=20 * MINUTE)
    result = await make(own_time, office)
    assert given_to(ground, "derived") == {WEB}
    assert {gap.unit: gap.stand_in for gap in result.gaps} == {API: None, PAY: ProvenanceKind.DERIVED}
    assert timedelta(seconds=result.seconds["total"]) < 20 * MINUTE


async def test_a_recovery_that_derives_nothing_waits_for_nobody(own_time: WorkflowEnvironment) -> None:
    ground = Ground({"cached": [heals(ProvenanceKind.CACHED)]})
    office = Office(refused={API: GONE}, away={PAY: 30 * MINUTE}, ground=ground)
    await make(own_time, office)
    assert ground.at["cached"][-1] - office.began < 5 * MINUTE
