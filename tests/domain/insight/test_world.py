"""Twelve weeks with known faults: what is said of them is what was put in, and following advice helps."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from statistics import fmean

import pytest

from devsync.domain.health import alerts
from devsync.domain.health.bands import Band, assess
from devsync.domain.health.book import AlertBook, AlertPolicy, NoticeKind
from devsync.domain.health.rules import verdicts
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.advice import advise
from devsync.domain.insight.capacity import CapacityRow, Metric, Outlook, capacity_of
from devsync.domain.insight.changes import Change, change
from devsync.domain.insight.forecasts import Forecast, forecast
from devsync.domain.insight.recommendations import Observations, Recommendation
from devsync.domain.insight.series import of_counts, of_values
from devsync.domain.insight.span import Span
from devsync.domain.insight.statistics import error_statistics
from devsync.domain.insight.trends import Direction, Trend, trend
from devsync.settings.durations import parse_duration
from tests.domain.insight import queries
from tests.domain.insight.makers import MONDAY
from tests.domain.insight.world import (
    CALENDAR_BREAKS_IN,
    DEFAULTS,
    END,
    GITHUB_GROWTH,
    GITHUB_IS_DOWN,
    JIRA_IS_DOWN,
    MISSING,
    START,
    TEAMS,
    TROUBLED,
    WEEKS,
    WHOLE,
    Call,
    Settings,
    World,
)

FEW_TEAMS = 10
WEEK = timedelta(weeks=1)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def applied(settings: Settings, recommendation: Recommendation) -> Settings:
    """The settings with the line changed that the recommendation names, read as its file would be."""
    change = recommendation.change
    if change.path == "refresh.every":
        return settings.model_copy(update={"refresh_every": parse_duration(change.proposed)})
    service, *path = change.path.split(".")
    numbers = settings.services[service].model_dump()
    if path[0] == "breaker":
        name = path[1]
        is_time = isinstance(numbers["breaker"][name], timedelta)
        numbers["breaker"][name] = parse_duration(change.proposed) if is_time else int(change.proposed)
    else:
        name = {"timeouts.http_read": "http_read", "retry.maximum": "retry_maximum"}.get(".".join(path), path[0])
        numbers[name] = (
            parse_duration(change.proposed) if isinstance(numbers[name], timedelta) else int(change.proposed)
        )
    services = {**settings.services, service: type(settings.services[service]).model_validate(numbers)}
    return settings.model_copy(update={"services": services})


def recommended(seen: Observations) -> dict[str, Recommendation]:
    return {one.key: one for one in advise(seen).recommendations}


PROPOSED = {
    "high_error_rate:jira": "retry.maximum from 30s to 1m",
    "high_error_rate:email": "timeouts.http_read from 5s to 10s",
    "high_error_rate:calendar": "concurrency from 10 to 5",
    "slow_stage:github": "concurrency from 10 to 20",
    "memory:github": "slots from 64 to 32",
    "breaker_tuning:github": "breaker.recovery_timeout from 5m to 10m",
    "breaker_tuning:slack": "breaker.failure_threshold from 10 to 20",
    "cache_hits:github": "refresh sources every 3h rather than every 6h",
}


def test_every_fault_has_its_recommendation_and_there_is_no_other(world: World) -> None:
    found = recommended(queries.observations(world, DEFAULTS))
    assert {key: one.title.removeprefix(f"{one.subject}: ") for key, one in found.items()} == PROPOSED
    assert all(one.evidence[0].samples >= 3 for one in found.values())


def failure_rate(service: str) -> Callable[[Observations], float]:
    def rate(seen: Observations) -> float:
        (found,) = (one for one in seen.operations if one.service == service)
        return found.failures / found.calls

    return rate


def of_breaker(service: str) -> Callable[[Observations], float]:
    def trouble(seen: Observations) -> float:
        (found,) = (one for one in seen.breakers if one.service == service)
        return found.recovered_at_once + found.failed_recoveries

    return trouble


IMPROVED: dict[str, Callable[[Observations], float]] = {
    "high_error_rate:jira": failure_rate("jira"),
    "high_error_rate:email": failure_rate("email"),
    "high_error_rate:calendar": failure_rate("calendar"),
    "slow_stage:github": lambda seen: seen.editions.seconds_p95 if seen.editions else 0,
    "memory:github": lambda seen: (seen.editions and seen.editions.peak_mb_p95) or 0,
    "breaker_tuning:github": of_breaker("github"),
    "breaker_tuning:slack": of_breaker("slack"),
    "cache_hits:github": lambda seen: -sum(one.hits for one in seen.caches),
}


@pytest.fixture(scope="module")
def before() -> Observations:
    return queries.observations(World(teams=FEW_TEAMS), DEFAULTS)


@pytest.mark.parametrize("key", list(PROPOSED))
def test_who_follows_a_recommendation_has_a_better_number_and_hears_no_more_of_it(
    key: str, before: Observations
) -> None:
    settings = applied(DEFAULTS, recommended(before)[key])
    after = queries.observations(World(settings, teams=FEW_TEAMS), settings)
    assert IMPROVED[key](after) < IMPROVED[key](before)
    assert recommended(after).keys() == PROPOSED.keys() - {key}


def test_who_follows_all_hears_nothing(before: Observations) -> None:
    settings = DEFAULTS
    for recommendation in recommended(before).values():
        settings = applied(settings, recommendation)
    assert not recommended(queries.observations(World(settings, teams=FEW_TEAMS), settings))


def test_one_edition_is_not_enough_for_advice() -> None:
    first = Span(start=START, end=START + timedelta(hours=8, minutes=1))
    advice = advise(queries.observations(World(teams=1), DEFAULTS, first))
    assert advice.recommendations == ()
    assert {one.about for one in advice.not_enough} >= {"error rate of email", "error rate of jira", "peak memory"}


def test_errors_are_counted_as_injected(world: World) -> None:
    outage = Span(start=START + JIRA_IS_DOWN[0] * WEEK, end=START + (JIRA_IS_DOWN[1] + 1) * WEEK)
    found = error_statistics(
        outage, queries.error_counts(world.calls, WHOLE), queries.operation_counts(world.calls, outage)
    )
    rates = {rate.service: rate for rate in found.rates}
    assert rates["jira"].failures == len(JIRA_IS_DOWN) * TEAMS * 24
    assert {share.name: share.count for share in found.by_category}["external_service"] == rates["jira"].failures
    assert found.total > found.total_before
    after = Span(start=outage.end, end=END)
    assert "jira" not in {
        share.name for share in error_statistics(after, queries.error_counts(world.calls, after)).by_service
    }


def test_generation_time_grows_as_injected_and_meets_its_limit(world: World) -> None:
    series = of_values(queries.daily_generation_time(world), WHOLE)
    found = trend("generation time", series)
    assert isinstance(found, Trend)
    injected = 2500 * GITHUB_GROWTH * 0.3 / 10
    assert found.direction is Direction.RISING
    assert found.per_week == pytest.approx(injected, rel=0.15)
    row = capacity_of(Metric(name="generation time", unit="s", limit=180, series=series))
    assert isinstance(row, CapacityRow)
    assert (row.outlook, row.reached_on is not None) == (Outlook.APPROACHING, True)
    # 5 s of rest, and collecting grows from 75 s a week by the injected share.
    weeks_needed = ((180 - 5) / (2500 * 0.3 / 10 * 1.05) - 1) / GITHUB_GROWTH
    expected = MONDAY + timedelta(weeks=weeks_needed)
    assert row.reached_on is not None
    assert abs(row.reached_on - expected) <= timedelta(days=4)


def test_the_team_whose_refreshes_got_worse_has_the_clearest_lasting_change(world: World) -> None:
    answers = {
        team: change(team, of_counts(queries.daily_errors(refreshes(world), team), WHOLE))
        for team in (f"team{number:02}" for number in range(TEAMS))
    }
    changed = {team: answer for team, answer in answers.items() if isinstance(answer, Change)}
    assert min(changed, key=lambda team: changed[team].p_value) == TROUBLED[0]
    assert len(changed) <= 2  # of forty, chance may name one
    since = changed[TROUBLED[0]].on - (MONDAY + timedelta(days=TROUBLED[1]))
    assert abs(since) <= timedelta(days=4)


def test_teams_daily_errors_are_forecast_better_than_as_a_week_before(world: World) -> None:
    answers = [
        forecast(team, of_counts(queries.daily_errors(refreshes(world), team), WHOLE))
        for team in (f"team{number:02}" for number in range(TEAMS))
    ]
    tests = [answer.back_test for answer in answers if isinstance(answer, Forecast)]
    assert len(tests) == TEAMS
    assert fmean(test.mase for test in tests if test.mase is not None) <= 1.0
    assert fmean(test.mean_absolute_error for test in tests) < fmean(test.naive_error for test in tests)
    assert fmean(test.within for test in tests) >= 0.8


def refreshes(world: World) -> list[Call]:
    return [call for call in world.calls if call.at.hour == 15]


@pytest.fixture(scope="module")
def quiet_world(before: Observations) -> World:
    """Without the mail server's slowness, which would be an alert a week."""
    return World(applied(DEFAULTS, recommended(before)["high_error_rate:email"]))


