"""Durations are read as people write them and refused with the right form."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from devsync.settings.durations import Duration, PositiveDuration, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("300ms", timedelta(milliseconds=300)),
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("6d", timedelta(days=6)),
        ("0s", timedelta(0)),
    ],
)
def test_a_number_and_a_unit_are_a_duration(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2 hour", '"2 hour" is not a duration; write "2h"'),
        ("120 minutes", '"120 minutes" is not a duration; write "120m"'),
        ("1h30m", '"1h30m" is not a duration; write "90m"'),
        ("1.5h", '"1.5h" is not a duration; write "90m"'),
        ("2H", '"2H" is not a duration; write "2h"'),
        ("3 days", '"3 days" is not a duration; write "3d"'),
        ("90", '"90" is not a duration; write "90s"'),
        (90, '90 is not a duration; write "90s"'),
        (0.5, '0.5 is not a duration; write "500ms"'),
        ("soon", '"soon" is not a duration; write it like "90s", "15m", "2h" or "6d"'),
        ("", '"" is not a duration; write it like "90s", "15m", "2h" or "6d"'),
        ("-5s", '"-5s" is negative; write "5s"'),
        ("-soon", '"-soon" is not a duration; write it like "90s", "15m", "2h" or "6d"'),
        ("9" * 30 + "d", f'"{"9" * 30}d" is longer than time can tell; write it like "90s", "15m", "2h" or "6d"'),
        ("9" * 400 + "  d", f'"{"9" * 400}  d" is not a duration; write it like "90s", "15m", "2h" or "6d"'),
        (True, 'is not a duration; write it like "90s", "15m", "2h" or "6d"'),
        (None, 'is not a duration; write it like "90s", "15m", "2h" or "6d"'),
    ],
)
def test_another_form_is_refused_with_the_right_one(value: object, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Duration).validate_python(value)
    assert refused.value.errors()[0]["msg"] == f"Value error, {message}"


def test_a_positive_duration_is_not_zero() -> None:
    with pytest.raises(ValidationError, match='"0s" is no time at all; write a longer duration'):
        TypeAdapter(PositiveDuration).validate_python("0m")


def test_a_negative_duration_has_no_text() -> None:
    with pytest.raises(ValueError, match="is negative"):
        format_duration(timedelta(seconds=-1))


@pytest.mark.parametrize("text", ["90s", "2h", "1d", "1500ms", "61m"])
def test_the_shortest_text_is_written(text: str) -> None:
    assert format_duration(parse_duration(text)) == text


@given(st.timedeltas(min_value=timedelta(0)))
def test_every_duration_survives_json(duration: timedelta) -> None:
    adapter = TypeAdapter(Duration)
    assert adapter.validate_json(adapter.dump_json(duration)) == duration


@given(st.text() | st.from_regex(r"\d+(\.\d+)? ?[a-z]*", fullmatch=True))
def test_the_form_that_a_refusal_names_is_accepted(text: str) -> None:
    try:
        parse_duration(text)
    except ValueError as refused:
        for named in re.findall(r'; write "(.*)"$', str(refused)):
            parse_duration(named)
