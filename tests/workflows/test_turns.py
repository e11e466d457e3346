"""Units of one service: together while it answers, once waited for where its breaker refuses."""

import asyncio
from datetime import UTC, datetime, timedelta

from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.domain.errors import ErrorCategory, Failure
from workflows.turns import ask_in_turns

Answer = UnitCollected | Failure

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECONDS = timedelta(seconds=1)
GONE = Failure(category=ErrorCategory.DATA_COLLECTION, message="no such repository", is_retryable=False)


def collected(unit: str) -> UnitCollected:
    artifact = ArtifactRef(digest="0" * 64, size=0, kind="collected")
    return UnitCollected(unit=unit, artifact=artifact, api_calls=1, collected_at=NOON)


def refusal(retry_at: datetime = NOON, probes_allowed: int = 2) -> Failure:
    return Failure(
        category=ErrorCategory.EXTERNAL_SERVICE,
        message="its circuit breaker is open",
        is_retryable=False,
        code="circuit_open",
        retry_at=retry_at,
        probes_allowed=probes_allowed,
    )


class Service:
    """Refuses every unit until it has been waited for `heals_after` times; `waves` are the units tried at once."""

    def __init__(self, heals_after: int = 0, *, patience: int = 100) -> None:
        self.heals_after = heals_after
        self.patience = patience
        self.retry_at: dict[str, datetime] = {}
        self.waits: list[tuple[datetime | None, timedelta]] = []
        self.waves: list[list[str]] = [[]]
        self.others: dict[str, Answer] = {}
        self.under_way = 0
        self.most_at_once: dict[str, int] = {}
        """By unit: how many were under way in its last attempt."""

    async def ask(self, unit: str) -> Answer:
        self.waves[-1].append(unit)
        self.under_way += 1
        await asyncio.sleep(0.01)
        self.most_at_once[unit] = self.under_way
        await asyncio.sleep(0.01)
        self.under_way -= 1
        if len(self.waits) < self.heals_after:
            return refusal(self.retry_at.get(unit, NOON))
        return self.others.get(unit, collected(unit))

    async def wait(self, latest: Failure, at_least: timedelta) -> bool:
        self.waits.append((latest.retry_at, at_least))
        self.waves.append([])
        return len(self.waits) <= self.patience


UNITS = [f"github:acme/{number}" for number in range(6)]


async def test_all_units_are_tried_at_once_and_nothing_waits() -> None:
    service = Service()
    outcomes = await ask_in_turns(UNITS, service.ask, service.wait)
    assert list(outcomes) == UNITS
    assert (service.waves, service.waits) == ([UNITS], [])


async def test_a_failure_of_its_own_is_a_units_outcome_and_nothing_waits_for_it() -> None:
    service = Service()
    service.others[UNITS[2]] = GONE
    outcomes = await ask_in_turns(UNITS, service.ask, service.wait)
    assert outcomes[UNITS[2]] == GONE
    assert service.waits == []


async def test_an_open_breaker_is_waited_for_once_then_probes_go_first_and_then_the_rest() -> None:
    service = Service(heals_after=1)
    outcomes = await ask_in_turns(UNITS, service.ask, service.wait)
    assert all(isinstance(outcome, UnitCollected) for outcome in outcomes.values())
    assert len(service.waits) == 1
    assert service.waves == [UNITS, UNITS]
    assert [service.most_at_once[unit] for unit in UNITS] == [2, 2, 4, 4, 4, 4]


async def test_probes_that_are_refused_wait_again_and_longer() -> None:
    service = Service(heals_after=4)
    await ask_in_turns(UNITS, service.ask, service.wait)
    assert [len(wave) for wave in service.waves[:-1]] == [6, 2, 2, 2]
    assert [at_least for _, at_least in service.waits] == [1 * SECONDS, 2 * SECONDS, 4 * SECONDS, 8 * SECONDS]


async def test_the_latest_of_all_refusals_is_waited_for() -> None:
    service = Service(heals_after=1)
    latest = NOON + 300 * SECONDS
    service.retry_at = {UNITS[1]: latest}
    await ask_in_turns(UNITS, service.ask, service.wait)
    assert [retry_at for retry_at, _ in service.waits] == [latest]


async def test_when_time_is_up_what_has_not_come_keeps_the_refusal() -> None:
    service = Service(heals_after=9, patience=1)
    outcomes = await ask_in_turns(UNITS, service.ask, service.wait)
    assert outcomes == dict.fromkeys(UNITS, refusal())
    assert [len(wave) for wave in service.waves] == [6, 2, 0]


async def test_no_units_are_no_work() -> None:
    service = Service()
    assert await ask_in_turns([], service.ask, service.wait) == {}
