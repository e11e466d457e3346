"""Which band follows from what, by design section 11; and that few events never make one."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.breaker import State
from devsync.domain.health.bands import Band, ServiceHealth, assess, rate_band
from devsync.domain.health.snapshot import Machine, ServiceWindow, Snapshot
from devsync.domain.health.thresholds import Thresholds
from tests.domain.health.makers import HOUR, NOW, breaker, calls, due, run, snapshot

LIMITS = Thresholds()


@pytest.mark.parametrize(
    ("failures", "of", "band"),
    [
        (0, 0, Band.HEALTHY),
        (49, 1000, Band.HEALTHY),
        (50, 1000, Band.DEGRADED),
        (150, 1000, Band.DEGRADED),
        (151, 1000, Band.UNHEALTHY),
        (1000, 1000, Band.UNHEALTHY),
        # Few events: counts gate percentages.
        (1, 1, Band.HEALTHY),
        (2, 2, Band.HEALTHY),
        (3, 3, Band.UNHEALTHY),
        (3, 30, Band.DEGRADED),
    ],
)
def test_the_band_of_a_rate(failures: int, of: int, band: Band) -> None:
    assert rate_band(failures, of, LIMITS) is band


@pytest.mark.parametrize(
    ("failures", "of", "reason"),
    [
        (0, 2, "0 of 2 attempts failed"),
        (2, 100, "2 of 100 attempts failed"),
        (1, 2, "1 of 2 attempts failed, too few to judge by"),
    ],
)
def test_a_healthy_service_with_few_failures_among_few_calls_says_that_they_are_few(
    failures: int, of: int, reason: str
) -> None:
    (service,) = assess(snapshot(services=(calls(failures=failures, of=of),)), LIMITS).services
    assert (service.band, service.reasons) == (Band.HEALTHY, (reason,))


OPEN, HALF_OPEN = State.OPEN, State.HALF_OPEN

CASES: list[tuple[str, Snapshot, Band, str]] = [
    ("all is well", snapshot(), Band.HEALTHY, "everything is within its thresholds"),
    ("nothing was called", snapshot(services=(), editions=()), Band.HEALTHY, "everything is within its thresholds"),
    ("some calls fail", snapshot(services=(calls(failures=7),)), Band.DEGRADED, "7 of all 100 attempts failed"),
    ("many calls fail", snapshot(services=(calls(failures=20),)), Band.UNHEALTHY, "20 of all 100 attempts failed"),
    (
        "one service of two fails",
        snapshot(services=(calls(failures=20), calls("jira", of=1000))),
        Band.DEGRADED,
        "github is unhealthy: 20 of 100 attempts failed",
    ),
    (
        "several services fail",
        snapshot(services=(calls(failures=20), calls("jira", 20), calls("slack", of=10_000))),
        Band.UNHEALTHY,
        "several services are unhealthy: github, jira",
    ),
    (
        "all services fail",
        snapshot(services=(calls(failures=20), calls("jira", 20))),
        Band.CRITICAL,
        "every service that was called is unhealthy: github, jira",
    ),
    (
        "all that were called fail, and one was not",
        snapshot(services=(calls(failures=20), calls("jira", 20)), breakers=(breaker("slack"),)),
        Band.CRITICAL,
        "every service that was called is unhealthy: github, jira",
    ),
    (
        "a service is slow",
        snapshot(services=(calls(seconds_p95=10.5),)),
        Band.DEGRADED,
        "github is degraded: 19 of 20 API calls take up to 10.5 s",
    ),
    (
        "a breaker is open",
        snapshot(breakers=(breaker(state=OPEN, reason="10 failures in 15 min"),)),
        Band.DEGRADED,
        "github is unhealthy: its breaker is open: 10 failures in 15 min",
    ),
    (
        "a breaker is half-open",
        snapshot(breakers=(breaker(state=HALF_OPEN),)),
        Band.DEGRADED,
        "github is degraded: its breaker is half open: no reason given",
    ),
    (
        "two breakers are open",
        snapshot(breakers=(breaker(state=OPEN), breaker("jira", OPEN)), services=(calls("slack"),)),
        Band.CRITICAL,
        "2 breakers are open: github, jira",
    ),
    ("an edition was slow", snapshot(editions=(run(seconds=181),)), Band.DEGRADED, "an edition took 181 s"),
    ("an edition was large", snapshot(editions=(run(memory=2049),)), Band.DEGRADED, "an edition took 2049 MB"),
    (
        "an edition is missing",
        snapshot(due=(due(),)),
        Band.DEGRADED,
        "not delivered by its deadline: payments 2026-W47",
    ),
    (
        "many editions are missing",
        snapshot(due=(due("there", delivered_at=NOW), *(due(f"team{number}") for number in range(5)))),
        Band.UNHEALTHY,
        "not delivered by its deadline: team0 2026-W47, team1 2026-W47, team2 2026-W47 and 2 more",
    ),
    (
        "all editions are missing",
        snapshot(due=tuple(due(f"team{number}") for number in range(5))),
        Band.CRITICAL,
        "not delivered by its deadline: team0 2026-W47, team1 2026-W47, team2 2026-W47 and 2 more",
    ),
    ("a measure is none", snapshot(editions=(run(seconds=float("nan")),)), Band.HEALTHY, "everything is within its"),
    ("calls are unreadable", snapshot(services=None), Band.UNKNOWN, "calls could not be read"),
    ("unreadable, and bad", snapshot(services=None, due=(due(),)), Band.DEGRADED, "not delivered by its deadline"),
]


@pytest.mark.parametrize(("seen", "band", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_whole_and_why(seen: Snapshot, band: Band, reason: str) -> None:
    health = assess(seen, LIMITS)
    assert health.band is band
    assert health.reasons[0].startswith(reason)


@pytest.mark.parametrize(
    "edition",
    [due(delivered_at=NOW), due(called_off="anna: nothing to tell"), due(late=timedelta()), due(late=-HOUR)],
    ids=["delivered", "called off", "due this instant", "due later"],
)
def test_what_is_there_called_off_or_not_due_yet_is_not_missing(edition: object) -> None:
    assert assess(snapshot(due=(edition,)), LIMITS).band is Band.HEALTHY


def test_each_service_has_a_band_and_its_reasons() -> None:
    seen = snapshot(
        services=(calls("slack", 20), calls("jira", of=0)),
        breakers=(breaker("slack", HALF_OPEN), breaker("github")),
    )
    told = [(one.service, one.band.value, one.reasons, one.breaker) for one in assess(seen, LIMITS).services]
    assert told == [
        ("github", "healthy", ("nothing was called",), State.CLOSED),
        ("jira", "healthy", ("nothing was called",), None),
        (
            "slack",
            "unhealthy",
            ("20 of 100 attempts failed", "its breaker is half open: no reason given"),
            HALF_OPEN,
        ),
    ]


def test_without_calls_to_look_at_a_service_is_not_called_healthy() -> None:
    (service,) = assess(snapshot(services=None), LIMITS).services
    assert (service.band, service.reasons) == (Band.UNKNOWN, ("its calls could not be read",))


def test_measures_of_the_machine_are_passed_on_and_what_is_none_is_not_a_zero() -> None:
    machine = Machine.model_validate(
        {"cpu_percent": float("inf"), "memory_mb": -1, "disk_free_mb": 5, "database_mb": 2}
    )
    assert machine == Machine(disk_free_mb=5, database_mb=2)
    assert assess(snapshot(machine=machine), LIMITS).machine == machine


def test_attempts_are_read_by_the_name_that_older_builds_wrote() -> None:
    """A monitor carries its last look over months, and a new build goes on with it."""
    written = {"service": "github", "band": "healthy", "reasons": ("2 of 7 attempts failed",), "calls": 7}
    assert ServiceHealth.model_validate(written).attempts == 7


def test_more_failures_than_attempts_are_refused() -> None:
    with pytest.raises(ValueError, match="more failures than attempts"):
        ServiceWindow(service="github", attempts=1, failures=2)


def test_thresholds_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="write as much or more"):
        Thresholds(error_rate_percentage=20)


@given(
    calls=st.integers(1, 10_000),
    failures=st.integers(0, 9_999),
    more=st.integers(0, 100),
)
def test_more_failures_of_as_many_calls_are_never_healthier(calls: int, failures: int, more: int) -> None:
    fewer, most = min(failures, calls), min(failures + more, calls)
    assert rate_band(most, calls, LIMITS).rank >= rate_band(fewer, calls, LIMITS).rank
