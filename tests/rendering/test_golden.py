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
from devsync.domain.changelog.telling import Telling
from devsync.rendering.documents import render_html, render_json, render_markdown, render_text
from devsync.rendering.slack import render_slack
from devsync.rendering.story import PLAIN
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


def _slack(edition: Edition, telling: Telling = PLAIN) -> str:
    messages = render_slack(edition, TEMPLATES, telling=telling).model_dump()["messages"]
    return json.dumps(messages, indent=2, ensure_ascii=False) + "\n"


RENDERERS: dict[str, Callable[[Edition], str]] = {
    "md": lambda edition: render_markdown(edition, TEMPLATES),
    "html": lambda edition: render_html(edition, TEMPLATES),
    "txt": lambda edition: render_text(edition, TEMPLATES),
    "json": render_json,
    "slack.json": _slack,
}


LINKED = Telling(page="https://changelog.acme.dev/teams/payments/editions/2026-W47")
TO_DASHBOARD: dict[str, Callable[[Edition], str]] = {
    "html": lambda edition: render_html(edition, TEMPLATES, telling=LINKED),
    "txt": lambda edition: render_text(edition, TEMPLATES, telling=LINKED),
    "slack.json": lambda edition: _slack(edition, LINKED),
}


@pytest.mark.parametrize("extension", RENDERERS)
@pytest.mark.parametrize("case", CASES)
def test_the_rendering_is_as_agreed(case: str, extension: str) -> None:
    assert_as_agreed(f"{case}.{extension}", RENDERERS[extension](CASES[case]()))


@pytest.mark.parametrize("extension", TO_DASHBOARD)
def test_where_there_is_a_dashboard_the_rendering_leads_there_as_agreed(extension: str) -> None:
    assert_as_agreed(f"linked.{extension}", TO_DASHBOARD[extension](samples.quiet_and_partial()))


def assert_as_agreed(name: str, text: str) -> None:
    rendered = text.encode()
    golden = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_bytes(rendered)
    assert golden.exists(), f"{golden.name} is not there yet; write it with UPDATE_GOLDEN=1"
    assert rendered.decode() == golden.read_bytes().decode(), (
        "if this is meant, run with UPDATE_GOLDEN=1 and read the diff"
    )
