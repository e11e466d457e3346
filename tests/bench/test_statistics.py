"""The benchmarks of statistics and of recording, scaled down: they must not rot. No time is asserted."""

import pytest

from bench import recording, statistics

pytestmark = pytest.mark.timeout(600)


async def test_a_small_table_is_asked_everything() -> None:
    figures, details = await statistics.run(rows=3_000, repetitions=1)
    assert {figure.row for figure in figures} == {"K"}
    assert all(figure.value > 0 for figure in figures)
    assert details["rows"] == 3_000


async def test_a_small_edition_is_made_with_records_of_its_operations_and_without() -> None:
    figures, details = await recording.run(scale=0.1, repetitions=1)
    assert all(figure.value > 0 for figure in figures)
    assert set(details) == {"scale", "with", "without"}
