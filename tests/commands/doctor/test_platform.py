"""What `doctor` says of row-level security: in force, not in force, or in the way."""

import pytest

from commands.console import output
from commands.doctor.findings import Finding, print_finding
from commands.doctor.platform import _row_security
from devsync.storage.roles import Standing

STANDINGS = [
    pytest.param(
        Standing("postgres", "a superuser", sees_all_teams=True),
        (True, "not in force: postgres, which DATABASE_URL names, is a superuser"),
        "docs/how-to/separate-database-roles.md",
        id="one role for everything",
    ),
    pytest.param(
        Standing("worker", "", sees_all_teams=True),
        (True, "in force; worker works for all teams, as a member of devsync_all_teams"),
        "",
        id="a role of its own",
    ),
    pytest.param(
        Standing("pages", "", sees_all_teams=False),
        (False, "in force, and pages sees no team: a worker needs all of them"),
        "GRANT devsync_all_teams TO pages",
        id="a role that is none for workers",
    ),
]


@pytest.mark.parametrize(("standing", "expected", "cure"), STANDINGS)
def test_row_level_security_is_told_as_it_is(standing: Standing, expected: tuple[bool, str], cure: str) -> None:
    finding = _row_security(standing)
    assert (finding.is_ok, finding.detail) == expected
    assert finding.cure.endswith(cure)
    assert bool(finding.cure) == bool(cure)


@pytest.mark.parametrize(
    ("finding", "word"),
    [
        (Finding("database", True, "there"), "ok  "),
        (Finding("row-level security", True, "not in force", "give it a role of its own"), "note"),
        (Finding("workers", False, "nobody serves editions", "start one"), "FAIL"),
    ],
)
def test_what_is_not_in_force_is_not_said_to_be_ok(
    finding: Finding, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_finding(finding, output())
    first, *cure = capsys.readouterr().out.splitlines()
    assert first == f"{word} {finding.check}: {finding.detail}"
    assert cure == ([f"     → {finding.cure}"] if finding.cure else [])