@pytest.mark.parametrize(
    ("week", "services", "whole"),
    [
        (0, {}, Band.HEALTHY),
        (JIRA_IS_DOWN[0], {"jira": Band.UNHEALTHY}, Band.DEGRADED),
        (JIRA_IS_DOWN[1], {"jira": Band.UNHEALTHY}, Band.DEGRADED),
        (7, {}, Band.HEALTHY),
        (CALENDAR_BREAKS_IN, {"calendar": Band.UNHEALTHY}, Band.DEGRADED),
    ],
)
def test_bands_are_as_injected(quiet_world: World, week: int, services: dict[str, Band], whole: Band) -> None:
    seen = queries.Monitor(quiet_world).snapshot(START + week * WEEK + timedelta(hours=8, minutes=30))
    health = assess(seen, Thresholds())
    assert {one.service: one.band for one in health.services if one.band is not Band.HEALTHY} == services
    assert health.band is whole


def test_every_fault_fires_once_and_is_resolved(quiet_world: World) -> None:
    monitor, book, fired, resolved = queries.Monitor(quiet_world), AlertBook(), Counter[str](), Counter[str]()
    for tick in range(int((END - START) / timedelta(minutes=5))):
        now = START + tick * timedelta(minutes=5)
        followed = alerts.apply(book, verdicts(monitor.snapshot(now), Thresholds()), AlertPolicy(), now)
        book = followed.book
        for notice in followed.notices:
            told = {NoticeKind.FIRED: fired, NoticeKind.RESOLVED: resolved}.get(notice.kind)
            if told is not None:
                told.update(alert.key for alert in notice.alerts)
    assert fired == {
        "error_rate:jira": len(JIRA_IS_DOWN),
        "error_rate:calendar": WEEKS - CALENDAR_BREAKS_IN,
        "breaker_open:slack": WEEKS,
        "breaker_open:github": len(GITHUB_IS_DOWN),
        f"edition_missing:{MISSING[0]}:week {MISSING[1]}": 1,
    }, "the health of the whole says nothing that these do not say at its level"
    assert resolved == fired
    assert book.open == ()
