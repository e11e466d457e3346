"""The benchmark of watching runs, small: what it measures on a busy machine says nothing."""

import pytest

from bench.watching import run

pytestmark = pytest.mark.timeout(600)


async def test_it_measures_an_edition_of_each_kind_of_worker() -> None:
    figures, details = await run(scale=0.05, repetitions=1)
    assert [figure.is_met is None for figure in figures] == [False, False, False, True, True]
    assert all(figure.value > 0 for figure in figures)
    assert details.keys() == {"scale", "nothing", "metrics", "traces"}
