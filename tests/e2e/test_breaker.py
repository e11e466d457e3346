"""Editions and circuit breakers: workers stop calling a service that is down, editions wait for it, and come back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from devsync.contracts import names
from devsync.contracts.breaker import BreakerSnapshot, Decision, ModeDecision
from devsync.contracts.delivery import DeliveryOutcome, DeliveryState
from devsync.contracts.edition import EditionProgress, EditionResult, EditionStatus
from devsync.domain.breaker import Standing, State
from devsync.runtime.breaker.operations import BreakerOperations, BreakerSilent
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import PATIENCE_SECONDS, Stage, eventually, stage_for, until_listed
from tests.servers import Servers

EVERYWHERE_WITHIN = timedelta(seconds=2)
"""From a breaker's opening until no worker calls the service any more (design, row G)."""

PROBES_ALLOWED = 2
RULES = {
    "failure_threshold": 6,
    "recovery_timeout": "5s",
    "half_open_max_calls": PROBES_ALLOWED,
    "success_threshold": 2,
    "probe_lease": "20s",
}


@pytest.fixture
async def stage(servers: Servers, tmp_path: Path) -> AsyncIterator[Stage]:
    """The demo's team and week, under breakers that open soon."""
    async with stage_for(demo_world("2026-W47"), servers, tmp_path) as ready:
        for service in (names.GITHUB, names.SLACK):
            ready.change_service(service, "breaker", **RULES)
        yield ready


async def snapshot_of(stage: Stage, service: str) -> BreakerSnapshot | None:
    """None also while no worker answers in time, as on a busy machine."""
    with suppress(BreakerSilent):
        return await BreakerOperations(stage.client).snapshot(service)
    return None


async def until_state(stage: Stage, service: str, state: State) -> BreakerSnapshot:
    seen: list[BreakerSnapshot] = []

    async def is_there() -> bool:
        snapshot = await snapshot_of(stage, service)
        seen.extend([snapshot] if snapshot else [])
        return snapshot is not None and snapshot.standing.state is state

    await eventually(is_there)
    return seen[-1]


def periods(snapshot: BreakerSnapshot, now: datetime) -> list[tuple[State, datetime, datetime]]:
    """Each state that the breaker was in after the first, from when until when."""
    made = [transition for transition in snapshot.transitions if transition.from_state is not transition.to_state]
    ends = [transition.at for transition in made[1:]] + [now]
    return [(transition.to_state, transition.at, end) for transition, end in zip(made, ends, strict=True)]


def calls_between(stage: Stage, service: str, begin: datetime, end: datetime) -> list[datetime]:
    return [record.started_at for record in stage.sandbox.log.select(service) if begin <= record.started_at < end]


async def timers_of(handle: WorkflowHandle[Any, EditionResult]) -> int:
    events = [event.event_type async for event in handle.fetch_history_events()]
    return events.count(EventType.EVENT_TYPE_TIMER_FIRED)


@pytest.mark.timeout(240)
async def test_two_workers_stop_calling_a_service_that_is_down_probe_it_gently_and_the_edition_is_complete(
    stage: Stage,
) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=503))
    async with stage.worker("one"), stage.worker("two"):
        edition = await stage.start()
        await until_state(stage, names.GITHUB, State.OPEN)
        waiting: EditionProgress = await edition.query("progress", result_type=EditionProgress)
        await until_state(stage, names.GITHUB, State.HALF_OPEN)
        await until_state(stage, names.GITHUB, State.OPEN)  # the probes have failed
        stage.sandbox.faults.clear()
        result = await asyncio.wait_for(edition.result(), 2 * PATIENCE_SECONDS)
        closed = await until_state(stage, names.GITHUB, State.CLOSED)
    assert result.status is EditionStatus.COMPLETE
    assert (waiting.result, waiting.gaps) == (None, ())  # it waits; nothing is missing yet
    spent = periods(closed, datetime.now(UTC))
    assert [state for state, _, _ in spent][:3] == [State.OPEN, State.HALF_OPEN, State.OPEN]
    assert [state for state, _, _ in spent][-2:] == [State.HALF_OPEN, State.CLOSED]
    for state, begin, end in spent:
        if state is State.OPEN:
            assert calls_between(stage, "github", begin + EVERYWHERE_WITHIN, end) == []
    first_probes = next((begin, end) for state, begin, end in spent if state is State.HALF_OPEN)
    probes = calls_between(stage, "github", *first_probes)
    assert 1 <= len(probes) <= PROBES_ALLOWED
    assert await timers_of(edition) <= 2 * len(spent)
    assert stage.rows("SELECT DISTINCT category, code FROM errors WHERE service = 'github' ORDER BY code") == [
        {"category": "external_service", "code": "503"},
        {"category": "external_service", "code": "circuit_open"},
    ]


