"""Who is told what and when: each transition of an alert, and what holds whatever happens."""

from datetime import datetime, timedelta

import pytest

from devsync.domain.errors import ErrorSeverity
from devsync.domain.health import alerts
from devsync.domain.health.alerts import MUTES_AT_MOST, Refused
from devsync.domain.health.book import Alert, AlertBook, AlertPolicy, AlertState, Mute, Notice, Round
from devsync.domain.health.rules import Problem, RuleName, Verdict
from tests.domain.health.makers import HOUR, MINUTE, NOW

POLICY = AlertPolicy()
LOW, MEDIUM, HIGH, CRITICAL = ErrorSeverity
GITHUB = "error_rate:github"


def wrong(*subjects: str, level: ErrorSeverity = HIGH, rule: RuleName = RuleName.ERROR_RATE) -> Verdict:
    problems = (Problem(rule=rule, subject=subject, level=level, summary=f"{subject} is ill") for subject in subjects)
    return Verdict(rule=rule, problems=tuple(problems))


FINE = wrong()
BLIND = Verdict(rule=RuleName.ERROR_RATE, is_known=False)


class Watch:
    """Ticks one after the other, and what was told at each."""

    def __init__(self, policy: AlertPolicy = POLICY) -> None:
        self.book, self.policy = AlertBook(), policy
        self.changed: tuple[Alert, ...] = ()
        self.notices: tuple[Notice, ...] = ()

    def tick(self, after: timedelta, *verdicts: Verdict) -> list[str]:
        return self.take(alerts.apply(self.book, verdicts, self.policy, NOW + after))

    def take(self, followed: Round) -> list[str]:
        self.book, self.notices, self.changed = followed
        return [notice.kind.value for notice in self.notices]

    def alert(self, key: str = GITHUB) -> Alert:
        return next(alert for alert in self.book.alerts if alert.key == key)


def firing(policy: AlertPolicy = POLICY) -> Watch:
    watch = Watch(policy)
    assert watch.tick(0 * MINUTE, wrong("github")) == ["fired"]
    return watch


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


def maintenance(pattern: str = "*", since: timedelta = timedelta(), until: timedelta = HOUR) -> Mute:
    return Mute(pattern=pattern, since=NOW + since, until=NOW + until, by="anna", reason="moving house")


def muted(mute: Mute) -> Watch:
    watch = Watch()
    watch.take(alerts.mute(watch.book, mute, NOW))
    return watch


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


def test_many_at_once_are_one_notice_and_each_is_reminded_of_with_the_others() -> None:
    watch = Watch()
    missing = wrong(*(f"team{number}:2026-W47" for number in range(200)), rule=RuleName.EDITION_MISSING, level=CRITICAL)
    assert watch.tick(timedelta(), missing) == ["fired"]
    (notice,) = watch.notices
    assert len(notice.alerts) == 200
    assert notice.summary == "200 alerts of edition missing, the first one: team0:2026-W47 is ill"
    assert watch.tick(MINUTE, missing) == []
    assert watch.tick(HOUR, missing) == ["reminded"]


def test_a_few_at_once_are_told_each() -> None:
    watch = Watch()
    assert watch.tick(timedelta(), wrong("github", "jira", "slack", "email")) == ["fired"] * 4
    assert [notice.summary for notice in watch.notices] == [
        f"{service} is ill" for service in ("github", "jira", "slack", "email")
    ]


def test_a_subject_named_twice_is_one_alert_with_both_counts() -> None:
    watch = Watch()
    watch.tick(timedelta(), wrong("github", "github"))
    assert [alert.count for alert in watch.book.alerts] == [2]


def test_what_exceeds_the_hours_notices_waits_and_what_is_critical_does_not() -> None:
    watch = Watch(AlertPolicy(notices_per_hour=2))
    rates, opened = wrong("github", "jira", "slack"), wrong("email", rule=RuleName.BREAKER_OPEN, level=CRITICAL)
    assert watch.tick(timedelta(), rates) == ["fired", "fired"]
    assert watch.tick(MINUTE, rates, opened) == ["fired"]
    assert [notice.rule for notice in watch.notices] == [RuleName.BREAKER_OPEN]
    told = {minute: watch.tick(minute * MINUTE, rates, opened) for minute in range(2, 62)}
    assert [minute for minute, kinds in told.items() if kinds] == [60, 61]
    assert all(alert.times_told for alert in watch.book.alerts)


def test_an_end_that_nobody_could_be_told_of_and_a_new_begin_are_one_story() -> None:
    watch = Watch(AlertPolicy(notices_per_hour=1))
    assert watch.tick(timedelta(), wrong("github")) == ["fired"]
    first = watch.alert().id
    watch.tick(MINUTE, FINE)
    assert watch.tick(3 * MINUTE, FINE) == []
    assert watch.tick(5 * MINUTE, wrong("github")) == []
    assert (watch.alert().id, watch.alert().state) == (first, AlertState.FIRING)


def test_an_end_that_is_owed_is_told_however_late() -> None:
    watch = Watch(AlertPolicy(notices_per_hour=1, cool_down=5 * MINUTE))
    watch.tick(timedelta(), wrong("github"))
    told = {minute: watch.tick(minute * MINUTE, FINE) for minute in range(1, 70)}
    assert [minute for minute, kinds in told.items() if kinds] == [60]


def test_an_optimisation_is_told_once_a_week() -> None:
    watch, advice = Watch(), wrong("cache_hits:github", rule=RuleName.OPTIMISATION, level=LOW)
    told = {hour: watch.tick(hour * HOUR, advice) for hour in range(24 * 8)}
    assert [hour for hour, kinds in told.items() if kinds] == [0, 24 * 7]


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


def test_a_resolved_one_is_forgotten_after_its_cool_down() -> None:
    watch = firing()
    watch.tick(MINUTE, FINE)
    watch.tick(3 * MINUTE, FINE)
    watch.tick(59 * MINUTE, FINE)
    assert [alert.key for alert in watch.book.alerts] == [GITHUB]
    watch.tick(60 * MINUTE, FINE)
    assert not watch.book.alerts


def test_the_open_ones_are_listed_by_how_bad_they_are() -> None:
    watch = Watch()
    watch.tick(timedelta(), wrong("github"))
    watch.tick(MINUTE, wrong("github"), wrong("slack", rule=RuleName.BREAKER_OPEN, level=CRITICAL))
    assert [alert.key for alert in watch.book.open] == ["breaker_open:slack", GITHUB]


def test_ids_name_the_time_that_it_fires() -> None:
    watch = firing()
    assert [notice.id for notice in watch.notices] == ["error_rate:github@20261123T120000.000000Z/fired/1"]
    assert isinstance(watch.alert().opened_at, datetime)


def test_a_silent_policy_tells_nobody_and_what_still_fires_when_it_ends_is_told_then() -> None:
    watch = Watch(AlertPolicy(is_silent=True))
    assert watch.tick(timedelta(), wrong("github")) == []
    assert watch.alert().is_open
    watch.policy = POLICY
    assert watch.tick(MINUTE, wrong("github")) == ["fired"]
