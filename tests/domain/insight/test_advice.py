"""Each rule of advice at its edges: where it speaks, where it has reached its end, and where it knows too little."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.breaker import BreakerConfig
from devsync.domain.errors import ErrorCategory
from devsync.domain.insight.advice import FEWEST_CALLS, FEWEST_EDITIONS, LONGEST_BACKOFF, MOST_CONCURRENCY, advise
from devsync.domain.insight.counted import OperationCount, StageCount
from devsync.domain.insight.recommendations import (
    BreakerUse,
    CacheUse,
    CategoryCount,
    EditionUse,
    Observations,
    ServiceNumbers,
    ServiceUse,
)
from devsync.domain.insight.span import last
from devsync.domain.insight.wording import written
from devsync.settings.durations import parse_duration

WINDOW = last(timedelta(days=28), datetime(2026, 11, 23, tzinfo=UTC))
MINUTE = timedelta(minutes=1)


def numbers(**changed: Any) -> ServiceNumbers:
    usual = {
        "concurrency": 10,
        "slots": 64,
        "http_read": timedelta(seconds=5),
        "retry_maximum": MINUTE,
        "breaker": BreakerConfig(),
        "credential": "GITHUB_TOKEN",
    }
    return ServiceNumbers.model_validate({**usual, **changed})


def seen(settings: ServiceNumbers | None = None, **parts: Any) -> Observations:
    return Observations(span=WINDOW, settings={"github": settings or numbers()}, **parts)


def failing(category: ErrorCategory, failures: int = 20, calls: int = 200) -> dict[str, Any]:
    times = {"seconds_median": 1, "seconds_p95": 1, "seconds_total": 1}
    return {
        "operations": (OperationCount(service="github", operation="x", calls=calls, failures=failures, **times),),
        "categories": (CategoryCount(service="github", category=category, count=failures),),
    }


def busy(
    editions: int = 20, seconds: float = 170, calls: int = 1000, concurrency: int = 10, collecting: float = 900
) -> dict[str, Any]:
    stage = {"seconds_median": 1, "seconds_p95": 1}
    return {
        "editions": EditionUse(editions=editions, seconds_p95=seconds),
        "stages": (
            StageCount(stage="collect", editions=editions, seconds_total=collecting, **stage),
            StageCount(stage="render", editions=editions, seconds_total=1000 - collecting, **stage),
        ),
        "uses": (
            ServiceUse(
                service="github", calls=calls, seconds_in_calls=900 * concurrency * 0.95, seconds_collecting=900
            ),
        ),
    }  # fmt: skip


def opened(openings: int, at_once: int = 0, failed: int = 0) -> dict[str, Any]:
    use = BreakerUse(service="github", openings=openings, recovered_at_once=at_once, failed_recoveries=failed)
    return {"breakers": (use,)}


def cached(hits: int, lookups: int = 200) -> dict[str, Any]:
    return {"caches": (CacheUse(service="github", lookups=lookups, hits=hits),)}


def large(peak: float | None, editions: int = 20) -> dict[str, Any]:
    return {"editions": EditionUse(editions=editions, seconds_p95=20, peak_mb_p95=peak)}


def said(observations: Observations) -> list[tuple[str, str, str]]:
    return [
        (one.rule, one.change.path, f"{one.change.now} → {one.change.proposed}")
        for one in advise(observations).recommendations
    ]


C = ErrorCategory
SPEAKS: list[tuple[str, Observations, tuple[str, str, str]]] = [
    ("throttled", seen(**failing(C.RATE_LIMITING)), ("high_error_rate", "github.concurrency", "10 → 5")),
    ("times out", seen(**failing(C.NETWORK)), ("high_error_rate", "github.timeouts.http_read", "5s → 10s")),
    ("is down", seen(**failing(C.EXTERNAL_SERVICE)), ("high_error_rate", "github.retry.maximum", "1m → 2m")),
    ("refuses us", seen(**failing(C.AUTHENTICATION)), ("high_error_rate", "GITHUB_TOKEN", "refused → a valid token")),
    ("slow", seen(**busy()), ("slow_stage", "github.concurrency", "10 → 20")),
    ("getting slow", seen(**busy(seconds=100)), ("api_bottleneck", "github.concurrency", "10 → 20")),
    (
        "near its end",
        seen(numbers(concurrency=30), **busy(concurrency=30)),
        ("slow_stage", "github.concurrency", "30 → 50"),
    ),
    ("slow elsewhere", seen(**busy(collecting=400)), ("api_bottleneck", "github.concurrency", "10 → 20")),
    ("large", seen(**large(1700)), ("memory", "github.slots", "64 → 32")),
    ("stutters", seen(**opened(3, at_once=2)), ("breaker_tuning", "github.breaker.failure_threshold", "10 → 20")),
    ("asked too soon", seen(**opened(3, failed=4)), ("breaker_tuning", "github.breaker.recovery_timeout", "5m → 10m")),
    ("forgotten", seen(**cached(99)), ("cache_hits", "refresh.every", "6h → 3h")),
]


@pytest.mark.parametrize(("observations", "expected"), [one[1:] for one in SPEAKS], ids=[one[0] for one in SPEAKS])
def test_a_rule_speaks_and_names_the_line(observations: Observations, expected: tuple[str, str, str]) -> None:
    assert said(observations) == [expected]


SILENT: list[tuple[str, Observations]] = [
    ("nothing was seen", seen()),
    ("few fail", seen(**failing(C.NETWORK, failures=9))),
    ("nobody knows a setting", seen(**failing(C.FORMATTING))),
    ("no token to renew", seen(numbers(credential=""), **failing(C.AUTHENTICATION))),
    ("one call at once already", seen(numbers(concurrency=1), **failing(C.RATE_LIMITING))),
    ("waits as long as it may", seen(numbers(http_read=timedelta(seconds=10)), **failing(C.NETWORK))),
    ("backs off enough", seen(numbers(retry_maximum=LONGEST_BACKOFF), **failing(C.EXTERNAL_SERVICE))),
    ("fast enough", seen(**busy(seconds=89))),
    ("not busy", seen(numbers(concurrency=12), **busy())),
    ("as many calls as may be", seen(numbers(concurrency=MOST_CONCURRENCY), **busy(concurrency=MOST_CONCURRENCY))),
    ("small", seen(**large(1600))),
    ("memory unknown", seen(**large(None))),
    ("few slots", seen(numbers(slots=4), **large(4000))),
    ("opened for good reason", seen(**opened(5, at_once=1, failed=2))),
    ("no breaker", seen(numbers(breaker=None), **opened(9, at_once=9))),
    ("as many recoveries as openings", seen(**opened(3, failed=3))),
    ("bears enough", seen(numbers(breaker=BreakerConfig(failure_threshold=100)), **opened(9, at_once=9))),
    ("waits an hour", seen(numbers(breaker=BreakerConfig(recovery_timeout=60 * MINUTE)), **opened(9, failed=20))),
    ("remembered", seen(**cached(100))),
    ("asked each hour", seen(refresh_every=60 * MINUTE, **cached(0))),
]


@pytest.mark.parametrize("observations", [one[1] for one in SILENT], ids=[one[0] for one in SILENT])
def test_without_need_or_at_its_end_a_rule_says_nothing(observations: Observations) -> None:
    assert said(observations) == []


TOO_FEW: list[tuple[str, Observations]] = [
    ("error rate of github", seen(**failing(C.NETWORK, failures=20, calls=FEWEST_CALLS - 1))),
    ("generation time", seen(**busy(editions=FEWEST_EDITIONS - 1))),
    ("API bottleneck of github", seen(**busy(calls=FEWEST_CALLS - 1))),
    ("peak memory", seen(**large(4000, editions=FEWEST_EDITIONS - 1))),
    ("breaker of github", seen(**opened(2, at_once=2))),
    ("breaker of github", seen(**opened(1, failed=7))),
    ("cache of github", seen(**cached(0, lookups=FEWEST_CALLS - 1))),
]


@pytest.mark.parametrize(("about", "observations"), TOO_FEW, ids=[one[0] for one in TOO_FEW])
def test_too_few_events_are_named_and_no_opinion_is_given(about: str, observations: Observations) -> None:
    assert said(observations) == []
    assert about in {one.about for one in advise(observations).not_enough}


def test_nobody_is_told_to_ask_more_and_less_at_once() -> None:
    both = seen(**busy(), **failing(C.RATE_LIMITING))
    assert said(both) == [("high_error_rate", "github.concurrency", "10 → 5")]
    assert said(seen(**busy(), **failing(C.RATE_LIMITING, failures=2))) == []


def test_the_first_of_two_that_would_change_a_line_is_told() -> None:
    assert [one.rule for one in advise(seen(**busy())).recommendations] == ["slow_stage"]


def test_evidence_names_its_number_its_samples_and_its_limit() -> None:
    (found,) = advise(seen(**failing(C.NETWORK))).recommendations
    rate, share = found.evidence
    assert (rate.value, rate.unit, rate.samples, rate.limit) == (10.0, "%", 200, 5.0)
    assert (share.metric, share.value, share.samples) == ("errors of category network", 100.0, 20)
    assert found.why == "10.0 % of its attempts fail, 100% of them by network"


def test_followed_again_and_again_every_rule_ends() -> None:
    concurrency, steps = 10, 0
    while answers := said(seen(numbers(concurrency=concurrency), **busy(concurrency=concurrency))):
        concurrency, steps = int(answers[0][2].split(" → ")[1]), steps + 1
    assert (concurrency, steps) == (MOST_CONCURRENCY, 3)


@given(st.integers(1, 10**7))
def test_a_duration_is_written_as_its_loader_reads_it(seconds: int) -> None:
    assert parse_duration(written(timedelta(seconds=seconds))) == timedelta(seconds=seconds)
