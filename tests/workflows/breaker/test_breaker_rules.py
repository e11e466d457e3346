"""Where a breaker has its rules from, and who may change them."""

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from devsync.contracts import names
from devsync.contracts.breaker import (
    BreakerStart,
    Configure,
    Decision,
    ModeDecision,
    ReportBatch,
)
from devsync.domain.breaker import BreakerConfig, Mode, Outcomes, State
from devsync.runtime.breaker.link import BreakerLink
from devsync.runtime.breaker.operations import Rules
from tests.workflows.breaker_stage import BreakerStage

pytestmark = pytest.mark.timeout(120)


async def test_the_rules_come_from_the_configuration_and_again_when_somebody_asks(breaker: BreakerStage) -> None:
    breaker.declare(failure_threshold=7)
    async with breaker.worker():
        await breaker.start()
        assert (await breaker.snapshot()).config == BreakerConfig(failure_threshold=7)
        breaker.declare(failure_threshold=8)
        await breaker.handle.signal("read_rules", Decision(by="anna", reason="edited"))
        snapshot = await breaker.until(lambda snapshot: snapshot.config == BreakerConfig(failure_threshold=8))
    assert snapshot.transitions[-1].reason == "edited: failure_threshold 7 -> 8"
    assert snapshot.transitions[-1].actor == "anna"


async def test_a_breaker_works_by_the_defaults_while_the_configuration_is_broken(breaker: BreakerStage) -> None:
    (breaker.config_dir / "services.yaml").write_text("nonsense: [")
    async with breaker.worker():
        await breaker.reporter().report(generation=0, failures=10)
        opened = await breaker.until(lambda snapshot: snapshot.standing.state is State.OPEN)
        assert (opened.is_configured, opened.config) == (False, BreakerConfig())
        breaker.declare(failure_threshold=3)
        snapshot = await breaker.until(lambda snapshot: snapshot.is_configured)
    assert (snapshot.config.failure_threshold, snapshot.standing.state) == (3, State.OPEN)


async def test_a_new_breaker_goes_by_the_rules_of_whoever_made_it_until_it_has_read_its_own(
    breaker: BreakerStage,
) -> None:
    (breaker.config_dir / "services.yaml").write_text("github: [")
    twelve = ReportBatch(
        service=breaker.service, reporter="a", sequence=1, generation=0, outcomes=Outcomes(failures=12)
    )
    async with breaker.worker():
        await BreakerLink(breaker.client).report(twelve, BreakerConfig(failure_threshold=20))
        snapshot = await breaker.until(lambda snapshot: snapshot.reports == 1)
    assert (snapshot.is_configured, snapshot.counts.failures) == (False, 12)
    assert snapshot.standing.state is State.CLOSED


async def test_a_service_that_nobody_has_declared_has_no_breaker(breaker: BreakerStage) -> None:
    async with breaker.worker():
        stranger = await breaker.client.start_workflow(
            names.CIRCUIT_BREAKER,
            BreakerStart(service="githup"),
            id=names.breaker_id("githup"),
            task_queue=names.CONTROL_QUEUE,
        )
        with pytest.raises(WorkflowFailureError) as failure:
            await stranger.result()
    assert isinstance(failure.value.cause, ApplicationError)
    assert 'the service "githup" is not in services.yaml' in failure.value.cause.message


async def test_rules_are_sent_only_where_they_differ_and_keep_a_mode(breaker: BreakerStage) -> None:
    operations, rules = breaker.operations, BreakerConfig(failure_threshold=4)
    breaker.declare(failure_threshold=4)
    async with breaker.worker():
        assert await operations.apply_rules(breaker.service, rules, "apply") is Rules.CREATED
        await breaker.until(lambda snapshot: snapshot.config == rules)
        await operations.decide(breaker.service, "force_open", ModeDecision(by="anna", reason="maintenance"))
        await breaker.until(lambda snapshot: not snapshot.unrecorded)
        before = len((await breaker.handle.fetch_history()).events)
        assert await operations.apply_rules(breaker.service, rules, "apply") is Rules.UNCHANGED
        assert len((await breaker.handle.fetch_history()).events) == before
        others = BreakerConfig(failure_threshold=5)
        assert await operations.apply_rules(breaker.service, others, "apply") is Rules.CHANGED
        snapshot = await breaker.snapshot()
    assert (snapshot.config, snapshot.standing.mode) == (others, Mode.FORCED_OPEN)


async def test_rules_that_no_worker_takes_wait_for_the_next_one(breaker: BreakerStage) -> None:
    async with breaker.worker():
        await breaker.start()
    breaker.declare(failure_threshold=4)
    rules = BreakerConfig(failure_threshold=4)
    assert await breaker.operations.apply_rules(breaker.service, rules, "apply") is Rules.LEFT
    async with breaker.worker():
        await breaker.until(lambda snapshot: snapshot.config == rules)


async def test_a_rule_sent_before_the_configuration_was_read_stays(breaker: BreakerStage) -> None:
    (breaker.config_dir / "services.yaml").write_text("nonsense: [")
    by_hand = Configure(by="anna", reason="trying", config=BreakerConfig(failure_threshold=99))
    async with breaker.worker():
        await breaker.operations.decide(breaker.service, "configure", by_hand)
        breaker.declare(failure_threshold=4)
        await breaker.handle.signal("read_rules", args=[])
        history = await breaker.until(lambda snapshot: snapshot.refused_count == 1)
        assert (history.config.failure_threshold, history.is_configured) == (99, True)
