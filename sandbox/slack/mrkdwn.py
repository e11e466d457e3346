"""Renders Slack's mrkdwn as HTML the way Slack's client shows it.

What pings people is marked: a `<!channel>` that someone forgot to escape stands out, an escaped one stays plain text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from markupsafe import Markup, escape

ENTITIES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
TOKEN: Final = re.compile(r"```(?P<block>.+?)```|`(?P<code>[^`\n]+)`|<(?P<tag>[^<>\n]+)>", re.DOTALL)
EMPHASIS: Final = re.compile(
    r"(?<![\w*])\*(?P<strong>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?<![\w_])_(?P<em>[^\s_](?:[^_\n]*[^\s_])?)_(?![\w_])"
    r"|(?<![\w~])~(?P<del>[^\s~](?:[^~\n]*[^\s~])?)~(?![\w~])"
)
EMOJI: Final = re.compile(r":([a-z0-9_+-]+):")
EMOJI_NAMES: Final = {
    "tada": "🎉", "rocket": "🚀", "bug": "🐛", "warning": "⚠️", "sparkles": "✨", "white_check_mark": "✅", "x": "❌",
    "boom": "💥", "wrench": "🔧", "hammer_and_wrench": "🛠️", "memo": "📝", "package": "📦", "zap": "⚡", "fire": "🔥",
    "chart_with_upwards_trend": "📈", "calendar": "📆", "eyes": "👀", "lock": "🔒", "rotating_light": "🚨",
    "information_source": "ℹ️", "hourglass_flowing_sand": "⏳", "busts_in_silhouette": "👥", "wave": "👋",
    "construction": "🚧", "mag": "🔍", "bar_chart": "📊", "link": "🔗", "rewind": "⏪", "arrow_up": "⬆️",
}  # fmt: skip
BULLET: Final = re.compile(r"^(\s*)([•◦▪\-]|\d+\.)\s+(.*)$")
BROADCASTS: Final = ("channel", "here", "everyone")
SAFE_SCHEMES: Final = ("http://", "https://", "mailto:", "tel:")

Names = Mapping[str, str]
"""Display names by user id, channel names by channel id."""


def to_html(text: str, names: Names) -> Markup:
    """Safe HTML of a mrkdwn text, whatever it holds."""
    # Code and tags are cut out first: nothing inside them is formatted further.
    pieces: list[Markup] = []

    def keep(piece: Markup) -> str:
        pieces.append(piece)
        return f"\x00{len(pieces) - 1}\x00"

    def token(match: re.Match[str]) -> str:
        if (block := match["block"]) is not None:
            return keep(Markup("<pre>{}</pre>").format(unescape(block.strip("\n"))))
        if (code := match["code"]) is not None:
            return keep(Markup("<code>{}</code>").format(unescape(code)))
        return keep(_tag(match["tag"], names))

    marked = TOKEN.sub(token, text.replace("\x00", ""))
    html = _lines(marked)
    return Markup(re.sub(r"\x00(\d+)\x00", lambda m: str(pieces[int(m[1])]), html))


def plain(text: str) -> Markup:
    """Safe HTML of a plain_text object: no formatting but emoji."""
    return Markup("<br>").join(escape(line) for line in _emoji(unescape(text)).split("\n"))


def from_markdown(text: str) -> str:
    """Standard Markdown of a `markdown` block, brought near enough to mrkdwn to be looked at."""
    text = re.sub(r"^#{1,6}\s+(.+?)\s*#*$", r"*\1*", text, flags=re.MULTILINE)
    text = re.sub(r"\*\*(.+?)\*\*", r"*\1*", text)
    text = re.sub(r"\[([^\]\n]+)\]\(([^)\s]+)\)", r"<\2|\1>", text)
    return re.sub(r"^(\s*)[-*+]\s+", r"\1• ", text, flags=re.MULTILINE)


def unescape(text: str) -> str:
    """Takes back the three entities that Slack knows, each once."""
    return re.sub(r"&(?:lt|gt|amp);", lambda m: dict(ENTITIES)[m[0]], text)


def _emoji(text: str) -> str:
    return EMOJI.sub(lambda m: EMOJI_NAMES.get(m[1], m[0]), text)


def _lines(text: str) -> str:
    shown: list[str] = []
    quote: list[str] = []
    is_in_list = False
    for line in [*text.split("\n"), None]:
        is_quote = line is not None and line.startswith(("&gt;", ">"))
        if line is not None and is_quote:
            quote.append(_inline(re.sub(r"^(&gt;|>)\s?", "", line)))
            continue
        if quote:
            shown.append(f"<blockquote>{'<br>'.join(quote)}</blockquote>")
            quote = []
        if line is None:
            break
        if bullet := BULLET.match(line):
            is_in_list = True
            depth = len(bullet[1].expandtabs(4)) // 2
            shown.append(
                f'<div class="item depth-{min(depth, 3)}"><span class="bullet">{escape(bullet[2])}</span>'
                f"<span>{_inline(bullet[3])}</span></div>"
            )
        else:
            # Clients keep the spaces a line begins with: below a bullet they read as its second line.
            is_in_list = is_in_list and line.startswith("  ")
            shown.append(f'<div class="line{" under" if is_in_list else ""}">{_inline(line) or "&nbsp;"}</div>')
    return "".join(shown)


def _inline(text: str) -> str:
    html, at = "", 0
    for match in EMPHASIS.finditer(text):
        html += str(escape(_emoji(unescape(text[at : match.start()]))))
        kind = match.lastgroup or "em"
        html += f"<{kind}>{_inline(match[kind])}</{kind}>"
        at = match.end()
    return html + str(escape(_emoji(unescape(text[at:]))))


def _tag(tag: str, names: Names) -> Markup:
    target, _, label = tag.partition("|")
    if target.startswith("!"):
        command = target[1:].partition("^")[0]
        if command in BROADCASTS:
            return Markup('<span class="mention loud" title="notifies the whole channel">@{}</span>').format(command)
        return Markup('<span class="mention">{}</span>').format(unescape(label) or f"@{command}")
    if target.startswith("@"):
        return Markup('<span class="mention">@{}</span>').format(label or names.get(target[1:], target[1:]))
    if target.startswith("#"):
        return Markup('<span class="mention">#{}</span>').format(label or names.get(target[1:], target[1:]))
    if target.startswith(SAFE_SCHEMES):
        shown = _inline(label) if label else str(escape(unescape(target).removeprefix("mailto:")))
        return Markup('<a href="{}" rel="noreferrer noopener">{}</a>').format(
            unescape(target),
            Markup(shown),
        )
    return Markup("&lt;{}&gt;").format(unescape(tag))
