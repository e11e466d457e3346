"""On a phone a list is a card for each line, without the heads of columns: a number there says itself what it is."""

import re
from pathlib import Path

import pytest

TEMPLATES = sorted((Path(__file__).parents[2] / "dashboard" / "templates").glob("*.html"))
_FOLDED = re.compile(r'<table class="fold">.*?</table>', re.DOTALL)
_NUMBER = re.compile(r'<td class="number"[^>]*>')


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_numbers_are_labelled_where_the_head_is_gone(template: Path) -> None:
    cells = [cell for table in _FOLDED.findall(template.read_text()) for cell in _NUMBER.findall(table)]
    assert [cell for cell in cells if "data-label=" not in cell] == []


def test_there_are_such_numbers() -> None:
    assert sum(len(_NUMBER.findall(table)) for one in TEMPLATES for table in _FOLDED.findall(one.read_text())) > 5
