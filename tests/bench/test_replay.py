"""The benchmark of replay, scaled down: it must not rot. No time is asserted."""

import pytest

from bench.replay import run

pytestmark = pytest.mark.timeout(600)


async def test_a_scaled_down_run_measures_its_row() -> None:
    figures, details = await run(scale=0.02, repetitions=1)
    assert {figure.row for figure in figures} == {"I"}
    assert all(figure.value > 0 for figure in figures)
    assert details["events"] >= 200
