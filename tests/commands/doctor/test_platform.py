"""What `doctor` says of row-level security: in force, not in force, or in the way."""

import pytest

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