async def test_a_service_that_asks_for_an_hour_is_paused_and_no_attempt_is_spent(stage: Stage) -> None:
    stage.change_delivery(delivery_reserve="2s")
    stage.change_team(deliver_by="12s")
    stage.sandbox.faults.add(Fault(kind=FaultKind.RATE_LIMIT, service="github", retry_after_seconds=3600))
    async with stage.worker():
        began = datetime.now(UTC)
        result = await stage.run()
        standing = (await BreakerOperations(stage.client).standings())[names.GITHUB]
    assert result.status is EditionStatus.PARTIAL
    assert {gap.unit for gap in result.gaps} == {f"github:{name}" for name in stage.sandbox.world.teams[0].repositories}
    assert all("paused" in gap.reason for gap in result.gaps)
    assert standing.state is State.CLOSED
    assert standing.paused_until is not None
    assert standing.paused_until >= began + timedelta(hours=1)
    assert stage.rows("SELECT max(attempt) AS most FROM errors WHERE service = 'github'") == [{"most": 1}]
    first = stage.sandbox.log.select("github")[0].started_at
    assert calls_between(stage, "github", first + EVERYWHERE_WITHIN, datetime.now(UTC)) == []


async def test_who_waits_is_told_when_an_operator_lets_calls_go_out_before_their_time(stage: Stage) -> None:
    operations = BreakerOperations(stage.client)
    until = datetime.now(UTC) + timedelta(minutes=10)  # which the recovery's step has time for
    forced = ModeDecision(by="anna", reason="maintenance", until=until)
    over = Decision(by="anna", reason="it is over already")
    async with stage.worker():
        for service in (names.GITHUB, names.SLACK):
            await operations.decide(service, "force_open", forced)
        await asyncio.sleep(EVERYWHERE_WITHIN.total_seconds())
        edition = await stage.start()

        async def waits_for_github() -> bool:
            return await stage.waits_for_breaker(edition, names.GITHUB)

        async def is_put_off() -> bool:
            with suppress(RPCError):  # not there yet
                outcome: DeliveryOutcome = await delivery.query("outcome", result_type=DeliveryOutcome)
                return "circuit breaker is open" in outcome.reason
            return False

        await eventually(waits_for_github)
        await until_listed(stage.client, 'ExecutionStatus = "Running"', edition.id)
        assert "recovers github" in (await stage.starter("status"))[1]
        await operations.decide(names.GITHUB, "reset", over)
        delivery = stage.delivery(stage.week)
        await eventually(is_put_off)
        await operations.decide(names.SLACK, "force_close", ModeDecision(by="anna", reason="it is over already"))
        result = await asyncio.wait_for(edition.result(), PATIENCE_SECONDS)
    assert datetime.now(UTC) < until
    assert result.status is EditionStatus.COMPLETE
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert await timers_of(edition) <= 1, "the moment in which a channel may be well again"


async def test_a_channel_whose_breaker_is_open_is_called_when_it_closes_and_not_before(stage: Stage) -> None:
    async with stage.worker():
        until = datetime.now(UTC) + timedelta(seconds=8)
        forced = ModeDecision(by="anna", reason="Slack announced maintenance", until=until)
        opened: Standing = await BreakerOperations(stage.client).decide(names.SLACK, "force_open", forced)
        await asyncio.sleep(EVERYWHERE_WITHIN.total_seconds())
        result = await stage.run()
    assert (opened.state, opened.actor) == (State.OPEN, "anna")
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert calls_between(stage, "slack", datetime.min.replace(tzinfo=UTC), until) == []
    assert len(stage.keys) == len(set(stage.keys)) == len(stage.messages) > 0
