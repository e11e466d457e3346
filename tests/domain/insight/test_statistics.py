"""Errors counted by what they have in common, and where the time of editions goes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.insight.counted import ErrorCount, OperationCount, StageCount
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.span import last
from devsync.domain.insight.statistics import bottlenecks, daily, error_statistics

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = last(24 * HOUR, NOW)


def errors(
    count: int = 1,
    *,
    ago: int = 1,
    service: str = "github",
    operation: str = "collect",
    category: ErrorCategory = ErrorCategory.NETWORK,
    severity: ErrorSeverity = ErrorSeverity.MEDIUM,
    fingerprint: str = "f1",
) -> ErrorCount:
    return ErrorCount(
        since=NOW - ago * HOUR,
        category=category,
        severity=severity,
        service=service,
        operation=operation,
        fingerprint=fingerprint,
        count=count,
        message=f"message of {fingerprint}",
    )


def calls(service: str, calls: int, failures: int = 0) -> OperationCount:
    seconds = {"seconds_median": 1, "seconds_p95": 2, "seconds_total": calls}
    return OperationCount(service=service, operation="collect", calls=calls, failures=failures, **seconds)


SEEN = [
    errors(3),
    errors(2, ago=13, service="jira", fingerprint="f2", severity=ErrorSeverity.CRITICAL),
    errors(5, ago=20, category=ErrorCategory.RATE_LIMITING, fingerprint="f3", severity=ErrorSeverity.LOW),
    errors(4, ago=30),
    errors(7, ago=60),
]


def test_everything_is_counted_by_everything_in_order_of_frequency() -> None:
    found = error_statistics(DAY, SEEN, [calls("github", 100, 8), calls("jira", 40, 2), calls("slack", 0)])
    assert (found.total, found.total_before) == (10, 4)
    assert [(share.name, share.count) for share in found.by_category] == [("network", 5), ("rate_limiting", 5)]
    assert [(share.name, share.count) for share in found.by_service] == [("github", 8), ("jira", 2)]
    assert [(share.name, share.share) for share in found.by_operation] == [
        ("github.collect", 0.8),
        ("jira.collect", 0.2),
    ]
    assert found.fingerprints == 3
    assert [(day.day.day, day.count) for day in found.by_day] == [(22, 7), (23, 3)]


def test_severities_are_listed_by_how_bad_they_are() -> None:
    assert [share.name for share in error_statistics(DAY, SEEN).by_severity] == ["critical", "medium", "low"]


def test_what_was_not_called_has_no_rate() -> None:
    found = error_statistics(DAY, SEEN, [calls("github", 100, 8), calls("github", 100), calls("slack", 0)])
    assert [(rate.service, rate.rate) for rate in found.rates] == [("github", 0.04)]
    assert found.overall is not None
    assert found.overall.rate == 0.04
    assert error_statistics(DAY, SEEN).overall is None


def test_nothing_at_all_is_no_error() -> None:
    found = error_statistics(DAY, [])
    assert (found.total, found.by_service, found.by_day, found.fingerprints) == (0, (), (), 0)


@given(
    st.lists(
        st.builds(
            errors,
            st.integers(1, 1000),
            ago=st.integers(1, 50),
            service=st.sampled_from(["github", "jira"]),
            category=st.sampled_from(list(ErrorCategory)),
            severity=st.sampled_from(list(ErrorSeverity)),
            fingerprint=st.sampled_from(["f1", "f2", "f3"]),
        )
    )
)
def test_every_way_of_counting_counts_all(seen: list[ErrorCount]) -> None:
    found = error_statistics(DAY, seen)
    for shares in (found.by_category, found.by_severity, found.by_service, found.by_operation):
        assert sum(share.count for share in shares) == found.total
        assert not shares or sum(share.share for share in shares) == pytest.approx(1)
    assert sum(day.count for day in found.by_day) == found.total
    assert found.total + found.total_before == sum(one.count for one in seen if one.since >= DAY.before.start)


def test_a_days_errors_are_those_of_utc() -> None:
    assert [day.day.isoformat() for day in daily([errors(ago=12), errors(ago=13)])] == ["2026-11-22", "2026-11-23"]


def stage(name: str, total: float, editions: int = 12) -> StageCount:
    return StageCount(stage=name, editions=editions, seconds_median=1, seconds_p95=2, seconds_total=total)


def test_the_stage_that_takes_most_of_the_time_comes_first() -> None:
    found = bottlenecks([stage("render", 10), stage("collect", 80), stage("deliver", 10)])
    assert not isinstance(found, NotEnoughData)
    assert [(one.stage, one.share) for one in found] == [("collect", 0.8), ("deliver", 0.1), ("render", 0.1)]


@pytest.mark.parametrize("stages", [[], [stage("collect", 80, editions=2)], [stage("collect", 0)]])
def test_two_editions_say_nothing_of_stages(stages: list[StageCount]) -> None:
    assert isinstance(bottlenecks(stages), NotEnoughData)


def test_what_a_program_did_not_name_is_its_service_alone() -> None:
    found = error_statistics(DAY, [errors(operation="")], [])
    assert [share.name for share in found.by_operation] == ["github"]
