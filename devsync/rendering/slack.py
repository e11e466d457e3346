"""An edition for Slack: one message for the channel, the rest as replies in its thread.

The channel message is what everybody reads: what the week brought, what is missing, what breaks. Whoever wants more
opens the thread, which tells every section; in a very large edition its first items, and how many more there are.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Template

from devsync.domain.changelog.edition import Edition, Section
from devsync.domain.changelog.telling import Telling
from devsync.domain.model import Model
from devsync.rendering.buttons import buttons
from devsync.rendering.environment import Format, environment
from devsync.rendering.escape import ampersand_escaped
from devsync.rendering.slack_blocks import (
    MAX_MESSAGE,
    MAX_TEXT,
    Block,
    Part,
    context,
    cost,
    fitting,
    header,
    messages,
    part_of,
    section,
    shorten,
)
from devsync.rendering.story import PLAIN, Chapter, Story, even_share, shortened, story_of

TEMPLATE = "edition.mrkdwn.j2"

MAX_REPLIES = 9
"""A longer thread nobody reads, and Slack takes about one message a second and channel."""

# What an item takes in the thread, seldom more: two links, a title, two names.
_ITEM_CHARACTERS = 250

# Three boxes and a summary of this size leave 1,600 characters for header, small print and JSON's own.
_BOXES = 4
_MAX_BOX = 2_600


class SlackMessage(Model):
    """One call of chat.postMessage: `text` is what notifications and screen readers get, always set.

    Post with `unfurl_links=False`, and without `link_names` or `parse`, which would look for names in the text.
    """

    text: str
    blocks: list[dict[str, Any]]


class SlackRendering(Model):
    """The channel message first, then the replies in its thread, in order."""

    messages: tuple[SlackMessage, ...]


def render_slack(edition: Edition, templates: Path, revision: int = 1, *, telling: Telling = PLAIN) -> SlackRendering:
    """The edition as Block Kit messages, each within Slack's limits whatever the edition holds.

    Beyond `MAX_REPLIES` each section tells its first items, all sections the same number of them, and how many it
    leaves out. Only items are left out: one whose gaps, releases and people alone take more replies keeps them.
    Raises jinja2.TemplateError where the template is missing or wrong.
    """
    story = story_of(edition, revision, telling)
    template = environment(templates, Format.SLACK).get_template(TEMPLATE)
    told = _Teller(story, template, list(buttons(telling.offers)))
    channel, overflowing = told.channel_boxes()
    replies = _replies(story, template, overflowing)
    if replies:
        channel.append(context(told.say("thread_hint")))
    first = SlackMessage(text=shorten(told.say("fallback"), MAX_TEXT), blocks=channel)
    return SlackRendering(messages=(first, *replies))


def slack_part_digests(rendering: SlackRendering) -> tuple[str, ...]:
    """sha256 of each message's content: who has that very message need not get it again."""
    return tuple(sha256(message.model_dump_json().encode()).hexdigest() for message in rendering.messages)


def _replies(story: Story, template: Template, overflowing: frozenset[str]) -> list[SlackMessage]:
    # A large edition is not rendered whole to be thrown away: the first try holds about what will fit.
    limit = even_share(story, MAX_REPLIES * MAX_MESSAGE // _ITEM_CHARACTERS)
    while True:
        told = _Teller(shortened(story, limit), template)
        replies = [
            SlackMessage(text=told.thread_text(headings), blocks=blocks)
            for headings, blocks in messages(told.thread_parts(overflowing))
        ]
        if len(replies) <= MAX_REPLIES or limit == 0:
            return replies
        limit = min(limit - 1, limit * MAX_REPLIES // len(replies))


class _Teller:
    """Says the parts of one story in the words of the template's blocks."""

    def __init__(self, story: Story, template: Template, asked: Sequence[Block] = ()) -> None:
        """`asked`: what the channel message asks for below its banner."""
        self._story = story
        self._template = template
        self._asked = asked

    def say(self, block: str, **values: object) -> str:
        values["story"] = self._story
        return "".join(self._template.blocks[block](self._template.new_context(values))).strip("\n")

    def channel_boxes(self) -> tuple[list[Block], frozenset[str]]:
        """The blocks of the channel message, and which of its boxes the thread must tell in full."""
        banner = [context(self.say("banner"))] if self._story.banner else []
        beside = sum(map(cost, self._asked)) + (len(ampersand_escaped(page)) if (page := self._story.page) else 0)
        most = _MAX_BOX - beside // _BOXES
        blocks = [
            *banner,
            *self._asked,
            header(self.say("title")),
            context(self.say("dateline")),
            section(shorten(self.say("summary"), most)),
        ]
        overflowing = set()
        for name, part in self._boxes():
            text, omitted = fitting(part, most)
            if omitted:
                text += "\n" + self.say("more", omitted=omitted)
                overflowing.add(name)
            blocks.append(section(text))
        return blocks, frozenset(overflowing)

    def _boxes(self) -> Iterator[tuple[str, Part]]:
        if self._story.is_partial:
            yield "gaps", self._part("gaps")
        if self._story.highlights:
            yield "highlights", self._part("highlights")
        for chapter in self._story.chapters:
            if chapter.key == Section.BREAKING:
                yield "breaking", self._chapter(chapter)

    def thread_parts(self, overflowing: frozenset[str]) -> Iterator[Part]:
        """All that the channel message did not tell to its end. Highlights point to items: they stand below."""
        if "gaps" in overflowing:
            yield self._part("gaps")
        if self._story.is_overview_first:
            yield from self._overview()
        for chapter in self._story.chapters:
            if chapter.key != Section.BREAKING or "breaking" in overflowing:
                yield self._chapter(chapter)
        if self._story.releases:
            yield self._part("releases")
        if not self._story.is_overview_first:
            yield from self._overview()
        if self._story.people:
            yield self._part("people")
        if self._story.footnotes:
            yield self._part("footnotes")
        if self._story.amended:
            yield self._part("amended")

    def _overview(self) -> Iterator[Part]:
        if self._story.figures:
            yield self._part("figures")
        if self._story.ahead:
            yield self._part("ahead")

    def thread_text(self, headings: tuple[str, ...]) -> str:
        return shorten(", ".join(headings).replace("*", ""), MAX_TEXT)

    def _part(self, block: str) -> Part:
        return part_of(self.say(block))

    def _chapter(self, chapter: Chapter) -> Part:
        return part_of(self.say("chapter", chapter=chapter))
