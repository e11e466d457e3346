"""Issue keys that frame a title are told as links, not twice."""

import pytest

from devsync.domain.changelog.jira_keys import without_framing_keys


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("[PAY-12] Fix x", "Fix x"),
        ("PAY-12: fix x", "fix x"),
        ("PAY-12 - fix x", "fix x"),
        ("PAY-12, LED-3: fix x", "fix x"),
        ("fix x (PAY-12)", "fix x"),
        ("fix x [PAY-12] (LED-3)", "fix x"),
        ("[PAY-12] [LED-3] fix x (PAY-12)", "fix x"),
        ("fix PAY-12 for good", "fix PAY-12 for good"),
        ("PAY-12", "PAY-12"),
        ("PAY-123: fix x", "PAY-123: fix x"),
        ("PAY-12a fix x", "PAY-12a fix x"),
        ("Test cases for [PAY-12] nested queries", "Test cases for [PAY-12] nested queries"),
        ("fix x (SHA-256)", "fix x (SHA-256)"),
    ],
)
def test_keys_before_and_behind_a_title_go(title: str, shown: str) -> None:
    assert without_framing_keys(title, ["PAY-12", "LED-3"]) == shown


def test_without_keys_nothing_changes() -> None:
    assert without_framing_keys("[PAY-12] fix x", []) == "[PAY-12] fix x"
