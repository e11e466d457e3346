"""`recovery recent` and `recovery stats` as people read them, and what they say to nonsense."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands import recovery
from devsync.contracts.activities import READ_STATUS_PAGE
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from devsync.storage.recoveries import PlanStatistics, RecordedRecovery, RecordedStep, StepStatistics
from tests.commands.test_bad_input import starter

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def step(name: str, state: StepState, *healed: str) -> RecordedStep:
    return RecordedStep(
        step=name,
        activity="a.b",
        state=state,
        started_at=NOON,
        seconds=1.5,
        attempts=1,
        healed=healed,
        message="said [so]",
    )


RECOVERY = RecordedRecovery(
    workflow_id="recovery:payments:2026-W47:github.collect:1",
    run_id="run-1",
    team="payments",
    iso_week="2026-W47",
    plan="github-collection",
    service="github",
    phase="collect",
    outcome=RecoveryOutcome.PARTIAL,
    healed=1,
    missing={"github:acme/web": "github answered 503"},
    decision="use_fallback",
    decided_by="anna [team lead]",
    note="",
    escalation_id="escalation:service:github",
    started_at=NOON - timedelta(seconds=95),
    ended_at=NOON,
    steps=(
        step("status", StepState.SUCCEEDED).model_copy(update={"activity": READ_STATUS_PAGE.name}),
        step("retry", StepState.FAILED),
        step("cached", StepState.SUCCEEDED, "github:acme/api"),
        step("mirror", StepState.SUCCEEDED),
    ),
)


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_the_last_recoveries_stand_in_a_line_each(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    recovery._print_recent([RECOVERY])
    head, line = printed(capsys)
    assert head == "ended (UTC) team week plan outcome took steps decided"
    assert line == (
        "11-23 12:00:00 payments 2026-W47 github-collection partial 0:01:35 status(done) retry(failed) "
        "cached mirror(found nothing) use fallback, decided by anna [team lead]"
    )


def test_statistics_stand_by_plan_and_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = [PlanStatistics(plan="p", outcome=RecoveryOutcome.HEALED, count=3, median_seconds=12.34)]
    steps = [StepStatistics(plan="p", step="retry", count=4, healed=3, median_seconds=2)]
    recovery._print_stats(outcomes, steps, "30d")
    assert printed(capsys) == [
        "plan outcome count median",
        "p healed 3 12.3 s",
        "",
        "plan step ran healed median",
        "p retry 4 3 2.0 s",
    ]


def test_where_nothing_is_on_record_they_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    recovery._print_recent([])
    recovery._print_stats([], [], "24h")
    assert printed(capsys) == ["no recoveries on record", "no recoveries on record in the last 24h"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("stats", "--window", "soon"), '--window: "soon" is not a duration'),
        (("stats", "--window", "0s"), "is no time at all; write 24h"),
        (("recent", "--limit", "0"), "Input should be greater than or equal to 1"),
    ],
)
async def test_nonsense_is_refused_with_its_cure(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    code, _, errors = await starter(tmp_path, "recovery", *arguments)
    assert (code, told in errors) == (2, True), errors
