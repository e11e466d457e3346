"""The benchmark of breakers, scaled down: it must not rot. No time is asserted."""

from bench.breaker import run


async def test_a_scaled_down_run_measures_its_row() -> None:
    figures, details = await run(scale=0.02, repetitions=1, processes=2)
    assert {figure.row for figure in figures} == {"G"}
    assert details["gates"] >= 2
    assert details["outcomes"] > 500
    assert details["lost_or_doubled"] == 0
