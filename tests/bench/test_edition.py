"""The benchmark of editions, scaled down: it must not rot. No time is asserted."""

import pytest

from bench.edition import run

pytestmark = pytest.mark.timeout(600)


async def test_a_scaled_down_run_measures_every_row() -> None:
    figures, details = await run(scale=0.04, repetitions=1)
    assert {figure.row for figure in figures} == set("ABCDEJ")
    assert all(figure.value > 0 for figure in figures if figure.at_most != 0)
    differing = next(figure for figure in figures if "differ" in figure.what)
    assert differing.value == 0, "the bare script must make the product's calls, or nothing is compared"
    assert details["large"]["items"] > 200
