"""What `run` says on the way, where standard error is no terminal."""

import pytest

from commands.live import LiveProgress
from devsync.contracts.edition import EditionProgress, Phase, RecoverySummary, StepSummary
from devsync.domain.changelog.edition import Gap
from devsync.domain.recovery.plan import StepState

RUNNING = RecoverySummary(workflow_id="recovery:1", service="github", phase="collect")
OVER = RUNNING.model_copy(
    update={"outcome": "stand_in", "steps": (StepSummary(id="cached", state=StepState.RESOLVED, seconds=0.1),)}
)
GONE = Gap(unit="jira:PAY", service="jira", reason="jira answered 404")


def said(capsys: pytest.CaptureFixture[str], *progresses: EditionProgress) -> list[str]:
    with LiveProgress("payments 2026-W47") as live:
        for one in progresses:
            live(one)
    return [line.strip() for line in capsys.readouterr().err.splitlines() if line.startswith("  ")]


def collecting(*gaps: Gap, recoveries: tuple[RecoverySummary, ...] = ()) -> EditionProgress:
    return EditionProgress(phase=Phase.COLLECTING, gaps=gaps, recoveries=recoveries)


def test_what_is_recovered_and_what_is_missing_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    recovering = collecting(GONE, recoveries=(RUNNING,))
    assert said(capsys, recovering, recovering, collecting(GONE, recoveries=(OVER,))) == [
        "recovery of github: running",
        "missing jira:PAY: jira answered 404",
        "recovery of github: stand in (cached resolved)",
    ]
