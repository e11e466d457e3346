"""Plain-text readings of what people wrote in titles and bodies; all of them linear in the text's length."""

from __future__ import annotations

import re
import unicodedata

_OVERRIDE = re.compile(r"^changelog:[ \t]*+(\S[^\n]*+)", re.IGNORECASE | re.MULTILINE)
_SKIP = frozenset({"skip", "none", "no"})


def one_line(text: str) -> str:
    """The text on one line: white space runs become one space, control characters go."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(char for char in line if unicodedata.category(char) != "Cc")


def unix_lines(text: str) -> str:
    """The text with plain line ends: browsers send CR LF, so pull request bodies have them."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def without_html_comments(text: str) -> str:
    """The text as GitHub shows it; a comment left open swallows the rest."""
    if "<!--" not in text:
        return text
    shown: list[str] = []
    position = 0
    while (start := text.find("<!--", position)) >= 0:
        shown.append(text[position:start])
        end = text.find("-->", start + 4)
        if end < 0:
            return "".join(shown)
        position = end + 3
    shown.append(text[position:])
    return "".join(shown)


def changelog_override(body: str) -> str | None:
    """What a `Changelog: text` line of a body wants told instead of the title; None where there is none.

    The first such line counts. Empty text means that the change asks to be left out (`Changelog: skip`).
    """
    match = _OVERRIDE.search(body) if "changelog:" in body.lower() else None
    if match is None:
        return None
    text = one_line(match[1])
    return "" if text.casefold() in _SKIP else text
