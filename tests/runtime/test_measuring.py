"""What is measured of an attempt: its time, its end, its calls from whatever thread, and the memory that it saw."""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.operations import OperationKind, OperationRecord
from devsync.domain.breaker import BreakerConfig
from devsync.domain.breaker.refusals import ServicePaused
from devsync.runtime.activity_errors import ErrorTranslation
from devsync.runtime.breaker.calls import UNGATED
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.measured_calls import MeasuringGate, calls_of_attempt
from devsync.runtime.measuring import Measuring
from devsync.runtime.owners import HEADER
from devsync.runtime.resident import ResidentMemory, resident_megabytes

Work = Callable[[], Awaitable[Any]]
GATE = MeasuringGate("github", UNGATED)


class Does(ActivityInboundInterceptor):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        return await self._work()


async def measured(
    work: Work, activity_type: str = "github.collect_repository", *, owner: str = ""
) -> list[OperationRecord]:
    """What the records are told of one attempt, the third of the activity, at this work."""
    headers = {HEADER: DataConverter.default.payload_converter.to_payload(owner)} if owner else {}
    kept: list[OperationRecord] = []

    async def attempt() -> None:
        arguments = ExecuteActivityInput(fn=attempt, args=[], executor=None, headers=headers)
        inner = ErrorTranslation().intercept_activity(Does(work))
        await Measuring(kept.append).intercept_activity(inner).execute_activity(arguments)

    environment = ActivityEnvironment()
    environment.info = replace(
        environment.info,
        activity_type=activity_type,
        activity_id="7",
        attempt=3,
        workflow_id="changelog:payments:2026-W47",
        workflow_run_id="run-1",
    )
    with suppress(ApplicationError, CancelledError, asyncio.CancelledError):
        await environment.run(attempt)
    return kept


async def test_an_attempt_is_told_with_its_time_its_calls_and_its_memory() -> None:
    async def work() -> None:
        for _ in range(2):
            with GATE.call("GET /repos"):
                await asyncio.sleep(0.02)

    began = datetime.now(UTC)
    attempt, first, second = await measured(work)
    assert (attempt.kind, attempt.workflow_id, attempt.run_id) == (
        OperationKind.ATTEMPT,
        "changelog:payments:2026-W47",
        "run-1",
    )
    assert (attempt.activity_id, attempt.attempt, attempt.team) == ("7", 3, "payments")
    assert (attempt.service, attempt.operation, attempt.succeeded) == ("github", "collect_repository", True)
    assert 0.04 <= attempt.api_seconds <= attempt.seconds < 5
    assert began <= attempt.ended_at <= datetime.now(UTC)
    assert attempt.peak_memory_mb is not None
    assert attempt.peak_memory_mb > 10
    assert [(call.kind, call.number, call.service, call.succeeded) for call in (first, second)] == [
        (OperationKind.CALL, number, "github", True) for number in (1, 2)
    ]
    assert attempt.api_calls == 2
    assert attempt.api_seconds == pytest.approx(first.seconds + second.seconds)


async def test_a_call_that_fails_fails_itself_and_not_the_attempt_that_goes_on() -> None:
    async def work() -> None:
        with pytest.raises(TimeoutError), GATE.call("POST graphql"):
            raise TimeoutError
        async with GATE.call("GET pulls"):
            await asyncio.sleep(0)

    attempt, first, second = await measured(work)
    assert (attempt.succeeded, first.succeeded, second.succeeded) == (True, False, True)


async def test_an_attempt_that_fails_is_told_as_such_with_the_calls_that_it_made() -> None:
    async def work() -> None:
        with GATE.call("GET pulls"):
            raise ConnectionError("refused")

    attempt, call = await measured(work)
    assert (attempt.succeeded, call.succeeded, attempt.api_calls) == (False, False, 1)


@pytest.mark.parametrize(
    "ended_by",
    [asyncio.CancelledError(), CancelledError("cancelled"), ApplicationError("goes on elsewhere", type="HandedBack")],
)
async def test_what_was_interrupted_has_not_ended_and_is_not_told(ended_by: BaseException) -> None:
    async def work() -> None:
        raise ended_by

    assert await measured(work) == []


