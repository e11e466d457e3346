"""Charts: what a table and a sentence say is what is drawn, and too little is drawn not at all."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from dashboard.charts import Chart, Line, Look, days, hours, limit, quantity

TIMES = days(date(2026, 11, 21), 3)


def chart(*values: float | None) -> Chart:
    lines = (Line("slowest", values, Look.BARS), limit("limit", 180, TIMES))
    return Chart(name="time", title="Generation time", unit="s", times=TIMES, lines=lines)


def test_the_sentence_names_the_newest_the_highest_and_the_limit() -> None:
    assert chart(31.25, None, 12).summary == "Newest 12 s (2026-11-23), highest 31.2 s (2026-11-21); limit 180 s."


def test_the_table_has_what_was_measured_the_newest_first() -> None:
    assert chart(31.25, None, 12).rows == [("2026-11-23", ["12 s", "180 s"]), ("2026-11-21", ["31.2 s", "180 s"])]


def test_what_is_drawn_has_a_gap_where_nothing_was_measured() -> None:
    drawn = json.loads(chart(31.25, None, 12).drawn)
    assert drawn["times"][0] == datetime(2026, 11, 21, tzinfo=UTC).timestamp()
    assert [line["values"] for line in drawn["lines"]] == [[31.25, None, 12], [180, 180, 180]]
    assert [line["look"] for line in drawn["lines"]] == ["bars", "limit"]


@pytest.mark.parametrize(
    ("values", "has_enough"), [((None, None, None), False), ((None, 5, None), False), ((1, 0, None), True)]
)
def test_one_value_is_no_course_of_things(values: tuple[float | None, ...], has_enough: bool) -> None:
    assert chart(*values).has_enough is has_enough


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [(0, "%", "0 %"), (0.25, "s", "0.25 s"), (9.5, "%", "9.5 %"), (12.34, "s", "12.3 s"), (1250.4, "MB", "1,250 MB"),
     (-3.456, "", "-3.46"), (100, "", "100")],
)  # fmt: skip
def test_quantities_have_three_digits_and_their_unit(value: float, unit: str, told: str) -> None:
    assert quantity(value, unit) == told


def test_hours_end_with_the_one_that_is_under_way() -> None:
    assert [f"{one:%d %H:%M}" for one in hours(datetime(2026, 11, 23, 1, 37, tzinfo=UTC), 3)] == [
        "22 23:00", "23 00:00", "23 01:00",
    ]  # fmt: skip
