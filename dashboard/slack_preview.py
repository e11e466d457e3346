"""A Slack message of ours as HTML, as near to Slack's own look as a preview needs.

Only what our templates write (`devsync/rendering/slack_blocks.py`) is known: headers, sections, context, bold, italic,
links, quotes and a few emoji. Anything else is shown as text; buttons are left out, since here they would do nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from devsync.rendering.escape import safe_url

_LINK: Final = re.compile(r"<(?P<url>https?://[^<>|\n]+)(?:\|(?P<label>[^<>\n]*))?>")
_STRONG: Final = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_EM: Final = re.compile(r"(?<![\w_])_([^_\n]+)_(?![\w_])")
_QUOTE: Final = re.compile(r"(?:>|&gt;) ?")
EMOJI: Final = {
    "eyes": "👀",
    "warning": "⚠️",
    "wave": "👋",
    "white_check_mark": "✅",
    "tada": "🎉",
    "rocket": "🚀",
    "rotating_light": "🚨",
}
"""By the names that Slack has for them: those of our templates, and what an operator's are likely to add."""
_EMOJI_NAME: Final = re.compile(r":([a-z0-9_+-]+):")
_ENTITIES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


class PreviewBlock(NamedTuple):
    kind: str
    """`header`, `section`, `context`, `divider`."""
    html: Markup


class PreviewMessage(NamedTuple):
    blocks: tuple[PreviewBlock, ...]


def slack_messages(rendering: bytes) -> list[PreviewMessage]:
    """The stored rendering `slack`: the channel's message first, then its thread."""
    return [PreviewMessage(tuple(_blocks(message["blocks"]))) for message in json.loads(rendering)["messages"]]


def _blocks(blocks: Iterable[dict[str, Any]]) -> Iterable[PreviewBlock]:
    for block in blocks:
        if block["type"] == "context":
            texts = [element.get("text", "") for element in block["elements"]]
            yield PreviewBlock("context", Markup(" ").join(map(_mrkdwn, texts)))
        elif block["type"] in {"header", "section"}:
            yield PreviewBlock(block["type"], _mrkdwn(block["text"]["text"]))
        elif block["type"] == "divider":
            yield PreviewBlock("divider", Markup())


def _mrkdwn(text: str) -> Markup:
    """Safe HTML, whatever it holds: every piece is escaped by itself."""
    parts = []
    for is_quote, lines in groupby(text.split("\n"), key=lambda line: _QUOTE.match(line) is not None):
        inner = "\n".join(_QUOTE.sub("", line, count=1) if is_quote else line for line in lines)
        parts.append(Markup("<blockquote>{}</blockquote>").format(_inline(inner)) if is_quote else _inline(inner))
    return Markup().join(parts)


def _inline(text: str) -> Markup:
    pieces, at = [], 0
    for link in _LINK.finditer(text):
        pieces.append(_emphasis(text[at : link.start()]))
        pieces.append(_link(_unescaped(link["url"]), link["label"] or link["url"]))
        at = link.end()
    pieces.append(_emphasis(text[at:]))
    return Markup().join(pieces)


def _link(address: str, label: str) -> Markup:
    url = safe_url(address)
    if url is None:
        return _emphasis(label)
    return Markup('<a href="{}" rel="noopener noreferrer">{}</a>').format(str(url), _emphasis(label))


def _emphasis(text: str) -> Markup:
    shown = _EMOJI_NAME.sub(lambda name: EMOJI.get(name[1], name[0]), _unescaped(text))
    html = str(Markup("{}").format(shown))
    html = _EM.sub(r"<em>\1</em>", _STRONG.sub(r"<strong>\1</strong>", html))
    return Markup(html.replace("\n", "<br>"))  # noqa: S704 (escaped above)


def _unescaped(text: str) -> str:
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text
