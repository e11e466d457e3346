"""A notice as a Slack message: everything in it was written by somebody else, and is escaped."""

from collections.abc import Iterator
from typing import NamedTuple

from devsync.contracts.notifications import Notice
from devsync.domain.spelling import spelled
from devsync.rendering.buttons import buttons
from devsync.rendering.escape import SafeUrl, ampersand_escaped, safe_url, slack
from devsync.rendering.slack_blocks import MAX_SECTION, MAX_TEXT, Block, context, header, section, shorten


class SlackNotice(NamedTuple):
    text: str
    """What notifications and screen readers show."""
    blocks: list[Block]
    """Empty for a notice of one line."""


def slack_notice(notice: Notice, *, has_buttons: bool = False) -> SlackNotice:
    """A title, its facts, its text and its links; a line alone needs no blocks.

    `has_buttons`: somebody hears what is pressed. Then what it offers are buttons, and so are its links.
    """
    title = slack(spelled(notice.title))
    below = buttons(notice.offers, _safe_links(notice)) if has_buttons and notice.offers else _links(notice)
    blocks = [header(title), *_facts(notice), *_body(notice), *below]
    return SlackNotice(shorten(title, MAX_TEXT), blocks if len(blocks) > 1 else [])


def _facts(notice: Notice) -> Iterator[Block]:
    if notice.fields:
        lines = [f"*{slack(name)}*  {slack(value)}" for name, value in notice.fields.items()]
        yield section(shorten("\n".join(lines), MAX_SECTION))


def _body(notice: Notice) -> Iterator[Block]:
    """In one block, whatever their number: a message has 50 at most."""
    text = "\n".join(slack(line) for line in notice.body.strip().splitlines())
    if text:
        yield section(shorten(text, MAX_SECTION))


def _links(notice: Notice) -> Iterator[Block]:
    links = [
        f"<{ampersand_escaped(url)}|{slack(label).replace('|', '¦')}>" for label, url in _safe_links(notice)
    ]  # fmt: skip
    if links:
        yield context("  ·  ".join(links))


def _safe_links(notice: Notice) -> list[tuple[str, SafeUrl]]:
    return [(link.label, url) for link in notice.links if (url := safe_url(link.url)) is not None]
