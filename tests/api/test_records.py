"""The questions that block: answered by the records within a second, or by what they said last, with its age."""

import asyncio
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devsync.api import snapshots
from devsync.api.connection import Connection
from devsync.api.core import BLOCKS_FOR, Core
from devsync.api.handler import ChangelogErrorHandler
from devsync.api.snapshots import Snapshots
from devsync.api.unavailable import NotInTime
from devsync.domain.exceptions import DataCollectionError
from devsync.domain.insight.span import ImpossibleSpan
from devsync.settings.problems import ConfigError
from devsync.storage.connection import DatabaseUnavailable

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC)


async def test_what_was_just_handled_is_counted(handler: ChangelogErrorHandler) -> None:
    for _ in range(3):
        await handler.handle_error(DataCollectionError("nothing"), {"service": "counted", "operation": "fetch"})
    statistics = handler.get_error_statistics(time_window=timedelta(hours=24))
    assert statistics["errors_by_service"]["counted"] == 3
    assert statistics["errors_by_operation"]["counted.fetch"] == 3
    assert statistics["total_errors"] >= 3
    assert statistics["age_seconds"] == 0
    (group,) = [one for one in statistics["most_frequent"] if one["service"] == "counted"]
    assert (group["count"], group["message"]) == (3, "counted: nothing")


async def test_a_rate_is_a_fraction_wherever_it_is_told(handler: ChangelogErrorHandler) -> None:
    for is_well in (True, False, False, False):
        with suppress(ValueError), handler.performance_monitor("import_orders", "rated"):
            if not is_well:
                raise ValueError
    statistics = handler.get_error_statistics(HOUR)
    assert statistics["error_rates"]["rated"] == 0.75
    assert 0 < statistics["error_rate"] <= 1
    assert handler.get_performance_statistics()["operations"]["import_orders"]["error_rate"] == 0.75


async def test_a_window_of_two_instants_is_asked_as_it_is(handler: ChangelogErrorHandler) -> None:
    statistics = handler.get_error_statistics((NOW - 40 * HOUR, NOW - 30 * HOUR))
    assert (statistics["total_errors"], statistics["window_end"]) == (0, NOW - 30 * HOUR)


@pytest.mark.parametrize(
    "window",
    [
        timedelta(),
        -HOUR,
        timedelta(days=100_000),
        (NOW, NOW),
        (NOW, NOW - HOUR),
        (NOW + 1_000 * HOUR, NOW + 2_000 * HOUR),
        (datetime(2026, 1, 1), datetime(2026, 1, 2)),  # noqa: DTZ001 (without a timezone on purpose)
    ],
)
async def test_a_window_that_makes_no_sense_is_refused_with_why(handler: ChangelogErrorHandler, window: Any) -> None:
    with pytest.raises(ImpossibleSpan, match="the window"):
        handler.get_error_statistics(window)


@pytest.mark.parametrize("window", [float("nan"), 24, None, "24h", ("a", "b")])
async def test_what_is_no_window_is_a_type_error(handler: ChangelogErrorHandler, window: Any) -> None:
    with pytest.raises(TypeError, match="a window is"):
        handler.get_error_statistics(window)


async def test_recommendations_are_a_list_and_none_without_evidence(handler: ChangelogErrorHandler) -> None:
    assert handler.get_optimization_recommendations() == []


async def test_without_a_database_it_says_which_variable_is_missing() -> None:
    lonely = ChangelogErrorHandler(connection=Connection(program="lonely"))
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        lonely.get_error_statistics(HOUR)
    assert lonely.get_performance_statistics()["on_record"] is None
    lonely.close()


async def test_a_database_that_is_away_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    away = ChangelogErrorHandler(
        connection=Connection(program="away", database_url="postgresql://nobody:secret@127.0.0.1:1/nothing")
    )
    monkeypatch.setattr(snapshots, "BLOCKS_FOR", BLOCKS_FOR)
    began = time.monotonic()
    with pytest.raises((DatabaseUnavailable, NotInTime)) as refused:
        away.get_error_statistics(HOUR)
    assert time.monotonic() - began < BLOCKS_FOR + 1
    assert "secret" not in str(refused.value)
    away.close()


async def test_the_last_answer_is_given_again_with_its_age(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    questions, may_come = Snapshots(core), threading.Event()
    answers = [lambda: given({"n": 1}), lambda: late({"n": 2}, may_come), raising, lambda: given({"n": 3})]
    first = questions.ask("n", answers[0])
    await asyncio.sleep(0.05)
    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "BLOCKS_FOR", 0.1)
        second = questions.ask("n", answers[1])
    assert (first["n"], first["age_seconds"], second["n"]) == (1, 0, 1)
    assert second["age_seconds"] >= 0.05
    assert questions.ask("n", answers[2])["n"] == 1
    may_come.set()
    async with asyncio.timeout(60):  # what came too late is the next one's snapshot
        while questions.ask("n", answers[2])["n"] != 2:
            await asyncio.sleep(0.05)
    assert questions.ask("n", answers[3])["n"] == 3


async def test_without_a_last_answer_being_late_is_an_error(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "BLOCKS_FOR", 0.05)
    with pytest.raises(NotInTime, match="did not answer"):
        Snapshots(core).ask("n", lambda: late({"n": 2}, threading.Event()))


async def given(answer: dict[str, Any]) -> dict[str, Any]:
    return answer


async def late(answer: dict[str, Any], may_come: threading.Event) -> dict[str, Any]:
    while not may_come.is_set():
        await asyncio.sleep(0.01)
    return answer


async def raising() -> dict[str, Any]:
    raise DatabaseUnavailable("away")
