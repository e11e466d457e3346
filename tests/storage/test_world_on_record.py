"""Twelve weeks with known faults, on record in a real database: what it says of them is what was put in."""

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from itertools import chain
from statistics import fmean

import pytest

from devsync.domain.health import alerts
from devsync.domain.health.bands import Band, assess
from devsync.domain.health.book import AlertBook, AlertPolicy, NoticeKind
from devsync.domain.health.rules import verdicts
from devsync.domain.health.snapshot import Snapshot
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.advice import advise
from devsync.domain.insight.capacity import CapacityRow, Metric, Outlook, capacity_of
from devsync.domain.insight.changes import Change, change
from devsync.domain.insight.forecasts import Forecast, forecast
from devsync.domain.insight.recommendations import Observations
from devsync.domain.insight.series import Series, of_counts, of_values
from devsync.domain.insight.span import Span
from devsync.domain.insight.statistics import error_statistics
from devsync.domain.insight.trends import Direction, Trend, trend
from devsync.storage.database import Database
from devsync.storage.observations import observations
from devsync.storage.performance import Performance
from devsync.storage.statistics import Statistics
from sandbox.postgres import PostgresServer
from tests.domain.insight import queries
from tests.domain.insight.test_world import PROPOSED
from tests.domain.insight.world import (
    CALENDAR_BREAKS_IN,
    DEFAULTS,
    GITHUB_GROWTH,
    GITHUB_IS_DOWN,
    JIRA_IS_DOWN,
    MISSING,
    START,
    TROUBLED,
    WEEKS,
    WHOLE,
    World,
)
from tests.servers import new_database
from tests.storage.recorded_world import write

pytestmark = pytest.mark.timeout(1800)

TEAMS = int(os.environ.get("DEVSYNC_WORLD_TEAMS", "10"))
"""40 are as many as the world has. They take minutes to write down."""
WEEK = timedelta(weeks=1)
OUTAGE = Span(start=START + JIRA_IS_DOWN[0] * WEEK, end=START + (JIRA_IS_DOWN[1] + 1) * WEEK)


@pytest.fixture(scope="module")
def world() -> World:
    return World(teams=TEAMS)


@pytest.fixture(scope="module")
async def database(postgres: PostgresServer, world: World) -> AsyncIterator[Database]:
    database = Database(postgres.url(new_database(postgres)))
    await write(world, database)
    yield database
    await database.dispose()


@pytest.fixture(scope="module")
async def seen(database: Database) -> Observations:
    return await observations(
        database,
        WHOLE,
        settings=DEFAULTS.services,
        refresh_every=DEFAULTS.refresh_every,
        thresholds=Thresholds(),
    )


async def test_errors_are_counted_as_injected(database: Database, world: World) -> None:
    records = Statistics(database)
    counts = await records.error_counts(OUTAGE) + await records.error_counts(OUTAGE.before)
    days = chain.from_iterable((await records.daily_errors(OUTAGE)).values())
    found = error_statistics(OUTAGE, counts, await records.call_counts(OUTAGE), days)
    injected = error_statistics(
        OUTAGE, queries.error_counts(world.calls, WHOLE), queries.operation_counts(world.calls, OUTAGE)
    )
    assert found.rates == injected.rates
    assert {rate.service: rate.failures for rate in found.rates}["jira"] == len(JIRA_IS_DOWN) * TEAMS * 24
    for part in ("total", "total_before", "by_category", "by_severity", "by_service", "by_day", "fingerprints"):
        assert getattr(found, part) == getattr(injected, part), part


def test_every_fault_has_its_recommendation_and_there_is_no_other(seen: Observations) -> None:
    found = {one.key: one.title.removeprefix(f"{one.subject}: ") for one in advise(seen).recommendations}
    assert found == PROPOSED


def test_what_the_rules_look_at_is_what_was_put_in(seen: Observations, world: World) -> None:
    injected = queries.observations(world, DEFAULTS)
    assert seen.editions is not None
    assert injected.editions is not None
    assert seen.editions.editions == injected.editions.editions
    assert seen.editions.seconds_p95 == pytest.approx(injected.editions.seconds_p95, rel=0.02)
    assert seen.editions.peak_mb_p95 == pytest.approx(injected.editions.peak_mb_p95, rel=0.02)
    assert seen.breakers == tuple(sorted(injected.breakers, key=lambda one: one.service))
    assert [one for one in seen.caches if one.service == "github"] == list(injected.caches)
    (github,) = (one for one in seen.uses if one.service == "github")
    (expected,) = injected.uses
    assert github.calls == expected.calls
    assert github.seconds_in_calls == pytest.approx(expected.seconds_in_calls)
    assert github.seconds_collecting == pytest.approx(expected.seconds_collecting, rel=0.001)
    medians = {one.stage: one.seconds_median for one in seen.stages}
    assert medians["collect"] == pytest.approx(injected.stages[0].seconds_median, rel=0.01)


