"""The benchmark of a fleet, scaled down: it must not rot. No time is asserted."""

import pytest

from bench.fleet import run

pytestmark = pytest.mark.timeout(600)


async def test_a_scaled_down_run_measures_its_row() -> None:
    figures, details = await run(scale=0.02, repetitions=1)
    assert {figure.row for figure in figures} == {"H"}
    assert all(figure.value > 0 for figure in figures)
    assert sum(details["rounds"]) > len(details["rounds"]), "activities of an edition run side by side"
