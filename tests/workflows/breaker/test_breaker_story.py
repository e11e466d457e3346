"""What the Web UI shows of a breaker: the state first, then what comes next, why, and what happened before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devsync.contracts.breaker import BreakerSnapshot
from devsync.domain.breaker import BreakerConfig, Event, Lease, Mode, Standing, State, Tally, Transition
from workflows.breaker.story import breaker_story

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
FAILURE = "github answered 503 (Service Unavailable) (GET /repos/acme/ledger/pulls)"
OPENED = f"10 failures in 15 min, last: {FAILURE}"
OPEN = {"state": State.OPEN, "retry_at": LATER, "reason": OPENED}
MAINTENANCE = {"state": State.OPEN, "mode": Mode.FORCED_OPEN, "reason": "maintenance", "actor": "anna"}


def story(standing: dict[str, Any], **snapshot: Any) -> list[str]:
    told: dict[str, Any] = {"reason": "new", "actor": "breaker", "changed_at": NOON, "probes_allowed": 5}
    full = BreakerSnapshot(
        standing=Standing(service="github", **(told | standing)),
        config=BreakerConfig(),
        **({"counts": Tally()} | snapshot),
    )
    return breaker_story(full).splitlines()


def test_an_open_breaker_says_when_the_next_probe_is_and_why_it_is_open() -> None:
    transition = Transition(
        event=Event.OPENED, at=NOON, from_state=State.CLOSED, to_state=State.OPEN, mode=Mode.NORMAL,
        reason=OPENED, actor="breaker", generation=1, until=LATER,
    )  # fmt: skip
    assert story(OPEN, last_failure=FAILURE, transitions=(transition,), reports=4) == [
        "### github is open: calls are refused",
        "**Next probe at 2026-11-23 12:05:00 UTC**",
        "",
        f"Open since 2026-11-23 12:00:00 UTC: {OPENED}",
        "",
        "- Rules: opens after 10 failures in 15 min, for 5 min; closes after 3 probes that succeed",
        "- Reports: 4",
        "",
        "| at (UTC) | event | why | by |",
        "| --- | --- | --- | --- |",
        f"| 11-23 12:00:00 | opened, until 11-23 12:05:00 | {OPENED} | breaker |",
    ]


@pytest.mark.parametrize(
    ("standing", "heading", "line", "since"),
    [
        (
            MAINTENANCE | {"mode_until": LATER, "retry_at": LATER},
            "### github is forced open: calls are refused",
            "**Until 2026-11-23 12:05:00 UTC**",
            "Forced open since 2026-11-23 12:00:00 UTC: maintenance (anna)",
        ),
        (
            MAINTENANCE,
            "### github is forced open: calls are refused",
            "**Until somebody ends it**",
            "Forced open since 2026-11-23 12:00:00 UTC: maintenance (anna)",
        ),
        ({}, "### github is closed: calls go out", "", "Closed since 2026-11-23 12:00:00 UTC: new"),
    ],
)
def test_what_people_have_decided_names_them_and_its_end(
    standing: dict[str, Any], heading: str, line: str, since: str
) -> None:
    told = story(standing)
    assert told[:2] == [heading, line]
    assert since in told


def test_a_half_open_breaker_counts_its_probes() -> None:
    lease = Lease(id="2.1", holder="worker", generation=2, deadline=LATER)
    told = story({"state": State.HALF_OPEN}, leases=(lease,), probe_successes=2, last_failure=FAILURE)
    assert "- Probes: 1 of 5 out, 2 succeeded" in told
    assert f"- Last failure: {FAILURE}" in told


def test_a_pause_says_until_when_and_why() -> None:
    told = story({"paused_until": LATER, "pause_reason": "429 from <b>GitHub</b>"})
    assert told[:2] == [
        "### github is paused: calls are refused, the service asks for patience",
        "**Until 2026-11-23 12:05:00 UTC**",
    ]
    assert "- Paused until 2026-11-23 12:05:00 UTC: 429 from \\<b\\>GitHub\\</b\\>" in told


def test_of_many_refused_messages_it_says_how_many_and_shows_the_last() -> None:
    told = story({}, refused=("nonsense",), refused_count=37)
    assert told[told.index("- Refused 37 messages, the last of them:") + 1] == "- Refused: nonsense"
    assert not any("messages" in line for line in story({}, refused=("nonsense",), refused_count=1))
