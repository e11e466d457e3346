"""A program's circuit breaker: the fleet's own for what the product guards, with its entity in Temporal."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pydantic
import pytest

from devsync.api.breakers import CircuitBreaker
from devsync.api.connection import Connection
from devsync.api.core import BLOCKS_FOR, Core
from devsync.api.handler import ChangelogErrorHandler
from devsync.contracts import names
from devsync.contracts.breaker import ModeDecision
from devsync.domain.breaker import BreakerConfig
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.operations import BreakerOperations
from tests.e2e.stage import Stage, eventually
from tests.runtime.errors_of_libraries import github

SOON = BreakerConfig(
    failure_threshold=3, recovery_timeout=timedelta(seconds=5), half_open_max_calls=2, success_threshold=2
)
LATE = SOON.model_copy(update={"recovery_timeout": timedelta(minutes=5)})


@pytest.fixture
async def entity(product: Stage, core: Core) -> AsyncIterator[BreakerOperations]:
    """github's; a new one for the next test."""
    yield BreakerOperations(product.client)
    core.close()
    handle = product.client.get_workflow_handle(names.breaker_id(names.GITHUB))
    try:
        await handle.terminate("its test is over")
    except Exception:
        return


async def stands(entity: BreakerOperations, label: str) -> bool:
    """Whether everybody is told so by now."""
    standing = (await entity.standings()).get(names.GITHUB)
    return standing is not None and standing.label == label


async def in_a_thread(call: Any, *arguments: Any) -> Any:
    """As a program calls it that has no loop."""
    return await asyncio.to_thread(call, *arguments)


async def test_failures_that_a_program_records_open_the_breaker_of_the_fleet(
    handler: ChangelogErrorHandler, core: Core, entity: BreakerOperations
) -> None:
    breaker = CircuitBreaker(names.GITHUB, LATE, core=core)
    assert breaker.can_execute()
    breaker.record_success()

    async def has_its_rules() -> bool:
        snapshot = await entity.snapshot(names.GITHUB)
        return snapshot is not None and snapshot.config.failure_threshold == 3

    await eventually(has_its_rules)
    for _ in range(3):
        assert breaker.can_execute()
        breaker.record_failure()
    assert not breaker.can_execute()

    await eventually(lambda: stands(entity, "open"))
    assert not handler.get_circuit_breaker(names.GITHUB).can_execute()
    snapshot = await entity.snapshot(names.GITHUB)
    assert snapshot is not None
    assert "reported by tests" in snapshot.last_failure


async def test_what_an_operator_has_opened_refuses_the_program_within_two_seconds(
    handler: ChangelogErrorHandler, entity: BreakerOperations
) -> None:
    breaker, decision = handler.get_circuit_breaker(names.GITHUB), ModeDecision(by="anna", reason="maintenance")
    assert breaker.can_execute()

    async def refuses() -> bool:
        return not breaker.can_execute()

    await entity.decide(names.GITHUB, "force_open", decision)
    await eventually(refuses, 3)
    assert breaker.standing()["reason"].startswith("maintenance")


async def test_it_opens_half_opens_and_closes_again(core: Core, entity: BreakerOperations) -> None:
    breaker = CircuitBreaker(names.GITHUB, SOON, core=core)
    breaker.can_execute()

    async def has_its_rules() -> bool:
        snapshot = await entity.snapshot(names.GITHUB)
        return snapshot is not None and snapshot.config == SOON

    await eventually(has_its_rules)
    for _ in range(3):
        breaker.record_failure()
    assert not breaker.can_execute()
    for _ in range(2):

        async def may_probe() -> bool:
            return bool(await in_a_thread(breaker.can_execute))

        await eventually(may_probe)
        breaker.record_success()  # another context than the one that asked: the probe is found all the same

    await eventually(lambda: stands(entity, "closed"))


@pytest.fixture
def own(core: Core) -> CircuitBreaker:
    """Of a service that the product does not know."""
    return CircuitBreaker("billing", SOON, core=core)


def test_a_service_of_the_programs_own_has_a_breaker_in_this_process(
    own: CircuitBreaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    at = [noon]
    monkeypatch.setattr(Gate.__init__, "__defaults__", (None, lambda: at[0]))
    assert not own.is_shared
    for _ in range(3):
        assert own.can_execute()
        own.record_failure()
    assert (own.can_execute(), own.state) == (False, "open")
    at[0] = noon + SOON.recovery_timeout - timedelta(milliseconds=1)
    assert not own.can_execute()
    at[0] = noon + SOON.recovery_timeout
    assert own.can_execute()
    assert own.can_execute()
    assert not own.can_execute(), "both probes are under way"
    own.record_success()
    own.record_success()
    assert own.state == "closed"


@pytest.fixture
def slow(core: Core) -> CircuitBreaker:
    """Likewise; it stays open for as long as a test takes."""
    return CircuitBreaker("billing", LATE, core=core)


def test_our_own_mistakes_do_not_count_where_the_error_is_given(slow: CircuitBreaker) -> None:
    for _ in range(5):
        assert slow.can_execute()
        slow.record_failure(github(404))
    assert slow.can_execute()
    for _ in range(3):
        slow.record_failure(github(503))
    assert not slow.can_execute()


async def test_each_task_tells_of_its_own_call(own: CircuitBreaker) -> None:
    async def call(fails: bool) -> None:
        assert own.can_execute()
        await asyncio.sleep(0.01)
        if fails:
            own.record_failure()
        else:
            own.record_success()

    await asyncio.gather(*(call(number % 25 == 0) for number in range(50)))
    assert own.state == "closed"


def test_what_is_recorded_without_asking_counts_as_well(slow: CircuitBreaker) -> None:
    for _ in range(3):
        slow.record_failure()
    assert not slow.can_execute()


@pytest.fixture
def lonely() -> Iterator[ChangelogErrorHandler]:
    handler = ChangelogErrorHandler(connection=Connection(program="lonely", temporal_address="127.0.0.1:1"))
    yield handler
    handler.close()


def test_without_temporal_the_process_decides_by_itself_and_nobody_waits(
    lonely: ChangelogErrorHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devsync.api.breakers.BLOCKS_FOR", BLOCKS_FOR)
    breaker = lonely.get_circuit_breaker(names.GITHUB)
    began = time.monotonic()
    assert breaker.can_execute()
    assert time.monotonic() - began < 1.5
    for _ in range(10):
        breaker.record_failure()
    assert not breaker.can_execute()


def test_a_breaker_is_the_same_each_time(lonely: ChangelogErrorHandler) -> None:
    assert lonely.get_circuit_breaker("billing") is lonely.get_circuit_breaker("billing")


@pytest.mark.parametrize(
    "numbers", [{"failure_threshold": 0}, {"recovery_timeout": timedelta(0)}, {"failure_rate_threshold": float("nan")}]
)
def test_impossible_rules_are_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        BreakerConfig(**numbers)
