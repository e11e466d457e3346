"""What a person reads when an edition is done."""

from datetime import UTC, datetime
from typing import Any

import pytest

from commands.outages import Healed
from commands.summary import healing_lines, print_summary
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.edition import EditionResult, EditionStatus
from devsync.contracts.escalation import EscalationView, ToldState, ToldTarget
from devsync.domain.changelog.edition import Gap, ProvenanceKind
from devsync.domain.escalation.machine import State
from devsync.domain.escalation.policy import Target
from devsync.domain.recovery.decision import Decision
from tests.domain.escalation.test_machine import fresh

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LEDGER = EditionResult(
    team="ledger",
    iso_week="2026-W47",
    status=EditionStatus.COMPLETE,
    revision=1,
    completeness=1.0,
    item_count=1,
    unclassified_ratio=0.0,
    workflow_id="changelog:ledger:2026-W47",
    run_id="01a2102c-3a5c-7a94-bb93-69b6c85fa4aa",
)


def test_ids_are_whole_on_one_line_whatever_the_team_is_called(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_summary(LEDGER)
    printed = capsys.readouterr().out
    assert "workflow changelog:ledger:2026-W47, run 01a2102c-3a5c-7a94-bb93-69b6c85fa4aa\n" in printed
    assert "revision 1, 1 item, 100% of the sources" in printed


def test_a_run_that_made_no_edition_counts_no_items(capsys: pytest.CaptureFixture[str]) -> None:
    rejected = {"status": EditionStatus.REJECTED, "item_count": 0, "completeness": 0, "seconds": {"total": 2.5}}
    print_summary(LEDGER.model_copy(update=rejected))
    assert capsys.readouterr().out.splitlines()[0] == "ledger 2026-W47: rejected, 2.5 s"


def test_only_that_is_missing_for_which_nothing_stands_in(capsys: pytest.CaptureFixture[str]) -> None:
    down = [
        Gap(unit=f"github:a/{name}", service="github", reason="github answered 503", stand_in=kind, as_of=as_of)
        for name, kind, as_of in (
            ("b", ProvenanceKind.CACHED, NOON), ("c", None, None), ("d", ProvenanceKind.MIRROR, NOON),
            ("e", ProvenanceKind.CACHED, NOON),
        )
    ]  # fmt: skip
    print_summary(LEDGER.model_copy(update={"gaps": tuple(down)}))
    assert [line.strip() for line in capsys.readouterr().out.splitlines() if "github answered 503" in line] == [
        "not live github:a/b, github:a/e: data of 23 November 2026, 12:00 UTC stands in (github answered 503)",
        "missing github:a/c: github answered 503",
        "not live github:a/d: its git mirror stands in: commits, without pull requests (github answered 503)",
    ]


def test_what_has_the_same_reason_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    down = [Gap(unit=unit, service="github", reason="github answered 503") for unit in ("github:a/b", "github:a/c")]
    gaps = (down[0], Gap(unit="jira:PAY", service="jira", reason="jira answered 404"), down[1])
    notes = ("github:a/b: by mirror: no titles", "schedule: 2 h late", "github:a/c: by mirror: no titles")
    print_summary(LEDGER.model_copy(update={"gaps": gaps, "notes": notes}))
    printed = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in printed if "missing" in line or "note" in line] == [
        "missing github:a/b, github:a/c: github answered 503",
        "missing jira:PAY: jira answered 404",
        "note on github:a/b, github:a/c: by mirror: no titles",
        "note on schedule: 2 h late",
    ]


def escalation(**fields: Any) -> EscalationView:
    """Of Slack: #oncall was told, and anna is out of reach."""
    told = (
        ToldTarget(target=Target(kind="slack", target="#oncall"), level="lead", state=ToldState.TOLD),
        ToldTarget(target=Target(kind="email", target="anna@acme.example"), level="lead", state=ToldState.UNREACHED),
    )
    return EscalationView(escalation_id="escalation:service:slack", told=told, **fields)


ASKED = "asked #oncall and anna@acme.example (not reached, and not tried again)"


@pytest.mark.parametrize(
    ("view", "line"),
    [
        (escalation(record=fresh()), f"{ASKED}: still open"),
        (escalation(), f"{ASKED}: still open"),
        (
            escalation(
                record=fresh().model_copy(
                    update={"state": State.RESOLVED, "decided_by": "healed", "note": "it is back"}
                )
            ),
            f"{ASKED}: nobody had to decide, it healed by itself (it is back)",
        ),
        (
            escalation(
                record=fresh().model_copy(
                    update={"state": State.RESOLVED, "decision": Decision.SKIP, "decided_by": "ben"}
                )
            ),
            f"{ASKED}: skip, decided by ben",
        ),
        (EscalationView(escalation_id="escalation:service:slack"), "asked nobody yet: still open"),
        (
            EscalationView(
                escalation_id="escalation:service:slack",
                told=(
                    ToldTarget(target=Target(kind="slack", target="#oncall"), level="lead", state=ToldState.UNCERTAIN),
                ),
            ),
            "asked #oncall (perhaps told, whether it arrived is not known): still open",
        ),
    ],
)
def test_after_an_outage_it_is_told_who_was_asked_and_what_came_of_it(view: EscalationView, line: str) -> None:
    assert list(healing_lines(Healed("ledger", "2026-W47", escalations=(view,)))) == [
        f"escalation:service:slack {line}"
    ]


def test_after_an_outage_it_is_told_what_was_added() -> None:
    amended = AmendmentProgress(
        revision=2, missing=(), healed=("github:a/b", "jira:PAY"), until=NOON, ended="everything is there"
    )
    healed = Healed("ledger", "2026-W47", amendment=amended)
    assert list(healing_lines(healed)) == ["revision 2 adds 2 sources: everything is there"]


def test_a_service_of_which_nothing_succeeded_does_not_look_uncalled(capsys: pytest.CaptureFixture[str]) -> None:
    calls = {"github": 0, "jira": 10}
    print_summary(LEDGER.model_copy(update={"api_calls": calls}))
    assert "  calls: github 0 (no attempt succeeded), jira 10\n" in capsys.readouterr().out
