"""The failed operation itself, repeated for all units that failed: `github.collect_again`, `jira.collect_again`."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.exceptions import CancelledError

from devsync.domain.breaker.refusals import CircuitOpen
from devsync.domain.changelog.edition import Provenance
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.breaker.calls import UNGATED, Call, Excuses
from devsync.settings.problems import ConfigError
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.demo import demo_world
from tests.activities.recovery_stage import RecoveryStage, recovery_stage, why

LIVE = Provenance()


@pytest.fixture
async def stage(url: str, tmp_path: Path) -> AsyncIterator[RecoveryStage]:
    async with recovery_stage(demo_world(), url, tmp_path) as ready:
        yield ready


class RefusingGate:
    """A breaker that lets so many calls through and refuses the rest."""

    def __init__(self, calls: int = 0, probes_allowed: int = 1) -> None:
        self.left = calls
        self.refused = 0
        self._probes_allowed = probes_allowed
        self.retry_at = datetime.now(UTC) + timedelta(minutes=5)

    def call(self, operation: str) -> Call:
        if self.left <= 0:
            self.refused += 1
            raise CircuitOpen("github", self.retry_at, "its circuit breaker is open", self._probes_allowed)
        self.left -= 1
        return UNGATED.call(operation)

    def excused_call(self, operation: str, excuses: Excuses) -> Call:
        return self.call(operation)


async def test_every_repository_that_answers_now_is_live_by_the_very_same_collection(stage: RecoveryStage) -> None:
    units = [stage.repository(name) for name in stage.repositories]
    result = await stage.take(stage.github.collect_again, *units)
    assert len(result.healed) == len(units)
    assert {unit.provenance == LIVE for unit in result.healed} == {True}
    for again in result.healed:
        (unit,) = [unit for unit in units if unit.unit == again.unit]
        assert (await stage.collect(unit)).artifact == again.artifact
    assert result.failures == {}


async def test_every_project_that_answers_now_is_live(stage: RecoveryStage) -> None:
    result = await stage.take(stage.jira.collect_again, *map(stage.project, stage.projects))
    assert [unit.unit for unit in result.healed] == [f"jira:{key}" for key in stage.projects]
    assert sum(unit.counts["issues"] for unit in result.healed) > 0
    assert "asked JIRA again" in result.message


async def test_it_goes_on_from_the_last_stored_page(stage: RecoveryStage) -> None:
    name = stage.repositories[0]
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="/releases", status=503, count=1))
    unit = stage.repository(name, collection_id="one")
    assert unit.ask is not None
    rest = unit.model_copy(update={"ask": unit.ask.model_copy(update={"api": "rest"})})
    with pytest.raises(Exception, match="503"):
        await stage.collect(rest)
    before = len(stage.asked("github"))
    result = await stage.take(stage.github.collect_again, rest)
    assert result.healed[0].pages_resumed == 2
    assert [record.path.rpartition("/")[2] for record in stage.asked("github")[before:]] == ["releases"]


async def test_with_api_rest_graphql_is_not_asked(stage: RecoveryStage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="/graphql", status=503))
    units = [stage.repository(name) for name in stage.repositories]
    error = await why(stage.take(stage.github.collect_again, *units))
    assert "503" in str(error)
    before = len(stage.asked("github"))
    result = await stage.take(stage.github.collect_again, *units, arguments={"api": "rest"})
    assert {unit.road for unit in result.healed} == {"rest"}
    assert "/graphql" not in {record.path for record in stage.asked("github")[before:]}


async def test_an_api_that_there_is_not_is_a_mistake_of_the_plan(stage: RecoveryStage) -> None:
    error = await why(
        stage.take(stage.github.collect_again, stage.repository("acme/ledger"), arguments={"api": "soap"})
    )
    assert isinstance(error, ConfigError)
    assert "auto, graphql, rest" in str(error)


async def test_what_still_fails_tells_why_and_the_rest_is_healed(stage: RecoveryStage) -> None:
    broken = stage.repositories[0]
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route=f"/repos/{broken}/", status=404))
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="/graphql", status=500))
    units = [stage.repository(name) for name in stage.repositories]
    result = await stage.take(stage.github.collect_again, *units, arguments={"api": "rest"})
    assert len(result.healed) == len(units) - 1
    failure = result.failures[f"github:{broken}"]
    assert (failure.code, failure.category) == ("404", ErrorCategory.DATA_COLLECTION)
    assert failure.fingerprint


async def test_where_one_error_stopped_all_the_step_fails_with_it(stage: RecoveryStage) -> None:
    stage.sandbox.pause("github")
    error = await why(stage.take(stage.github.collect_again, *map(stage.repository, stage.repositories)))
    assert type(error).__module__.startswith("requests")


async def test_two_kinds_of_failure_are_told_unit_by_unit(stage: RecoveryStage) -> None:
    first, second = stage.repositories[:2]
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route=f"/repos/{first}/", status=404))
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route=f"/repos/{second}/", status=500))
    result = await stage.take(
        stage.github.collect_again, stage.repository(first), stage.repository(second), arguments={"api": "rest"}
    )
    assert (result.healed, {unit: failure.code for unit, failure in result.failures.items()}) == (
        (),
        {f"github:{first}": "404", f"github:{second}": "500"},
    )


async def test_one_call_is_one_request_and_nobody_sleeps(stage: RecoveryStage) -> None:
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.RATE_LIMIT, service="jira", route="/search", retry_after_seconds=3600)
    )
    began = datetime.now(UTC)
    await why(stage.take(stage.jira.collect_again, *map(stage.project, stage.projects)))
    searches = [record for record in stage.asked("jira") if "/search" in record.path]
    assert len(searches) == len(stage.projects)
    assert datetime.now(UTC) - began < timedelta(seconds=5)


REFUSED = Failure(
    category=ErrorCategory.EXTERNAL_SERVICE,
    message="no call",
    is_retryable=False,
    code="circuit_open",
    retry_at=datetime.now(UTC),
    probes_allowed=1,
)


async def test_an_open_breaker_is_told_as_each_unit_s_failure_and_only_the_probes_ask_it(
    url: str, tmp_path: Path
) -> None:
    gate = RefusingGate(probes_allowed=2)
    async with recovery_stage(demo_world(), url, tmp_path, gate=gate) as stage:
        units = [stage.repository(name, failure=REFUSED) for name in stage.repositories]
        result = await stage.take(stage.github.collect_again, *units)
        assert stage.asked("github") == []
    assert result.healed == ()
    assert {failure.retry_at for failure in result.failures.values()} == {gate.retry_at}
    assert {failure.probes_allowed for failure in result.failures.values()} == {2}
    assert set(result.failures) == {unit.unit for unit in units}
    assert gate.refused == 1


async def test_after_a_probe_that_succeeds_the_rest_follows(url: str, tmp_path: Path) -> None:
    async with recovery_stage(demo_world(), url, tmp_path, gate=RefusingGate(calls=1_000)) as stage:
        units = [stage.repository(name, failure=REFUSED) for name in stage.repositories]
        result = await stage.take(stage.github.collect_again, *units)
        first = [record for record in stage.asked("github") if record.path == "/graphql"]
    assert len(result.healed) == len(units)
    assert len(first) >= len(units)


async def test_it_ends_when_its_time_is_up(stage: RecoveryStage) -> None:
    error = await why(
        stage.take(stage.github.collect_again, stage.repository("acme/ledger"), until=timedelta(seconds=-1))
    )
    assert isinstance(error, TimeoutError)
    assert stage.asked("github") == []


async def test_a_cancellation_ends_it(stage: RecoveryStage) -> None:
    with pytest.raises(CancelledError):
        await stage.collect(stage.repository("acme/ledger"), is_cancelled=True)
    assert stage.asked("github") == []
