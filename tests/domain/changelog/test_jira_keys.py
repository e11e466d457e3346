"""Issue keys: found where their project exists, and told as links beside a title, not twice."""

import pytest

from devsync.domain.changelog.jira_keys import keys_in, without_framing_keys


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("PAY-12", ["PAY-12"]),
        ("LED-3, PAY-12 and PAY-12", ["LED-3", "PAY-12"]),
        ("(PAY-12)[LED-3]", ["PAY-12", "LED-3"]),
        ("feature/PAY-12-add-x", ["PAY-12"]),
        ("feature_PAY-12", ["PAY-12"]),
        ("https://acme.example/browse/PAY-12?x=1", ["PAY-12"]),
        ("PAY-12.", ["PAY-12"]),
        ("PAY-12x PAY-12_x PAY-0 PAY-012 PAY- pay-12 XPAY-12 ÄPAY-12", []),
        ("UTF-8 SHA-256 CVE-2026-1", []),
        ("A_B2-7", ["A_B2-7"]),
        (f"{'x' * 100} PAY-12 {'-' * 100} {'P' * 32}-7", ["PAY-12", f"{'P' * 32}-7"]),
        ("", []),
    ],
)
def test_keys_of_known_projects_are_found_in_order(text: str, keys: list[str]) -> None:
    assert list(keys_in(text, frozenset({"PAY", "LED", "A_B2", "P" * 32}))) == keys


def test_without_projects_nothing_is_a_key() -> None:
    assert keys_in("PAY-12", frozenset()) == ()


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
        ("PAY-12. Fix x", "Fix x"),
        ("PAY-12", "PAY-12"),
        ("PAY-123: fix x", "PAY-123: fix x"),
        ("PAY-12a fix x", "PAY-12a fix x"),
        ("Test cases for [PAY-12] nested queries", "Test cases for [PAY-12] nested queries"),
        ("fix x (SHA-256)", "fix x (SHA-256)"),
        ("PAY-12: fix x (SHA-256)", "fix x (SHA-256)"),
        ("fix x, PAY-12)", "fix x, PAY-12)"),
    ],
)
def test_keys_before_and_behind_a_title_go(title: str, shown: str) -> None:
    assert without_framing_keys(title, ["PAY-12", "LED-3"]) == shown


def test_without_keys_nothing_changes() -> None:
    assert without_framing_keys("[PAY-12] fix x", []) == "[PAY-12] fix x"
