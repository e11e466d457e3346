"""Who is told what and when: each transition of an alert, and what holds whatever happens."""

from datetime import timedelta

import pytest

from devsync.domain.health import alerts
from devsync.domain.health.book import AlertBook, AlertState
from devsync.domain.health.naming import RuleName
from devsync.domain.health.rules import Problem, Verdict
from devsync.domain.refusal import Refused
from tests.domain.health.alert_watch import BLIND, CRITICAL, FINE, GITHUB, HIGH, MEDIUM, Watch, firing, wrong
from tests.domain.health.makers import HOUR, MINUTE, NOW


def test_what_becomes_something_else_changes_what_is_known_and_is_no_new_alert() -> None:
    watch = firing()
    other = Problem(
        rule=RuleName.ERROR_RATE, subject="github", level=HIGH, aspect="another", summary="github is ill otherwise"
    )
    otherwise = Verdict(rule=RuleName.ERROR_RATE, problems=(other,))
    assert watch.tick(1 * MINUTE, otherwise) == []
    assert [(one.state, one.summary) for one in watch.changed] == [(AlertState.FIRING, "github is ill otherwise")]
    watch.tick(2 * MINUTE, otherwise)
    assert not watch.changed


def test_it_is_told_once_then_after_each_cool_down_then_when_it_is_over() -> None:
    watch = firing()
    told = {minute: watch.tick(minute * MINUTE, wrong("github")) for minute in range(1, 130)}
    assert {minute: kinds for minute, kinds in told.items() if kinds} == {60: ["reminded"], 120: ["reminded"]}
    told = {minute: watch.tick(minute * MINUTE, FINE) for minute in range(130, 140)}
    assert {minute: kinds for minute, kinds in told.items() if kinds} == {132: ["resolved"]}


def test_a_restart_in_between_tells_nobody_twice() -> None:
    watch = firing()
    watch.book = AlertBook.model_validate_json(watch.book.model_dump_json())
    assert watch.tick(MINUTE, wrong("github")) == []
    assert watch.tick(MINUTE, wrong("github")) == []


def test_a_moment_without_it_does_not_resolve_it() -> None:
    watch = firing()
    for minute in range(1, 20):
        assert watch.tick(minute * MINUTE, wrong("github") if minute % 2 else FINE) == []
    assert watch.alert().state is AlertState.FIRING


def test_a_rule_that_cannot_look_resolves_nothing() -> None:
    watch = firing()
    for minute in range(1, 50):
        assert watch.tick(minute * MINUTE, BLIND) == []
    assert watch.alert().is_open
    assert watch.tick(50 * MINUTE) == []


def test_a_rule_that_saw_a_part_tells_what_is_wrong_in_it_and_resolves_nothing() -> None:
    watch = firing()
    part = wrong("jira").model_copy(update={"is_known": False})
    assert watch.tick(MINUTE, part) == ["fired"]
    assert not any(watch.tick(minute * MINUTE, part) for minute in range(2, 50))
    assert watch.alert().is_open
    assert watch.alert("error_rate:jira").seen_at == NOW + 49 * MINUTE


def test_nobody_is_reminded_of_what_is_recovering_and_of_what_falls_back_they_are() -> None:
    watch, ill = firing(), wrong("github")
    (problem,) = ill.problems
    recovering = ill.model_copy(update={"problems": (problem.model_copy(update={"is_recovering": True}),)})
    assert not any(watch.tick(minute * MINUTE, recovering) for minute in range(1, 200))
    assert watch.alert().is_open
    assert watch.tick(200 * MINUTE, ill) == ["reminded"]


def test_what_comes_back_within_the_cool_down_is_told_when_that_is_over() -> None:
    watch = firing()
    first = watch.alert().id
    watch.tick(MINUTE, FINE)
    assert watch.tick(3 * MINUTE, FINE) == ["resolved"]
    told = {minute: watch.tick(minute * MINUTE, wrong("github")) for minute in range(10, 70)}
    assert {minute: kinds for minute, kinds in told.items() if kinds} == {60: ["fired"]}
    assert watch.alert().id != first


def test_flapping_all_day_tells_once_an_hour() -> None:
    watch, told = Watch(), list[str]()
    for minute in range(24 * 60):
        told += watch.tick(minute * MINUTE, wrong("github") if minute % 8 < 4 else FINE)
    assert told.count("fired") <= 24
    assert told.count("fired") >= told.count("resolved") >= told.count("fired") - 1


def test_what_comes_back_worse_is_told_at_once() -> None:
    watch = firing()
    watch.tick(MINUTE, FINE)
    watch.tick(3 * MINUTE, FINE)
    assert watch.tick(5 * MINUTE, wrong("github", level=CRITICAL)) == ["fired"]


