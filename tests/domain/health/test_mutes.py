"""Nobody is told of an alert while it is muted: what that means for what begins, lasts and ends meanwhile."""

from datetime import timedelta

import pytest

from devsync.domain.health import alerts
from devsync.domain.health.alerts import MUTES_AT_MOST
from devsync.domain.health.book import AlertBook, Mute
from devsync.domain.refusal import Refused
from tests.domain.health.alert_watch import FINE, firing, maintenance, muted, wrong
from tests.domain.health.makers import HOUR, MINUTE, NOW


def test_in_a_maintenance_window_nobody_is_told_and_what_still_fires_is_told_after_it() -> None:
    watch = muted(maintenance(until=30 * MINUTE))
    told = {minute: watch.tick(minute * MINUTE, wrong("github")) for minute in range(40)}
    assert {minute: kinds for minute, kinds in told.items() if kinds} == {30: ["fired"]}
    assert watch.alert().opened_at == NOW
    assert watch.book.mutes == ()


def test_what_began_and_ended_within_it_is_never_told() -> None:
    watch = muted(maintenance(until=30 * MINUTE))
    told = [watch.tick(minute * MINUTE, wrong("github") if minute < 10 else FINE) for minute in range(60)]
    assert not any(told)
    assert [alert.state for alert in watch.changed] == []


def test_what_is_nearly_over_when_it_ends_is_never_told() -> None:
    watch = muted(maintenance(until=30 * MINUTE))
    told = [watch.tick(minute * MINUTE, wrong("github") if minute < 30 else FINE) for minute in range(60)]
    assert not any(told)


def test_the_end_of_what_was_told_before_it_is_told_within_it() -> None:
    watch = firing()
    watch.take(alerts.mute(watch.book, maintenance(), NOW))
    watch.tick(MINUTE, FINE)
    assert watch.tick(3 * MINUTE, FINE) == ["resolved"]


@pytest.mark.parametrize(
    ("mute", "told"),
    [
        (maintenance("error_rate:*"), []),
        (maintenance("*:github"), []),
        (maintenance("breaker_open:*"), ["fired"]),
        (maintenance("error_rate:jira"), ["fired"]),
        (maintenance(since=MINUTE), ["fired"]),
    ],
    ids=["its rule", "its service", "another rule", "another service", "not yet"],
)
def test_a_mute_silences_what_its_pattern_says_while_it_lasts(mute: Mute, told: list[str]) -> None:
    assert muted(mute).tick(timedelta(), wrong("github")) == told


def test_a_mute_that_is_ended_lets_be_told_what_still_fires() -> None:
    watch = muted(maintenance())
    assert watch.tick(MINUTE, wrong("github")) == []
    watch.take(alerts.unmute(watch.book, "*"))
    assert watch.tick(2 * MINUTE, wrong("github")) == ["fired"]


@pytest.mark.parametrize(
    ("mute", "why"),
    [
        (maintenance(until=-MINUTE), "over before it begins"),
        (maintenance(since=HOUR, until=HOUR), "over before it begins"),
        (maintenance(until=timedelta(days=31)), "longer than 30 days"),
    ],
)
def test_an_impossible_mute_is_refused(mute: Mute, why: str) -> None:
    with pytest.raises(Refused, match=why):
        alerts.mute(AlertBook(), mute, NOW)


def test_the_same_mute_twice_one_that_is_not_there_and_too_many_are_refused() -> None:
    book = alerts.mute(AlertBook(), maintenance(), NOW).book
    with pytest.raises(Refused, match="muted already, until 2026-11-23 13:00 UTC"):
        alerts.mute(book, maintenance(), NOW)
    with pytest.raises(Refused, match="memory is not muted"):
        alerts.unmute(book, "memory")
    full = AlertBook(mutes=tuple(maintenance(str(number)) for number in range(MUTES_AT_MOST)))
    with pytest.raises(Refused, match="end one of them"):
        alerts.mute(full, maintenance(), NOW)


def test_beside_an_alert_it_is_muted_once_while_it_is_open() -> None:
    watch = firing()
    alert = watch.alert()
    asked = maintenance(alert.key)
    watch.take(alerts.mute_beside(watch.book, alert.id, asked, NOW))
    assert watch.book.mutes == (asked,)
    with pytest.raises(Refused, match="anna has muted it already, until 2026-11-23 13:00 UTC"):
        alerts.mute_beside(watch.book, alert.id, asked.model_copy(update={"by": "ben"}), NOW + MINUTE)
    again = maintenance(alert.key, since=HOUR, until=2 * HOUR)
    assert alerts.mute_beside(watch.book, alert.id, again, NOW + HOUR).book.mutes == (asked, again)
    with pytest.raises(Refused, match="error_rate:jira is over"):
        alerts.mute_beside(watch.book, "error_rate:jira@20261123T110000.000000Z", again, NOW)