async def test_a_call_that_was_interrupted_is_no_call() -> None:
    async def work() -> None:
        with pytest.raises(CancelledError), GATE.call("GET pulls"):
            raise CancelledError("the edition is cancelled")

    (attempt,) = await measured(work)
    assert (attempt.api_calls, attempt.succeeded) == (0, True)


@pytest.mark.parametrize("made", [0, 1])
async def test_what_is_refused_is_no_call_and_no_attempt_either_where_it_was_the_first(made: int) -> None:
    gate = Gate("github", BreakerConfig())
    gate.pause(datetime.max.replace(tzinfo=UTC), "asked for patience")

    async def work() -> None:
        for _ in range(made):
            with GATE.call("GET pulls"):
                pass
        with suppress(ServicePaused):
            async with MeasuringGate("slack", gate).call("POST chat.postMessage"):
                pytest.fail("a paused service is not called")
        with MeasuringGate("github", gate).call("GET pulls"):
            pytest.fail("a paused service is not called")

    told = await measured(work)
    assert [(one.kind, one.service, one.number, one.succeeded) for one in told] == [
        *[(OperationKind.ATTEMPT, "github", 0, False), (OperationKind.CALL, "github", 1, True)][: 2 * made],
        (OperationKind.REFUSAL, "slack", made + 1, False),
        (OperationKind.REFUSAL, "github", made + 2, False),
    ]
    assert [one.api_calls for one in told if one.kind is OperationKind.ATTEMPT] == [1] * made


async def test_everything_of_an_attempt_names_the_run_that_it_is_done_for() -> None:
    async def work() -> None:
        with GATE.call("GET pulls"):
            pass

    assert [one.owner_run_id for one in await measured(work, owner="edition")] == ["edition", "edition"]
    assert [one.owner_run_id for one in await measured(work)] == [None, None]


async def test_calls_of_threads_are_those_of_the_attempt_that_started_them() -> None:
    def call() -> None:
        with GATE.call("GET pulls"):
            pass

    async def work() -> None:
        await asyncio.to_thread(call)
        own = threading.Thread(target=contextvars.copy_context().run, args=(call,))
        own.start()
        await asyncio.to_thread(own.join)

    attempt, *calls = await measured(work)
    assert (attempt.api_calls, len(calls)) == (2, 2)


async def test_calls_that_nobody_wants_to_know_of_are_made_all_the_same() -> None:
    with GATE.call("GET user"):
        pass
    with calls_of_attempt() as calls:
        pass
    assert (calls.made, calls.refused) == ([], [])


@pytest.mark.parametrize(
    ("activity_type", "is_unchanged", "told"),
    [
        ("github.collect_repository", True, True),
        ("github.collect_repository", False, False),
        ("jira.collect_project", False, None),  # it looks for nothing that was collected before
    ],
)
async def test_whether_something_was_remembered_is_told_of_who_looks_for_it(
    activity_type: str, is_unchanged: bool, told: bool | None
) -> None:
    async def work() -> UnitCollected:
        return UnitCollected(
            unit="github:acme/ledger",
            artifact=ArtifactRef(digest="a" * 64, size=10, kind="collected"),
            api_calls=1,
            is_unchanged=is_unchanged,
            collected_at=datetime.now(UTC),
        )

    (attempt,) = await measured(work, activity_type)
    assert attempt.was_remembered is told


async def test_the_peak_is_the_most_that_was_held_meanwhile_and_not_before_or_after() -> None:
    held = [900.0]
    memory = ResidentMemory(lambda: held[0])
    with memory.watched() as before:
        pass
    held[0] = 300.0
    with memory.watched() as during:
        held[0] = 500.0
        async with asyncio.timeout(10):
            while during.megabytes != 500.0:
                await asyncio.sleep(0.01)
        held[0] = 200.0
    held[0] = 900.0
    await asyncio.sleep(0.1)
    assert (before.megabytes, during.megabytes) == (900.0, 500.0)


async def test_what_the_system_does_not_tell_is_none_and_never_zero() -> None:
    with ResidentMemory(lambda: None).watched() as peak:
        await asyncio.sleep(0.06)
    assert peak.megabytes is None


def test_the_memory_of_this_process_is_in_megabytes() -> None:
    before = resident_megabytes()
    ballast = b"x" * 50_000_000
    after = resident_megabytes()
    if before is None or after is None:
        pytest.skip("this system has no /proc")
    assert 40 < after - before < 60 < len(ballast)
