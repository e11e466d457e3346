"""An alert whose matter other alerts tell of: nobody hears the same twice, and nothing is told by nobody."""

from datetime import timedelta

from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.causes import Follows
from devsync.domain.health.naming import RuleName
from devsync.domain.health.rules import Problem, Verdict
from tests.domain.health.alert_watch import (
    BLIND,
    CRITICAL,
    FINE,
    GITHUB,
    HIGH,
    MEDIUM,
    Watch,
    maintenance,
    muted,
    wrong,
)
from tests.domain.health.makers import HOUR, MINUTE, NOW

WHOLE = "health:overall"


def whole(*said_by: str, level: ErrorSeverity = MEDIUM, summary: str = "the system is degraded") -> Verdict:
    problem = Problem(rule=RuleName.HEALTH, subject="overall", level=level, summary=summary, said_by=said_by)
    return Verdict(rule=RuleName.HEALTH, problems=(problem,))


def test_what_another_alert_says_is_told_by_that_alone() -> None:
    watch = Watch()
    assert watch.tick(0 * MINUTE, wrong("github"), whole(GITHUB)) == ["fired"]
    assert [alert.key for alert in watch.book.alerts] == [GITHUB]
    told = {minute: watch.tick(minute * MINUTE, wrong("github"), whole(GITHUB)) for minute in range(1, 70)}
    assert {minute: kinds for minute, kinds in told.items() if kinds} == {60: ["reminded"]}
    assert [watch.tick((70 + minute) * MINUTE, FINE, whole(GITHUB)) for minute in range(3)] == [
        [],
        [],
        ["resolved", "fired"],
    ]
    assert watch.alert(WHOLE).is_open, "it is still so, and nobody says it any more"


def test_a_muted_alert_says_it_too() -> None:
    watch = muted(maintenance("*:github"))
    assert not any(watch.tick(minute * MINUTE, wrong("github"), whole(GITHUB)) for minute in range(50))


def test_several_alerts_say_it_when_all_are_open() -> None:
    watch = Watch()
    said = whole("error_rate:github", "error_rate:jira")
    assert watch.tick(0 * MINUTE, wrong("github"), said) == ["fired", "fired"]
    assert watch.tick(1 * MINUTE, wrong("github", "jira"), said) == ["fired"]
    told = [watch.tick(minute * MINUTE, wrong("github", "jira"), said) for minute in range(2, 10)]
    assert [kinds for kinds in told if kinds] == [["resolved"]], "of what it said every part has its alert now"
    assert not watch.alert(WHOLE).is_open


def test_what_none_says_is_told_at_its_own_level() -> None:
    watch = Watch()
    missing = Problem(
        rule=RuleName.HEALTH, subject="overall", level=CRITICAL, summary="the system is critical", said_by=(GITHUB,)
    )
    besides = whole().problems[0]
    both = Verdict(rule=RuleName.HEALTH, problems=(missing, besides))
    watch.tick(0 * MINUTE, wrong("github"), both)
    assert (watch.alert(WHOLE).level, watch.alert(WHOLE).summary) == (MEDIUM, "the system is degraded")


def test_what_another_alert_says_is_not_the_end_of_what_was_told_while_a_part_is_unknown() -> None:
    watch = Watch()
    assert watch.tick(0 * MINUTE, wrong("github"), whole()) == ["fired", "fired"]
    part = whole(GITHUB).model_copy(update={"is_known": False})
    assert not any(watch.tick(minute * MINUTE, BLIND, part) for minute in range(1, 50))
    assert watch.alert(WHOLE).is_open
    assert [watch.tick((50 + minute) * MINUTE, wrong("github"), whole(GITHUB)) for minute in range(3)] == [
        [],
        [],
        ["resolved"],
    ]


def test_that_several_are_ill_is_told_where_it_is_worse_than_the_worst_of_them() -> None:
    said = ("error_rate:github", "error_rate:jira")
    for level, told in ((HIGH, ["fired", "fired"]), (CRITICAL, ["fired", "fired", "fired"])):
        watch = Watch()
        assert watch.tick(0 * MINUTE, wrong("github", "jira"), whole(*said, level=level)) == told


# What follows from a cause.

OPEN = "breaker_open:github"


def opened(*subjects: str) -> Verdict:
    return wrong(*subjects, rule=RuleName.BREAKER_OPEN, level=CRITICAL)


