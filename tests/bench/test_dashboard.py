"""The benchmarks of the dashboard, scaled down: they must not rot. No time is asserted."""

import pytest

from bench import dashboard, onlookers

pytestmark = pytest.mark.timeout(400)


async def test_more_teams_are_no_more_questions() -> None:
    figures, details = await dashboard.run(teams=12, weeks=3, repetitions=1)
    assert [figure.row for figure in figures] == ["M"] * 13
    assert figures[-1].value == 0
    assert details["questions"]["/"] > 5


async def test_a_few_who_look_ask_the_database_as_often_as_one() -> None:
    figures, details = await onlookers.run(scale=0.1, repetitions=1, browsers=5, watched_seconds=6)
    assert 0 < figures[2].value < 2  # not five times as often
    assert figures[3].value > 0
    assert all(details["5"]["statements"])
