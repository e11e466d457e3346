"""Block Kit within Slack's limits: lines of mrkdwn go in, blocks and messages that Slack accepts come out.

Limits: docs.slack.dev/reference/block-kit/blocks (50 blocks a message, section text 3000, header 150, context 10
elements); `text` 4000 recommended. The limit of a whole message is undocumented: about 13,200 characters over all
blocks were seen to fail with `msg_blocks_too_long` (slackapi/bolt-js#2509), so 12,000 of JSON is the budget here.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

MAX_BLOCKS = 50
MAX_SECTION = 3000
MAX_HEADER = 150
MAX_TEXT = 4000
MAX_MESSAGE = 12_000

Block = dict[str, Any]

# What must not be cut in two: a link, an escaped character.
_TOKEN = re.compile(r"<[^<>\n]*>|&(?:amp|lt|gt);|.", re.DOTALL)
_ELLIPSIS = "…"
_JSON = json.JSONEncoder(ensure_ascii=False)  # with spaces, as slack_sdk sends it


class Part(NamedTuple):
    """A heading and its bullets. A bullet may be of several lines; it is never divided between blocks."""

    heading: str
    bullets: Sequence[str]


def part_of(lines: str) -> Part:
    """The part that a template block wrote: a heading line, then bullets.

    A line that begins with a space belongs to the bullet above it.
    """
    heading, *rest = [line for line in lines.split("\n") if line.strip()] or [""]
    bullets: list[str] = []
    for line in rest:
        if line.startswith(" ") and bullets:
            bullets[-1] += "\n" + line.rstrip()
        else:
            bullets.append(line.rstrip())
    return Part(heading.rstrip(), bullets)


def header(text: str) -> Block:
    """A title. Its text must be escaped, too: clients undo the three entities also in plain text."""
    return {"type": "header", "text": {"type": "plain_text", "text": shorten(text, MAX_HEADER), "emoji": True}}


def section(text: str) -> Block:
    """A paragraph. `verbatim`: Slack shall not look for addresses, names and channels in it by itself."""
    return {"type": "section", "expand": True, "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def context(text: str) -> Block:
    """A line in small print."""
    element = {"type": "mrkdwn", "text": shorten(text, MAX_SECTION), "verbatim": True}
    return {"type": "context", "elements": [element]}


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters as Slack may count them (after JSON escaping); never half a link or entity."""
    if len(text) * 2 <= limit or cost(text) <= limit:
        return text
    kept: list[str] = []
    left = limit - len(_ELLIPSIS)
    for match in _TOKEN.finditer(text):
        left -= cost(match[0])
        if left < 0:
            break
        kept.append(match[0])
    return "".join(kept).rstrip() + _ELLIPSIS


def cost(value: object) -> int:
    """Characters of the value in JSON, without the quotes around a text."""
    return len(_JSON.encode(value)) - (2 if isinstance(value, str) else 0)


def fitting(part: Part, limit: int) -> tuple[str, int]:
    """As many of the part's first bullets as fit into `limit` characters, and how many did not."""
    lines = [shorten(part.heading, limit)]
    left = limit - cost(lines[0])
    for told, bullet in enumerate(part.bullets):
        line = shorten(bullet, limit // 2)
        left -= cost(line) + 2
        if left < 0:
            return "\n".join(lines), len(part.bullets) - told
        lines.append(line)
    return "\n".join(lines), 0


def sections(part: Part) -> Iterator[tuple[str, Block]]:
    """The whole part as (heading, section block) pairs; the heading is repeated where it goes on."""
    heading = shorten(part.heading, MAX_SECTION // 4)
    lines, left = [heading], MAX_SECTION - cost(heading)
    continued = f"{heading} (continued)"
    for bullet in part.bullets:
        line = shorten(bullet, MAX_SECTION - cost(continued) - 2)
        size = cost(line) + 2  # the line end is two characters in JSON
        if size > left:
            yield heading, section("\n".join(lines))
            lines, left = [continued], MAX_SECTION - cost(continued)
        lines.append(line)
        left -= size
    yield heading, section("\n".join(lines))


def messages(parts: Iterable[Part]) -> Iterator[tuple[tuple[str, ...], list[Block]]]:
    """All parts as messages of (headings in it, blocks), each as full as the limits allow."""
    headings: dict[str, None] = {}
    blocks: list[Block] = []
    left = MAX_MESSAGE
    for part in parts:
        for heading, block in sections(part):
            size = cost(block) + 2  # ", " after each but the last, whose share the brackets take
            if blocks and (size > left or len(blocks) == MAX_BLOCKS):
                yield tuple(headings), blocks
                headings, blocks, left = {}, [], MAX_MESSAGE
            headings[heading] = None
            blocks.append(block)
            left -= size
    if blocks:
        yield tuple(headings), blocks
