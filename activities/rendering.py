"""Renders editions in every format; where a template fails, in plainer and plainer ways, the last of which cannot."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from temporalio import activity

from activities.composing import content_of
from devsync.contracts import activities as contracts
from devsync.contracts.edition import EditionRendered, RenderEdition
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.changelog.edition import Edition
from devsync.domain.dashboard_pages import address_of, edition_page
from devsync.rendering import plain
from devsync.rendering.documents import render_html, render_json, render_markdown, render_text
from devsync.rendering.slack import SlackRendering, render_slack, slack_part_digests
from devsync.rendering.webhook import render_webhook
from devsync.storage.artifacts import ArtifactStore, StoreUnavailable

SHIPPED_TEMPLATES = Path(__file__).parents[1] / "templates"
"""What stands in for an operator's own templates."""

Texts = dict[str, str]
"""Renderings by format."""


class Style(StrEnum):
    """How a rendering is made again (`with: {style: …}` of a recovery step), from rich to what cannot fail."""

    FALLBACK = "fallback"
    """By the templates of this build, where an operator's own are wrong."""
    SIMPLIFIED = "simplified"
    """Without templates: headings and one line an item."""
    PLAIN = "plain"
    """Without templates, structure or links."""


class RenderingActivities:
    def __init__(self, templates_dir: Path, store: ArtifactStore, *, dashboard: str = "") -> None:
        """`dashboard`: where people reach it; empty: editions do not lead there."""
        self._templates = templates_dir
        self._store = store
        self._dashboard = dashboard

    def all(self) -> list[Callable[..., Any]]:
        return [self.render, self.render_again]

    @activity.defn(name=contracts.RENDER_EDITION.name)
    async def render(self, message: RenderEdition) -> EditionRendered:
        """Every format, in a thread, each an artifact of its own.

        While the store is away those are left out that no channel needs and that are too large to carry.
        """
        edition = await self._edition(message)
        texts, slack = await asyncio.to_thread(_by_templates, edition, self._linked(message, edition), self._templates)
        return await self._kept(message, texts, slack)

    @activity.defn(name=contracts.RENDER_AGAIN.name)
    async def render_again(self, request: StepRequest) -> StepResult:
        """The step of a formatting plan. Raises what the templates raise, where the style has some."""
        message = request.render
        if message is None:
            raise ValueError("nothing to render: the request has no rendering")
        style = Style(request.arguments.get("style", Style.PLAIN))
        edition = await self._edition(message)
        texts, slack = await asyncio.to_thread(_in_style, style, edition, self._linked(message, edition))
        kept = await self._kept(message, texts, slack)
        return StepResult(
            healed_without_data=tuple(unit.unit for unit in request.units),
            renderings=kept.formats,
            digests=kept.digests,
            part_digests=kept.slack_part_digests,
            message=f"rendered in the style {style.value}",
        )

    async def _edition(self, message: RenderEdition) -> Edition:
        return Edition.model_validate_json(await content_of(message.edition, self._store))

    def _linked(self, message: RenderEdition, edition: Edition) -> RenderEdition:
        """It tells where on the dashboard more is to be seen."""
        page = message.telling.page or edition_page(edition.team, edition.iso_week)
        telling = message.telling.model_copy(update={"page": address_of(page, self._dashboard)})
        return message.model_copy(update={"telling": telling})

    async def _kept(self, message: RenderEdition, texts: Texts, slack: SlackRendering) -> EditionRendered:
        needed_first = sorted(texts, key=lambda name: name not in message.needed)
        contents = [(f"rendering.{name}", texts[name].encode()) for name in needed_first]
        references = await self._store.put_or_carry(contents, team=message.team, budget=message.inline_budget)
        formats = {
            name: reference for name, reference in zip(needed_first, references, strict=True) if reference is not None
        }
        for name in message.needed:
            if name not in formats:
                raise StoreUnavailable(
                    f"the artifact store is away, and rendering.{name} is too large to travel without"
                )
        return EditionRendered(
            formats=formats,
            slack_part_digests=slack_part_digests(slack),
            digests={name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()},
            left_out=tuple(name for name in needed_first if name not in formats),
        )


def _by_templates(edition: Edition, message: RenderEdition, templates: Path) -> tuple[Texts, SlackRendering]:
    revision, telling = message.revision, message.telling
    slack = render_slack(edition, templates, revision, telling=telling)
    texts = {
        "slack": slack.model_dump_json(),
        "markdown": render_markdown(edition, templates, revision, telling=telling),
        "html": render_html(edition, templates, revision, telling=telling),
        "text": render_text(edition, templates, revision, telling=telling),
        **_without_templates(edition, message),
    }
    return texts, slack


def _in_style(style: Style, edition: Edition, message: RenderEdition) -> tuple[Texts, SlackRendering]:
    if style is Style.FALLBACK:
        return _by_templates(edition, message, SHIPPED_TEMPLATES)
    written = plain.simplified if style is Style.SIMPLIFIED else plain.bare
    text = written(edition, message.revision, message.telling)
    slack = plain.slack_of(text)
    texts = {
        "slack": slack.model_dump_json(),
        "markdown": text,
        "html": plain.html_of(text),
        "text": text,
        **_without_templates(edition, message),
    }
    return texts, slack


def _without_templates(edition: Edition, message: RenderEdition) -> Mapping[str, str]:
    texts = {"json": render_json(edition)}
    if "webhook" in message.needed:
        texts["webhook"] = render_webhook(edition, message.revision)
    return texts
