"""What `run` says on the way, where standard error is no terminal."""

from datetime import UTC, datetime

import pytest

from commands.asked import Views
from commands.live import LiveProgress
from devsync.contracts.edition import EditionProgress, Phase, RecoverySummary, StepSummary
from devsync.contracts.escalation import EscalationView
from devsync.domain.changelog.edition import Gap, ProvenanceKind
from devsync.domain.escalation.machine import EscalationRecord, acknowledge, opened, resolve
from devsync.domain.escalation.policy import EscalationPolicy
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.plan import StepState

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OF_WEEK = "recovery:payments:2026-W47"
RUNNING = RecoverySummary(workflow_id=f"{OF_WEEK}:github.collect:1", service="github", phase="collect")
OVER = RUNNING.model_copy(
    update={"outcome": "stand_in", "steps": (StepSummary(id="cached", state=StepState.RESOLVED, seconds=0.1),)}
)
PAGE = "escalation:service:github"
ASKING = RUNNING.model_copy(update={"escalations": (PAGE,), "choices": (Decision.RETRY, Decision.SKIP)})
TO_ANSWER = f"to answer: python starter.py escalation resolve {PAGE} DECISION (retry, skip)"
GONE = Gap(unit="jira:PAY", service="jira", reason="jira answered 404")
CACHED = Gap(
    unit="github:acme/web", service="github", reason="github answered 503", as_of=NOON, stand_in=ProvenanceKind.CACHED
)
POLICY = EscalationPolicy.model_validate(
    {
        "name": "default",
        "levels": [{"name": "team_lead", "targets": [{"kind": "slack", "target": "#oncall"}], "delay": "PT15M"}],
        "entry": {},
        "acknowledgement_timeout": "PT1H",
        "default_decision": "skip",
    }
)


def said(capsys: pytest.CaptureFixture[str], *progresses: EditionProgress, views: Views | None = None) -> list[str]:
    return said_of(capsys, *((one, views or {}) for one in progresses))


def said_of(capsys: pytest.CaptureFixture[str], *heard: tuple[EditionProgress, Views]) -> list[str]:
    with LiveProgress("payments 2026-W47") as live:
        for progress, views in heard:
            live(progress, views)
    return [line.strip() for line in capsys.readouterr().err.splitlines() if line.startswith("  ")]


def collecting(*gaps: Gap, recoveries: tuple[RecoverySummary, ...] = ()) -> EditionProgress:
    escalations = tuple(escalation for one in recoveries for escalation in one.escalations)
    return EditionProgress(phase=Phase.COLLECTING, gaps=gaps, recoveries=recoveries, escalations=escalations)


def page(record: EscalationRecord) -> Views:
    return {PAGE: EscalationView(escalation_id=PAGE, record=record)}


def test_what_is_recovered_and_what_is_missing_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    recovering = collecting(GONE, CACHED, recoveries=(RUNNING,))
    assert said(capsys, recovering, recovering, collecting(GONE, recoveries=(OVER,))) == [
        "recovery of github (collect): running",
        "missing jira:PAY: jira answered 404",
        "not live github:acme/web: data of 23 November 2026, 12:00 UTC stands in (github answered 503)",
        "recovery of github (collect): stand in (cached resolved)",
    ]


def test_two_recoveries_of_one_service_have_names_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = RUNNING.model_copy(update={"phase": "metrics", "workflow_id": f"{OF_WEEK}:github.metrics:1"})
    again = RUNNING.model_copy(update={"workflow_id": f"{OF_WEEK}:github.collect:2"})
    assert said(capsys, collecting(recoveries=(RUNNING, metrics, again))) == [
        "recovery of github (collect): running",
        "recovery of github (metrics): running",
        "recovery of github (collect 2): running",
    ]


def test_while_people_are_asked_it_says_who_and_how_to_answer(capsys: pytest.CaptureFixture[str]) -> None:
    record = opened(POLICY, "team_lead", "policy", "", NOON).record
    taken = acknowledge(record, "anna", NOON).record
    over = resolve(record, "anna", Decision.SKIP, "", NOON).record
    asking = collecting(recoveries=(ASKING,))
    heard = [(asking, page(record)), (asking, page(record)), (asking, page(taken)), (asking, page(over))]
    assert said_of(capsys, *heard) == [
        "recovery of github (collect): running",
        f"people are asked: {PAGE}, team_lead (#oncall)",
        TO_ANSWER,
        f"people are asked: {PAGE}, team_lead (#oncall), acknowledged by anna",
    ]


def test_it_says_so_also_where_nobody_tells_who_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, collecting(recoveries=(ASKING,)))[1:] == [f"people are asked: {PAGE}", TO_ANSWER]


def test_who_was_only_told_is_not_asked(capsys: pytest.CaptureFixture[str]) -> None:
    over = OVER.model_copy(update={"escalations": (PAGE,)})
    assert said(capsys, collecting(recoveries=(over,))) == ["recovery of github (collect): stand in (cached resolved)"]