def rate(until: timedelta = timedelta(), service: str = "github", cause: str = OPEN) -> Verdict:
    """An error rate that follows from the cause, where that lasted until then."""
    problem = wrong(service).problems[0]
    follows = (Follows(key=cause, until=NOW + until),)
    return Verdict(rule=RuleName.ERROR_RATE, problems=(problem.model_copy(update={"follows_from": follows}),))


def test_while_the_cause_stands_what_follows_from_it_does_not_begin() -> None:
    watch = Watch()
    assert watch.tick(0 * MINUTE, opened("github"), rate()) == ["fired"]
    assert [alert.key for alert in watch.book.alerts] == [OPEN]


def test_after_the_cause_what_failed_meanwhile_is_no_news() -> None:
    watch = Watch()
    watch.tick(0 * MINUTE, opened("github"), rate())
    told = [watch.tick(minute * MINUTE, opened(), rate(0 * MINUTE)) for minute in range(1, 61)]
    assert [kinds for kinds in told if kinds] == [["resolved"]]
    assert [alert.key for alert in watch.book.open] == []


def test_what_failed_after_the_cause_is_told_at_the_next_look() -> None:
    watch = Watch()
    watch.tick(0 * MINUTE, opened("github"), rate())
    watch.tick(1 * MINUTE, opened(), rate())
    watch.tick(3 * MINUTE, opened(), rate())
    assert watch.tick(4 * MINUTE, opened(), rate(2 * MINUTE)) == ["fired"]
    assert [alert.key for alert in watch.book.open] == [GITHUB]


def test_a_cause_that_was_reminded_of_late_stands_for_what_followed_as_long_as_that_is_counted() -> None:
    watch = Watch()
    for minute in range(62):
        watch.tick(minute * MINUTE, opened("github"))
    told = [watch.tick((62 + minute) * MINUTE, opened(), rate(61 * MINUTE)) for minute in range(60)]
    assert [kinds for kinds in told if kinds] == [["resolved"]]
    watch.tick(62 * MINUTE + HOUR, opened(), FINE)
    assert [alert.key for alert in watch.book.alerts] == []


def test_without_its_cause_it_is_told_as_ever() -> None:
    watch = Watch()
    assert watch.tick(0 * MINUTE, opened("jira"), rate()) == ["fired", "fired"]


def test_what_was_told_before_its_cause_goes_on_in_silence_until_both_are_over() -> None:
    watch = Watch()
    assert watch.tick(0 * MINUTE, opened(), rate()) == ["fired"]
    assert watch.tick(1 * MINUTE, opened("github"), rate(1 * MINUTE)) == ["fired"]
    assert watch.alert().follows == OPEN
    told = {minute: watch.tick(minute * MINUTE, opened("github"), rate(1 * MINUTE)) for minute in range(2, 70)}
    assert {minute: kinds for minute, kinds in told.items() if kinds} == {61: ["reminded"]}
    assert watch.alert().is_open
    watch.tick(70 * MINUTE, opened(), FINE)
    assert watch.tick(72 * MINUTE, opened(), FINE) == ["resolved", "resolved"]


def test_what_was_silent_and_goes_on_without_its_cause_is_reminded_of() -> None:
    watch = Watch()
    watch.tick(0 * MINUTE, opened(), rate())
    watch.tick(1 * MINUTE, opened("github"), rate(1 * MINUTE))
    watch.tick(2 * MINUTE, opened(), rate(1 * MINUTE))
    watch.tick(4 * MINUTE, opened(), rate(4 * MINUTE))
    assert watch.alert().follows == ""
    assert watch.tick(61 * MINUTE, opened(), rate(61 * MINUTE)) == ["reminded"]


def test_the_whole_is_not_told_of_what_follows_from_a_cause() -> None:
    """One outage, one alert: of the services that it made ill none is told, nor that they are several."""
    watch, services = Watch(), ("github", "jira", "local")
    blind = wrong("database", rule=RuleName.BLIND)
    assert watch.tick(0 * MINUTE, blind) == ["fired"]
    ill = Verdict(
        rule=RuleName.ERROR_RATE,
        problems=tuple(rate(0 * MINUTE, one, "blind:database").problems[0] for one in services),
    )
    said = whole(*(f"error_rate:{one}" for one in services), level=CRITICAL)
    told = [watch.tick(minute * MINUTE, wrong(rule=RuleName.BLIND), ill, said) for minute in range(1, 59)]
    assert [kinds for kinds in told if kinds] == [["resolved"]]


def test_a_cause_that_is_muted_was_told_of_by_whoever_muted_it() -> None:
    watch = muted(maintenance("breaker_open:*"))
    assert not any(watch.tick(minute * MINUTE, opened("github"), rate()) for minute in range(50))
