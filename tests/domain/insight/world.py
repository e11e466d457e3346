"""Twelve weeks of forty teams, with faults that are known because they are put in here.

The settings have their effect: who asks more at once waits less, who waits longer between tries fails less often. So
it can be seen whether following a recommendation helps.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import NamedTuple

from devsync.domain.breaker import BreakerConfig
from devsync.domain.errors import ErrorCategory
from devsync.domain.insight.recommendations import ServiceNumbers
from devsync.domain.insight.span import Span
from devsync.domain.model import Model
from tests.domain.insight.makers import MONDAY, WORKING_WEEK, poisson

WEEKS, TEAMS = 12, 40
HOUR = timedelta(hours=1)
START = datetime.combine(MONDAY, time(), UTC)
END = START + timedelta(weeks=WEEKS)
WHOLE = Span(start=START, end=END)
EDITIONS_BEGIN = timedelta(hours=8)

GITHUB_SECONDS = 0.3
"""Of one call."""
GITHUB_GROWTH = 0.08
"""A week: teams open more and more pull requests."""
JIRA_IS_DOWN = (4, 5)
"""In these weeks, counted from 0, for six minutes of each edition."""
JIRA_OUTAGE = timedelta(minutes=6)
EMAIL_SECONDS = (3.0, 7.0)
"""How long the mail server takes for an answer; who waits only 5 s gives up on half of them."""
CALENDAR_BREAKS_IN = 8
"""From this week on calendars are throttled where more than five calls are made at once."""
SLACK_STUTTERS_AT = 12
"""This many calls fail at a time, once a week, and all is well a minute later."""
GITHUB_IS_DOWN = (1, 3, 6, 10)
"""In these weeks, for this long: longer than a breaker waits that is asked after five minutes."""
GITHUB_OUTAGE = timedelta(minutes=18)
MISSING = ("team07", 9)
"""This edition came six hours after its deadline."""
LOOKUPS = 50
"""In what is remembered, by each edition."""
TROUBLED = ("team03", 45)
"""From this day on, counted from 0, six times as many of this team's refreshes fail."""


class Settings(Model):
    """What an operator may change."""

    services: dict[str, ServiceNumbers]
    refresh_every: timedelta = timedelta(hours=6)


def numbers(slots: int, concurrency: int = 10, http_read: int = 10, retry_maximum: int = 60) -> ServiceNumbers:
    return ServiceNumbers(
        concurrency=concurrency,
        slots=slots,
        http_read=timedelta(seconds=http_read),
        retry_maximum=timedelta(seconds=retry_maximum),
        breaker=BreakerConfig(),
    )


DEFAULTS = Settings(
    services={
        "github": numbers(64),
        "jira": numbers(48, retry_maximum=30),
        "slack": numbers(32),
        "email": numbers(16, http_read=5),
        "calendar": numbers(16),
    }
)


class Call(NamedTuple):
    at: datetime
    team: str
    service: str
    seconds: float
    failed_by: ErrorCategory | None = None


class Edition(NamedTuple):
    team: str
    week: int
    began: datetime
    deadline: datetime
    delivered: datetime
    collecting: float
    seconds: float
    peak_mb: float
    hits: int
    """Of `LOOKUPS`, what was remembered and still held."""


class Opening(NamedTuple):
    at: datetime
    until: datetime
    service: str
    failed_recoveries: int


