"""What may stand for an error rate, and how long it must have lasted for that."""

from datetime import datetime

import pytest

from devsync.domain.errors import ErrorCategory
from devsync.domain.health.causes import Follows, causes_of
from devsync.domain.health.snapshot import Failed, ServiceWindow
from devsync.domain.health.thresholds import Thresholds
from tests.domain.health.makers import MINUTE, NOW, calls

DATABASE, NETWORK = ErrorCategory.DATABASE, ErrorCategory.NETWORK


def failed(count: int, minute: int, category: ErrorCategory | None = NETWORK) -> Failed:
    return Failed(category=category, count=count, last_at=at(minute))


def at(minute: int) -> datetime:
    return NOW - 60 * MINUTE + minute * MINUTE


def ill(*parts: Failed, of: int = 40) -> ServiceWindow:
    return calls(failures=sum(one.count for one in parts), of=of, failed=parts)


def breaker(minute: int) -> Follows:
    return Follows(key="breaker_open:github", until=at(minute))


def blind(minute: int) -> Follows:
    return Follows(key="blind:database", until=at(minute))


CAUSES: list[tuple[str, ServiceWindow, list[Follows]]] = [
    ("all failed in one minute", ill(failed(11, 10)), [breaker(10)]),
    ("the last ones count most", ill(failed(11, 10), failed(3, 20)), [breaker(20)]),
    ("two failures afterwards are no rate", ill(failed(11, 10), failed(2, 20)), [breaker(10)]),
    ("nor are five of a hundred", ill(failed(11, 10), failed(5, 20), of=100), [breaker(10)]),
    ("in whatever order they come", ill(failed(3, 20), failed(11, 10)), [breaker(20)]),
    ("for want of the database", ill(failed(11, 10, DATABASE)), [breaker(10), blind(10)]),
    (
        "some of it for another reason, that would be no rate",
        ill(failed(11, 10, DATABASE), failed(2, 30)),
        [breaker(10), blind(10)],
    ),
    (
        "and together with what failed late they would be one",
        ill(failed(11, 10, DATABASE), failed(1, 20, DATABASE), failed(2, 30)),
        [breaker(20), blind(20)],
    ),
    ("so much for another reason is a rate", ill(failed(11, 10, DATABASE), failed(3, 5)), [breaker(10)]),
    ("no error tells why", ill(failed(11, 10, None)), [breaker(10)]),
    ("nobody knows when", calls(failures=11, of=40), []),
]


@pytest.mark.parametrize(("window", "causes"), [case[1:] for case in CAUSES], ids=[case[0] for case in CAUSES])
def test_an_error_rate_follows_from_what_explains_it(window: ServiceWindow, causes: list[Follows]) -> None:
    assert list(causes_of(window, Thresholds())) == causes
