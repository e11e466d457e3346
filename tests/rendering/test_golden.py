"""Every rendering of four weeks, as files: what a change of a template or a rule does to readers shows in the diff.

After an intended change, write them anew and read the diff:

    UPDATE_GOLDEN=1 pytest tests/rendering/test_golden.py
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from devsync.domain.changelog.edition import Edition
from devsync.rendering.documents import render_html, render_json, render_markdown, render_text
from devsync.rendering.slack import render_slack
from tests.rendering import samples
from tests.rendering.inputs import TEMPLATES

GOLDEN = Path(__file__).parent / "golden"

CASES: dict[str, Callable[[], Edition]] = {
    "normal": samples.normal,
    "partial": samples.partial,
    "quiet": samples.quiet,
    "quiet-partial": samples.quiet_and_partial,
    "hostile": samples.hostile,
    "product": lambda: samples.normal().model_copy(update={"audience": "product"}),
}


def _slack(edition: Edition) -> str:
    messages = render_slack(edition, TEMPLATES).model_dump()["messages"]
    return json.dumps(messages, indent=2, ensure_ascii=False) + "\n"


RENDERERS: dict[str, Callable[[Edition], str]] = {
    "md": lambda edition: render_markdown(edition, TEMPLATES),
    "html": lambda edition: render_html(edition, TEMPLATES),
    "txt": lambda edition: render_text(edition, TEMPLATES),
    "json": render_json,
    "slack.json": _slack,
}


@pytest.mark.parametrize("extension", RENDERERS)
@pytest.mark.parametrize("case", CASES)
def test_the_rendering_is_as_agreed(case: str, extension: str) -> None:
    rendered = RENDERERS[extension](CASES[case]()).encode()
    golden = GOLDEN / f"{case}.{extension}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_bytes(rendered)
    assert golden.exists(), f"{golden.name} is not there yet; write it with UPDATE_GOLDEN=1"
    assert rendered.decode() == golden.read_bytes().decode(), (
        "if this is meant, run with UPDATE_GOLDEN=1 and read the diff"
    )
