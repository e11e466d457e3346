"""What a person reads when an edition is done."""

import pytest

from commands.summary import print_summary
from devsync.contracts.edition import EditionResult, EditionStatus
from devsync.domain.changelog.edition import Gap

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
