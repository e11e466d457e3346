"""How alerts become notices: many are one, and an hour has a bounded number."""

from datetime import datetime, timedelta

from devsync.domain.health.book import AlertPolicy, AlertState
from devsync.domain.health.naming import RuleName
from tests.domain.health.alert_watch import CRITICAL, FINE, LOW, POLICY, Watch, firing, wrong
from tests.domain.health.makers import HOUR, MINUTE


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
