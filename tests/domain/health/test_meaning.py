"""Every alert says what it means, in its message and on the page of the docs."""

from pathlib import Path

import pytest

from devsync.domain.health.meaning import MEANINGS
from devsync.domain.health.naming import RuleName

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "act-on-an-alert.md"


@pytest.mark.parametrize("rule", list(RuleName))
def test_every_rule_has_a_meaning_and_a_row_of_the_page(rule: RuleName) -> None:
    assert MEANINGS[rule]
    assert f"| `{rule.value}:" in PAGE.read_text()
