"""`performance_monitor`: what is measured, how soon, what is told, and that it changes nothing of the block."""

import asyncio
import math
import time
from statistics import median
from types import SimpleNamespace
from typing import Any

import pytest

from devsync.api.core import Core
from devsync.api.handler import ChangelogErrorHandler
from devsync.domain.health.thresholds import Thresholds
from tests.api.conftest import Handlers
from tests.e2e.stage import Stage, eventually


async def test_an_operation_is_in_the_statistics_at_once_and_on_record_soon(
    product: Stage, handler: ChangelogErrorHandler, core: Core
) -> None:
    began = time.perf_counter()
    async with handler.performance_monitor("generation", "changelog"):
        await asyncio.sleep(0.05)
    taken = time.perf_counter() - began
    statistics = handler.get_performance_statistics()
    assert 0.05 <= statistics["average_duration"] <= taken
    assert (statistics["total_operations"], statistics["success_rate"]) == (1, 1.0)
    assert statistics["operations"]["generation"]["p95_duration"] == statistics["average_duration"]
    assert statistics["memory_usage_mb"] > 1
    (recorded,) = [one for one in statistics["on_record"]["operations"] if one["operation"] == "generation"]
    assert (recorded["service"], recorded["calls"], recorded["failures"]) == ("changelog", 1, 0)
    (row,) = product.rows("SELECT workflow_id, kind FROM operations WHERE operation = 'generation'")
    assert row == {"workflow_id": "program:tests", "kind": "attempt"}


async def test_before_anything_was_measured_a_duration_is_no_number(handler: ChangelogErrorHandler) -> None:
    statistics = handler.get_performance_statistics()
    assert math.isnan(statistics["average_duration"])
    assert f"{statistics['average_duration']:.2f}s" == "nans"
    assert statistics["total_operations"] == 0


async def test_an_error_passes_through_and_counts_as_failed(handler: ChangelogErrorHandler) -> None:
    with pytest.raises(KeyError):
        async with handler.performance_monitor("fails"):
            raise KeyError("x")
    assert handler.get_performance_statistics()["operations"]["fails"]["failed_operations"] == 1


async def test_what_was_interrupted_has_not_ended(handler: ChangelogErrorHandler) -> None:
    async def work() -> None:
        async with handler.performance_monitor("interrupted"):
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(work(), 0.05)
    assert "interrupted" not in handler.get_performance_statistics()["operations"]


async def test_it_takes_less_than_a_millisecond(handler: ChangelogErrorHandler) -> None:
    async with handler.performance_monitor("first"):
        pass
    taken = []
    for _ in range(200):
        began = time.perf_counter()
        async with handler.performance_monitor("quick"):
            pass
        taken.append(time.perf_counter() - began)
    assert median(taken) < 0.001


async def test_names_without_end_do_not_fill_the_memory(handler: ChangelogErrorHandler) -> None:
    for number in range(300):
        async with handler.performance_monitor(f"operation_{number}"):
            pass
    assert len(handler.get_performance_statistics()["operations"]) == 200


async def test_the_monitoring_callback_hears_of_each_and_the_alerting_one_of_a_slow_one(
    handlers: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[dict[str, Any]] = []
    alerts: list[dict[str, Any]] = []

    async def monitoring(data: dict[str, Any]) -> None:
        heard.append(data)

    async def alerting(data: dict[str, Any]) -> None:
        alerts.append(data)

    handler = handlers(
        monitoring_callback=monitoring,
        alerting_callback=alerting,
        thresholds=Thresholds(generation_time_seconds=0.03),
    )
    at = [0.0]
    monkeypatch.setattr("devsync.api.measured.time", SimpleNamespace(perf_counter=lambda: at[0]))
    for seconds in (0.03, 0.031):
        async with handler.performance_monitor("generation", "changelog"):
            at[0] += seconds

    async def are_told() -> bool:
        return (len(heard), len(alerts)) == (2, 1)

    await eventually(are_told)
    assert [(one["type"], one["operation"], one["success"]) for one in heard] == [("operation", "generation", True)] * 2
    assert [(one["type"], one["severity"], one["threshold_seconds"]) for one in alerts] == [
        ("performance", "medium", 0.03)
    ]


async def test_from_a_thread_without_a_loop(handler: ChangelogErrorHandler) -> None:
    def program() -> None:
        with handler.performance_monitor("in_a_thread"):
            pass

    await asyncio.to_thread(program)
    assert "in_a_thread" in handler.get_performance_statistics()["operations"]


async def test_after_closing_the_block_goes_on_unharmed(handler: ChangelogErrorHandler) -> None:
    handler.close()
    async with handler.performance_monitor("afterwards"):
        done = True
    assert done
