"""Renderings without templates, for when those fail: one line an item, and nothing in it that could go wrong.

Everything comes from the story's raw fields, not from its prepared parts: what failed may stand in those.
"""

import html
from collections.abc import Iterator

from devsync.domain.changelog.edition import Edition, Item, Section
from devsync.domain.changelog.telling import Telling
from devsync.rendering.escape import MAX_TITLE_LENGTH, one_line
from devsync.rendering.slack import SlackMessage, SlackRendering
from devsync.rendering.slack_blocks import MAX_TEXT, shorten
from devsync.rendering.wording import SECTION_WORDS, counted

_PART = MAX_TEXT - 200
_MOST_MESSAGES = 10


def simplified(edition: Edition, revision: int, telling: Telling) -> str:
    """Headings and one line an item, with its address."""
    lines = [*_head(edition, revision, telling)]
    for section in Section:
        items = [item for item in edition.items if item.section is section]
        if items:
            lines += ["", f"{SECTION_WORDS[section].title} ({len(items)})", *map(_line, items)]
    if edition.contributors:
        lines += [
            "",
            "People: " + ", ".join(one_line(person.name, MAX_TITLE_LENGTH) for person in edition.contributors),
        ]
    return "\n".join(lines) + "\n"


def bare(edition: Edition, revision: int, telling: Telling) -> str:
    """Titles alone. It cannot fail on any edition."""
    titles = (f"- {one_line(item.title, MAX_TITLE_LENGTH)}" for item in edition.items)
    return "\n".join([*_head(edition, revision, telling), "", *titles]) + "\n"


def html_of(text: str) -> str:
    """The text as a page: what is between `pre` needs nothing but escaping."""
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><body><pre>{html.escape(text)}</pre></body></html>\n'
    )


def slack_of(text: str) -> SlackRendering:
    """The text as a channel message and its thread, without blocks and with nothing that Slack would read as markup."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    messages = [SlackMessage(text=part, blocks=[]) for part in _parts(escaped)]
    if len(messages) > _MOST_MESSAGES:
        messages = [*messages[:_MOST_MESSAGES], SlackMessage(text="… shortened: the rest is on record", blocks=[])]
    return SlackRendering(messages=tuple(messages))


def _head(edition: Edition, revision: int, telling: Telling) -> Iterator[str]:
    if telling.banner:
        yield one_line(telling.banner, MAX_TITLE_LENGTH)
    again = f", revision {revision}" if revision > 1 else ""
    yield f"{edition.team} weekly changelog, {edition.iso_week}{again}: {counted(edition.item_count, 'change')}"
    for gap in edition.gaps:
        yield f"! Missing: {one_line(gap.unit, MAX_TITLE_LENGTH)}"


def _line(item: Item) -> str:
    address = f" {item.url}" if item.url.startswith("https://") else ""
    return f"- {one_line(item.title, MAX_TITLE_LENGTH)}{address}"


def _parts(text: str) -> Iterator[str]:
    part = ""
    for line in text.splitlines(keepends=True):
        if part and len(part) + len(line) > _PART:
            yield part
            part = ""
        part += shorten(line.rstrip("\n"), _PART - 1) + "\n"
    yield part
