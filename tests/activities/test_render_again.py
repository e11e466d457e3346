"""A formatting plan's steps: what an operator's broken template leaves, from the shipped templates to bare titles."""

import json
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from jinja2 import TemplateError
from temporalio.testing import ActivityEnvironment

from activities.rendering import RenderingActivities, Style
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.edition import EditionRendered, RenderEdition
from devsync.contracts.recovery import FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.edition import Edition
from devsync.domain.changelog.telling import Telling
from devsync.domain.errors import ErrorCategory, Failure
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from tests.rendering.inputs import TEMPLATES
from tests.rendering.samples import hostile, partial

BROKEN = Failure(category=ErrorCategory.FORMATTING, message="edition.md.j2:3: wrong", is_retryable=False)


@pytest.fixture
async def activities(tmp_path: Path) -> AsyncIterator[RenderingActivities]:
    """Of a worker whose operator broke a template, and whose store is away."""
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    (tmp_path / "templates" / "markdown" / "edition.md.j2").write_text("{% for %}")
    away = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    yield RenderingActivities(tmp_path / "templates", ArtifactStore(away))
    await away.dispose()


def rendering(edition: Edition) -> RenderEdition:
    content = edition.model_dump_json().encode()
    compressed = zstandard.ZstdCompressor().compress(content)
    reference = ArtifactRef.of_inline(compressed, size=len(content), kind="edition")
    return RenderEdition(team="payments", edition=reference, revision=2, needed=("slack", "text"))


async def again(activities: RenderingActivities, style: Style, edition: Edition) -> dict[str, str]:
    """The renderings by format."""
    request = StepRequest(
        step="again",
        team="payments",
        iso_week="2026-W47",
        service="local",
        phase="render",
        units=(FailedUnit(unit="rendering", service="local", failure=BROKEN),),
        render=rendering(edition),
        arguments={"style": style.value},
        until=datetime.now(UTC),
    )
    result: StepResult = await ActivityEnvironment().run(activities.render_again, request)
    assert result.healed_without_data == ("rendering",)
    assert len(result.part_digests) == len(json.loads(_text(result.renderings["slack"]))["messages"])
    return {name: _text(reference) for name, reference in result.renderings.items()}


def _text(reference: ArtifactRef) -> str:
    assert reference.inline_content is not None
    return zstandard.ZstdDecompressor().decompress(reference.inline_content).decode()


async def test_the_operators_own_template_is_wrong(activities: RenderingActivities) -> None:
    with pytest.raises(TemplateError):
        await ActivityEnvironment().run(activities.render, rendering(partial()))


@pytest.mark.parametrize("style", Style)
async def test_each_style_tells_every_item_and_gap(activities: RenderingActivities, style: Style) -> None:
    edition = partial()
    texts = await again(activities, style, edition)
    assert {"slack", "markdown", "html", "text", "json"} <= set(texts)
    if style is not Style.FALLBACK:
        assert all(item.title in texts["text"] for item in edition.items)
        assert texts["text"].count("! Missing: ") == len(edition.gaps)


@pytest.mark.parametrize("style", [Style.SIMPLIFIED, Style.PLAIN])
async def test_hostile_titles_act_on_nothing_without_templates(activities: RenderingActivities, style: Style) -> None:
    texts = await again(activities, style, hostile())
    slack = json.loads(texts["slack"])["messages"]
    assert all("<!" not in message["text"] and "<@" not in message["text"] for message in slack)
    assert "<script" not in texts["html"]
    assert all(len(message["text"]) <= 4_000 for message in slack)


@pytest.mark.parametrize(
    ("page", "leads_to"),
    [("", "/teams/payments/editions/2026-W46"), ("/teams/payments/editions/2026-W46/approval",) * 2],
    ids=["its permalink", "what it is told"],
)
async def test_where_there_is_a_dashboard_an_edition_leads_to_its_page_there(page: str, leads_to: str) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    dashboard = "https://changelog.acme.dev/devsync"
    activities = RenderingActivities(TEMPLATES, ArtifactStore(away), dashboard=dashboard)
    message = rendering(partial()).model_copy(update={"telling": Telling(page=page)})
    made: EditionRendered = await ActivityEnvironment().run(activities.render, message)
    await away.dispose()
    for form in ("slack", "text", "html"):
        assert f"{dashboard}{leads_to}" in _text(made.formats[form])
    assert dashboard not in _text(made.formats["json"])