async def test_generation_time_grows_as_injected_and_meets_its_limit(database: Database) -> None:
    days = await Performance(database).daily_editions(WHOLE)
    assert [one.peaks for one in days] == [TEAMS] * 12
    series = of_values((one.usual for one in days), WHOLE)
    found = trend("generation time", series)
    assert isinstance(found, Trend)
    assert found.direction is Direction.RISING
    assert found.per_week == pytest.approx(2500 * GITHUB_GROWTH * 0.3 / 10, rel=0.15)
    row = capacity_of(Metric(name="generation_time", unit="s", limit=180, series=series))
    assert isinstance(row, CapacityRow)
    assert (row.outlook, row.reached_on is not None) == (Outlook.APPROACHING, True)


async def daily_errors(database: Database, team: str) -> Series:
    by_service = await Statistics(database).daily_errors(WHOLE, team=team)
    return of_counts(chain.from_iterable(by_service.values()), WHOLE)


async def test_the_team_whose_refreshes_got_worse_has_the_clearest_lasting_change(database: Database) -> None:
    teams = [f"team{number:02}" for number in range(TEAMS)]
    answers = {team: change(team, await daily_errors(database, team)) for team in teams}
    changed = {team: answer for team, answer in answers.items() if isinstance(answer, Change)}
    assert min(changed, key=lambda team: changed[team].p_value) == TROUBLED[0]
    assert abs((changed[TROUBLED[0]].on - START.date()).days - TROUBLED[1]) <= 4


async def test_teams_daily_errors_are_forecast_better_than_as_a_week_before(database: Database) -> None:
    answers = [forecast("errors", await daily_errors(database, f"team{number:02}")) for number in range(TEAMS)]
    tests = [answer.back_test for answer in answers if isinstance(answer, Forecast)]
    assert len(tests) == TEAMS
    assert fmean(test.mase for test in tests if test.mase is not None) <= 1.0
    assert fmean(test.mean_absolute_error for test in tests) < fmean(test.naive_error for test in tests)


def looks() -> Iterator[datetime]:
    """Where anything happens: around editions and their deadlines, and around what opens breakers a day later."""
    for week in range(WEEKS):
        monday = START + week * WEEK
        last = 17 if week == MISSING[1] else 11
        yield from _every(timedelta(minutes=15), monday + timedelta(hours=8), monday + timedelta(hours=last))
        yield from _every(timedelta(minutes=5), monday + timedelta(hours=30), monday + timedelta(hours=30.75))


def _every(step: timedelta, first: datetime, end: datetime) -> Iterator[datetime]:
    return (first + number * step for number in range((end - first) // step))


async def test_every_fault_fires_once_and_is_resolved(database: Database, world: World) -> None:
    """What is on record by the records; breakers and schedules, which Temporal knows, by the world."""
    performance, elsewhere = Performance(database), queries.Monitor(world)
    book, told = AlertBook(), {NoticeKind.FIRED: Counter[str](), NoticeKind.RESOLVED: Counter[str]()}
    for now in looks():
        window = Span(start=now - timedelta(hours=1), end=now)
        services, editions = await performance.services(window), await performance.editions(window)
        seen = elsewhere.snapshot(now).model_copy(update={"services": tuple(services), "editions": tuple(editions)})
        followed = alerts.apply(book, verdicts(seen, Thresholds()), AlertPolicy(), now)
        book = followed.book
        for notice in followed.notices:
            if notice.kind in told:
                told[notice.kind].update(alert.key for alert in notice.alerts)
    calendar_weeks = WEEKS - CALENDAR_BREAKS_IN
    assert told[NoticeKind.FIRED] == {
        "error_rate:email": WEEKS,
        "error_rate:jira": len(JIRA_IS_DOWN),
        "error_rate:calendar": calendar_weeks,
        "breaker_open:slack": WEEKS,
        "breaker_open:github": len(GITHUB_IS_DOWN),
        f"edition_missing:{MISSING[0]}:week {MISSING[1]}": 1,
        # Two services are ill at once, mail and another one, or two whose breakers are open: the alerts of each say so.
    }
    assert told[NoticeKind.RESOLVED] == told[NoticeKind.FIRED]
    assert book.open == ()


@pytest.mark.parametrize(
    ("week", "service", "band"),
    [
        (0, "jira", Band.HEALTHY),
        (JIRA_IS_DOWN[0], "jira", Band.UNHEALTHY),
        (7, "calendar", Band.HEALTHY),
        (CALENDAR_BREAKS_IN, "calendar", Band.UNHEALTHY),
    ],
)
async def test_bands_are_as_injected(database: Database, week: int, service: str, band: Band) -> None:
    now = START + week * WEEK + timedelta(hours=8, minutes=30)
    window = Span(start=now - timedelta(hours=1), end=now)
    performance = Performance(database)
    services, editions = await performance.services(window), await performance.editions(window)
    assert len(editions) == TEAMS
    health = assess(
        Snapshot(window=window, services=tuple(services), breakers=(), editions=tuple(editions), due=()), Thresholds()
    )
    assert {one.service: one.band for one in health.services}[service] is band
    (found,) = (one for one in services if one.service == service)
    assert sum(kind.count for kind in found.kinds) == found.failures
