"""Instants within words: whoever writes one can be sure that it is found again."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from devsync.domain.instants import apart, in_utc

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_an_instant_is_told_in_utc_whatever_its_own_zone() -> None:
    assert in_utc(NOON) == in_utc(NOON.astimezone(timezone(timedelta(hours=5)))) == "2026-11-23 12:00 UTC"


def test_what_is_told_is_found_again_in_its_place() -> None:
    later = NOON + timedelta(minutes=90)
    assert list(apart(f"asked at {in_utc(NOON)}, until {in_utc(later)}; then?")) == [
        "asked at ", NOON, ", until ", later, "; then?",
    ]  # fmt: skip
    assert list(apart("no call before 2026-11-23 12:00:30 UTC")) == [
        "no call before ", NOON + timedelta(seconds=30), "",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "nothing", "2026-11-23 12:00", "12026-11-23 12:00 UTC", "2026-11-23 12:00 UTCX"])
def test_what_is_no_instant_stays_text(text: str) -> None:
    assert list(apart(text)) == [text]


def test_a_time_that_there_is_not_stays_text() -> None:
    assert "".join(map(str, apart("on 2026-13-40 99:99 UTC!"))) == "on 2026-13-40 99:99 UTC!"
