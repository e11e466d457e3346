"""What is over and what only looks like it, and that a health without it tells of now."""

import pytest

from devsync.domain.breaker import State
from devsync.domain.health.bands import Band, assess
from devsync.domain.health.healed import QUIET, Healed, LastEnds, healed, of_now
from devsync.domain.health.snapshot import Snapshot
from devsync.domain.health.thresholds import Thresholds
from tests.domain.health.makers import MINUTE, NOW, breaker, calls, due, snapshot

OVER = LastEnds(failed_at=NOW - 20 * MINUTE, succeeded_at=NOW - MINUTE)
AN_OUTAGE = snapshot(services=(calls(failures=40),))


def test_a_service_that_has_answered_since_has_healed_when_it_failed_last() -> None:
    (one,) = healed(AN_OUTAGE, {"github": OVER}, Thresholds())
    assert one == Healed(service="github", since=NOW - 20 * MINUTE, attempts=100, failures=40)


@pytest.mark.parametrize(
    ("seen", "ends"),
    [
        (AN_OUTAGE, LastEnds(failed_at=NOW - QUIET + MINUTE / 60, succeeded_at=NOW)),
        (AN_OUTAGE, LastEnds(failed_at=NOW - 20 * MINUTE, succeeded_at=NOW - 21 * MINUTE)),
        (AN_OUTAGE, LastEnds(failed_at=NOW - 20 * MINUTE)),
        (AN_OUTAGE, LastEnds()),
        (snapshot(services=(calls(failures=40),), breakers=(breaker(state=State.HALF_OPEN),)), OVER),
        (snapshot(services=(calls(failures=40),), breakers=None), OVER),
        (snapshot(services=(calls(failures=2),)), OVER),
        (snapshot(services=None), OVER),
    ],
    ids=[
        "failed just now",
        "has only failed since",
        "has never answered",
        "nobody knows when",
        "its breaker lets only probes out",
        "nobody knows of its breaker",
        "was not ill",
        "nobody knows of its calls",
    ],
)
def test_what_is_not_known_to_be_over_has_not_healed(seen: Snapshot, ends: LastEnds) -> None:
    assert healed(seen, {"github": ends}, Thresholds()) == ()


def test_without_what_has_healed_the_rest_is_as_it_is() -> None:
    seen = snapshot(services=(calls(failures=40), calls("jira", failures=30)), due=(due(),))
    over = healed(seen, {"github": OVER}, Thresholds())
    assert assess(seen, Thresholds()).band is Band.CRITICAL
    now = assess(of_now(seen, over), Thresholds())
    assert now.band is Band.UNHEALTHY
    assert now.reasons == (
        "30 of the 100 other attempts failed",
        "jira is unhealthy: 30 of 100 attempts failed",
        "not delivered by its deadline: payments 2026-W47",
    )
    assert [(one.failures, one.reasons) for one in now.services] == [
        (40, ("40 of 100 attempts failed, and it has healed",)),
        (30, ("30 of 100 attempts failed",)),
    ]
    assert of_now(snapshot(services=None), over).services is None


def test_calls_that_waited_in_vain_make_nothing_slow_once_they_are_over() -> None:
    seen = snapshot(services=(calls(failures=40, seconds_p95=30.0),))
    assert "19 of 20 API calls take up to 30.0 s" in assess(seen, Thresholds()).services[0].reasons
    now = assess(of_now(seen, healed(seen, {"github": OVER}, Thresholds())), Thresholds())
    assert (now.band, now.reasons) == (Band.HEALTHY, ("everything is within its thresholds",))


def test_what_has_healed_was_called_and_so_not_every_service_is_ill() -> None:
    ill = (calls("calendar", failures=40), calls("jira", failures=40))
    seen = snapshot(services=(calls(failures=40), *ill))
    told = [
        assess(of_now(seen, over), Thresholds()).reasons[0]
        for over in ((), healed(seen, {"github": OVER}, Thresholds()))
    ]
    assert told == [
        "every service that was called is unhealthy: calendar, github, jira",
        "80 of the 200 other attempts failed",
    ]