class World:
    """Everything that twelve weeks leave in the records."""

    def __init__(self, settings: Settings = DEFAULTS, teams: int = TEAMS, seed: int = 1) -> None:
        self._settings, self._random = settings, Random(seed)
        self.calls: list[Call] = []
        self.editions: list[Edition] = []
        self.openings: list[Opening] = []
        for week in range(WEEKS):
            self.openings += self._openings(week)
            for number in range(teams):
                self._edition(f"team{number:02}", week, number)
        for number in range(teams):
            self.calls += self._between_editions(f"team{number:02}", 0.5 + 0.6 * (number % 5))
        self.calls.sort(key=lambda call: call.at)

    def _edition(self, team: str, week: int, number: int) -> None:
        began = START + timedelta(weeks=week) + EDITIONS_BEGIN + number * timedelta(seconds=20)
        github = self._github(team, week, began)
        concurrency = self._settings.services["github"].concurrency
        in_calls = sum(call.seconds for call in github)
        # Ten pages of a repository come one after the other, however many calls may be made at once.
        collecting = max(in_calls / concurrency, 10 * GITHUB_SECONDS) * self._random.uniform(1.0, 1.1)
        own = [*github, *self._jira(team, week, began), *self._mail(team, began), *self._calendar(team, week, began)]
        self.calls += own
        late = timedelta(hours=8) if (team, week) == MISSING else timedelta(seconds=collecting + 10)
        slots = self._settings.services["github"].slots
        # What was refreshed lately is remembered: half of it is gone after five hours.
        remembered = 0.5 ** (self._settings.refresh_every / timedelta(hours=5))
        self.editions.append(
            Edition(
                team=team,
                week=week,
                began=began,
                deadline=began + 2 * HOUR,
                delivered=began + late,
                collecting=collecting,
                seconds=collecting + self._random.uniform(4, 6),
                peak_mb=(500 + 22 * slots) * self._random.uniform(0.9, 1.0),
                hits=sum(self._random.random() < remembered for _ in range(LOOKUPS)),
            )
        )

    def _github(self, team: str, week: int, began: datetime) -> list[Call]:
        """Every call takes its time; one of 500 finds no connection."""
        size = 2500 * (1 + GITHUB_GROWTH * week) * self._random.uniform(0.9, 1.1)
        # One record stands for ten pages of a repository.
        return [
            Call(began, team, "github", 10 * GITHUB_SECONDS, self._by(ErrorCategory.NETWORK, 0.002))
            for _ in range(round(size / 10))
        ]

    def _jira(self, team: str, week: int, began: datetime) -> Iterator[Call]:
        """While it is down each of ten units is tried again and again, after half of the longest wait on average."""
        yield from (Call(began, team, "jira", 0.2) for _ in range(60))
        if week in JIRA_IS_DOWN:
            wait = self._settings.services["jira"].retry_maximum / 2
            for _ in range(round(JIRA_OUTAGE / wait)):
                yield Call(began + HOUR / 60, team, "jira", 0.1, ErrorCategory.EXTERNAL_SERVICE)

    def _mail(self, team: str, began: datetime) -> Iterator[Call]:
        patience = self._settings.services["email"].http_read.total_seconds()
        for _ in range(3):
            seconds = self._random.uniform(*EMAIL_SECONDS)
            failed_by = ErrorCategory.NETWORK if seconds > patience else None
            yield Call(began, team, "email", min(seconds, patience), failed_by)

    def _calendar(self, team: str, week: int, began: datetime) -> Iterator[Call]:
        is_throttled = week >= CALENDAR_BREAKS_IN and self._settings.services["calendar"].concurrency > 5
        for _ in range(4):
            yield Call(began, team, "calendar", 0.2, self._by(ErrorCategory.RATE_LIMITING, 0.4 * is_throttled))

    def _openings(self, week: int) -> Iterator[Opening]:
        at = START + timedelta(weeks=week, hours=30)
        slack, github = (self._settings.services[name].breaker for name in ("slack", "github"))
        if slack is not None and slack.failure_threshold <= SLACK_STUTTERS_AT:
            yield Opening(at, at + slack.recovery_timeout, "slack", failed_recoveries=0)
        if github is not None and week in GITHUB_IS_DOWN:
            failed = int(GITHUB_OUTAGE / github.recovery_timeout)
            yield Opening(at, at + (failed + 1) * github.recovery_timeout, "github", failed_recoveries=failed)

    def _between_editions(self, team: str, mean: float) -> Iterator[Call]:
        """Refreshes go on all week, more of them fail on working days."""
        for day in range(7 * WEEKS):
            at = START + timedelta(days=day, hours=15)
            mood = self._random.gammavariate(4, 0.25)
            trouble = 6 if team == TROUBLED[0] and day >= TROUBLED[1] else 1
            failures = poisson(self._random, mean * WORKING_WEEK[day % 7] * mood * trouble)
            for number in range(80):
                by = ErrorCategory.NETWORK if number < failures else None
                yield Call(at, team, "github", GITHUB_SECONDS, by)

    def _by(self, category: ErrorCategory, chance: float) -> ErrorCategory | None:
        return category if self._random.random() < chance else None
