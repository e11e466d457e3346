"""What `run` says on the way, where standard error is no terminal."""

from datetime import UTC, datetime

import pytest

from commands.live import LiveProgress
from devsync.contracts.edition import EditionProgress, Phase, ServiceWait
from devsync.domain.changelog.edition import Gap

UNTIL = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)
WAIT = ServiceWait(service="github", until=UNTIL, reason="its circuit breaker is open")
GONE = Gap(unit="jira:PAY", service="jira", reason="jira answered 404")


def said(capsys: pytest.CaptureFixture[str], *progresses: EditionProgress) -> list[str]:
    with LiveProgress("payments 2026-W47") as live:
        for one in progresses:
            live(one)
    return [line.strip() for line in capsys.readouterr().err.splitlines() if line.startswith("  ")]


def collecting(*gaps: Gap, waits: tuple[ServiceWait, ...] = ()) -> EditionProgress:
    return EditionProgress(phase=Phase.COLLECTING, gaps=gaps, waits=waits)


def test_what_is_waited_for_and_what_is_missing_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = collecting(GONE, waits=(WAIT,))
    assert said(capsys, waiting, waiting, collecting(GONE)) == [
        "waits for github until 12:05:00 UTC: its circuit breaker is open",
        "missing jira:PAY: jira answered 404",
    ]
