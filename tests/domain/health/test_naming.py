"""What alerts are called, and which patterns could mean one."""

import pytest

from devsync.domain.health.naming import RuleName, key_of, names_a_rule


@pytest.mark.parametrize(
    "pattern", ["*", "error_rate:*", "*:github", "edition_missing:payments:*", "err*", "*payments:*", "?lind:*"]
)
def test_what_could_hold_an_alert(pattern: str) -> None:
    assert names_a_rule(pattern)


@pytest.mark.parametrize("pattern", ["github", "eror_rate:*", "github:*", "git*", ":github", "memory", "Memory:*"])
def test_what_holds_none(pattern: str) -> None:
    assert not names_a_rule(pattern)


@pytest.mark.parametrize("rule", RuleName)
def test_each_alert_can_be_meant_by_its_key(rule: RuleName) -> None:
    assert names_a_rule(key_of(rule, "github"))