def test_what_becomes_worse_is_told_at_once_and_once() -> None:
    watch = firing()
    assert watch.tick(MINUTE, wrong("github", level=CRITICAL)) == ["worse"]
    assert watch.tick(2 * MINUTE, wrong("github", level=MEDIUM)) == []
    assert watch.tick(3 * MINUTE, wrong("github", level=CRITICAL)) == []
    assert watch.alert().level is CRITICAL


def test_a_level_that_was_told_is_no_news_after_a_reminder_of_a_lower_one() -> None:
    watch = firing()
    assert watch.tick(MINUTE, wrong("github", level=CRITICAL)) == ["worse"]
    assert watch.tick(61 * MINUTE, wrong("github", level=MEDIUM)) == ["reminded"]
    assert watch.tick(62 * MINUTE, wrong("github", level=CRITICAL)) == []


def test_who_has_taken_it_is_not_reminded_until_their_time_is_over() -> None:
    watch = firing()
    assert watch.take(alerts.acknowledge(watch.book, GITHUB, "anna", NOW + MINUTE)) == []
    assert [alert.acknowledged_by for alert in watch.changed] == ["anna"]
    told = {hour: watch.tick(hour * HOUR, wrong("github")) for hour in range(1, 27)}
    assert {hour: kinds for hour, kinds in told.items() if kinds} == {25: ["reminded"], 26: ["reminded"]}


def test_what_becomes_worse_is_nobodys_any_more() -> None:
    watch = firing()
    watch.take(alerts.acknowledge(watch.book, watch.alert().id, "anna", NOW))
    assert watch.tick(MINUTE, wrong("github", level=CRITICAL)) == ["worse"]
    assert (watch.alert().state, watch.alert().acknowledged_by) == (AlertState.FIRING, "")


def test_a_level_that_was_told_before_it_was_taken_takes_it_from_nobody() -> None:
    watch = firing()
    watch.tick(MINUTE, wrong("github", level=MEDIUM))
    watch.take(alerts.acknowledge(watch.book, GITHUB, "anna", NOW + MINUTE))
    assert watch.tick(2 * MINUTE, wrong("github")) == []
    assert (watch.alert().level, watch.alert().acknowledged_by) == (HIGH, "anna")


def test_what_is_acknowledged_and_over_is_resolved() -> None:
    watch = firing()
    watch.take(alerts.acknowledge(watch.book, GITHUB, "anna", NOW))
    watch.tick(MINUTE, FINE)
    assert watch.tick(3 * MINUTE, FINE) == ["resolved"]


def test_only_what_is_open_and_nobodys_can_be_acknowledged() -> None:
    watch = firing()
    with pytest.raises(Refused, match="there is no alert 'error_rate:jira'"):
        alerts.acknowledge(watch.book, "error_rate:jira", "anna", NOW)
    watch.take(alerts.acknowledge(watch.book, GITHUB, "anna", NOW))
    with pytest.raises(Refused, match="anna has acknowledged it already"):
        alerts.acknowledge(watch.book, GITHUB, "bo", NOW)
    watch.tick(MINUTE, FINE)
    watch.tick(3 * MINUTE, FINE)
    with pytest.raises(Refused, match="is resolved already"):
        alerts.acknowledge(watch.book, GITHUB, "bo", NOW)


def test_only_what_changed_is_written() -> None:
    watch = firing()
    assert [alert.key for alert in watch.changed] == [GITHUB]
    watch.tick(MINUTE, wrong("github"))
    assert watch.changed == ()


def test_a_clock_that_goes_back_makes_nobody_wait_longer_than_the_cool_down() -> None:
    watch = firing()
    back = timedelta(days=-3)
    watch.tick(back, wrong("github"))
    assert watch.tick(back + HOUR, wrong("github")) == ["reminded"]
    watch.tick(back + HOUR, FINE)
    assert watch.tick(back + HOUR + 2 * MINUTE, FINE) == ["resolved"]


def test_a_resolved_one_is_forgotten_after_its_cool_down_and_when_nothing_that_followed_from_it_is_counted() -> None:
    watch = firing()
    watch.tick(MINUTE, FINE)
    watch.tick(3 * MINUTE, FINE)
    watch.tick(60 * MINUTE, FINE)
    assert [alert.key for alert in watch.book.alerts] == [GITHUB]
    watch.tick(61 * MINUTE, FINE)
    assert not watch.book.alerts


def test_the_open_ones_are_listed_by_how_bad_they_are() -> None:
    watch = Watch()
    watch.tick(timedelta(), wrong("github"))
    watch.tick(MINUTE, wrong("github"), wrong("slack", rule=RuleName.BREAKER_OPEN, level=CRITICAL))
    assert [alert.key for alert in watch.book.open] == ["breaker_open:slack", GITHUB]
