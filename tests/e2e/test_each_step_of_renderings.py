"""Every step of the shipped plan of renderings: all above it fail, and it alone makes the edition readable."""

import re
from pathlib import Path

import pytest

from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionStatus
from tests.checkout import Edit, changed_checkout
from tests.e2e.stage import Stage

OWN_TEMPLATE = "templates/markdown/edition.md.j2"
BROKEN = [
    Edit(OWN_TEMPLATE, "{#", "{% for %}{#"),
    Edit("devsync/rendering/plain.py", "    for section in Section:", "    for section in 1 / 0:"),
]
"""The shipped templates, then what needs none."""


@pytest.mark.parametrize(("step", "broken"), [("fallback", 0), ("simplified", 1), ("plain", 2)])
async def test_it_alone_makes_the_edition_readable(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, broken: int
) -> None:
    checkout = changed_checkout(tmp_path / "build", BROKEN[:broken])
    own = changed_checkout(tmp_path / "own", BROKEN[:1], parts=["templates"]) / "templates"
    monkeypatch.setenv("TEMPLATES_DIR", str(own))
    async with stage.worker(checkout=checkout):
        result = await stage.run()
    (recovery,) = result.recoveries
    assert [one.id for one in recovery.steps if one.state == "resolved"] == [step]
    assert result.status is EditionStatus.COMPLETE
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    items = (await stage.edition(result)).items
    titles = [one.title for one in items if not one.is_automated and re.fullmatch(r"[\w ]+", one.title)]
    posted = "\n".join(str(message) for message in stage.messages)
    assert len(titles) > 10
    assert [title for title in titles if title not in posted] == []
