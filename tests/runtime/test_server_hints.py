"""Every form in which a server says when to come back."""

from datetime import UTC, datetime, timedelta

import pytest

from devsync.runtime.server_hints import retry_after

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"RETRY-AFTER": "0"}, 0),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "Mon, 23 Nov 2026 09:02:00 GMT"}, 120),
        ({"Retry-After": "Mon, 23 Nov 2026 08:00:00 GMT"}, 0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795424460"}, 60),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2026-11-23T09:05:00Z"}, 300),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2026-11-23T10:05+01:00"}, 300),
        # JIRA Cloud: the burst limit has plenty left, the quota is used up until the full minute.
        (
            {
                "RateLimit-Reason": "jira-quota-tenant-based",
                "X-RateLimit-Remaining": "399",
                "X-RateLimit-Reset": "2026-11-23T09:20Z",
            },
            1200,
        ),
        ({"RateLimit": '"burst";r=12;t=1, "tenant-app-quota";r=0;t=2788'}, 2788),
        ({"RateLimit": '"a";r=0;t=5, "b";r=0;t=70'}, 70),
        ({"Retry-After": "0", "RateLimit": '"a";r=0;t=5'}, 5),
        # JIRA Data Center.
        ({"Retry-After": "0", "X-RateLimit-Remaining": "0", "X-RateLimit-Interval-Seconds": "10"}, 10),
        ({"Retry-After": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Interval-Seconds": "10"}, 3),
        ({"Retry-After": "0", "X-RateLimit-Remaining": "4", "X-RateLimit-Interval-Seconds": "10"}, 0),
        ({"Retry-After": "soon", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795424460"}, 60),
    ],
)
def test_a_hint_is_read(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Retry-After": "soon"},
        {"Retry-After": "nan"},
        {"Retry-After": "inf"},
        {"X-RateLimit-Remaining": "17", "X-RateLimit-Reset": "1795424460"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "tomorrow"},
        {"X-RateLimit-Remaining": "0"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Interval-Seconds": "often"},
        {"RateLimit": '"burst";r=12;t=1'},
        {"RateLimit": "full"},
    ],
)
def test_nonsense_is_no_hint(headers: dict[str, str]) -> None:
    assert retry_after(headers, NOW) is None
