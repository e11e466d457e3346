"""README.md and docs/**/*.md as tests read them: links, headings, fenced blocks, command lines."""

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from commands.stack import ROOT

PAGES = tuple(sorted((ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))))

_COMMONMARK = MarkdownIt("commonmark").enable("table")
_PUNCTUATION = re.compile(r"[^\w\- ]")


class Block(NamedTuple):
    """A fenced block. `line` is that of its fence, from 1."""

    page: Path
    line: int
    language: str
    text: str


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def links(page: Path) -> list[str]:
    """Targets of links and images, as written."""
    found = []
    for token in _all_tokens(page):
        target = token.attrs.get("href") or token.attrs.get("src")
        if target is not None:
            found.append(str(target))
    return found


def code_spans(page: Path) -> list[str]:
    """What stands between backticks, outside of blocks."""
    return [token.content for token in _all_tokens(page) if token.type == "code_inline"]


def anchors(page: Path) -> set[str]:
    """The names under which GitHub shows a page's headings."""
    tokens = _COMMONMARK.parse(page.read_text())
    titles = [
        "".join(part.content for part in inline.children or ())
        for opening, inline in pairwise(tokens)
        if opening.type == "heading_open"
    ]
    return {_PUNCTUATION.sub("", title.lower()).replace(" ", "-") for title in titles}


def blocks(page: Path) -> Iterator[Block]:
    for token in _COMMONMARK.parse(page.read_text()):
        if token.type == "fence":
            yield Block(page, (token.map or [0])[0] + 1, token.info.strip(), token.content)


def shell_lines(page: Path) -> Iterator[tuple[int, list[str]]]:
    """The words of each command in a block of shell, with the block's line; `\\`, `|`, `&&` and `;` are understood."""
    for block in blocks(page):
        if block.language in ("sh", "console"):
            for line in block.text.replace("\\\n", " ").splitlines():
                yield from ((block.line, words) for words in _commands(line, is_console=block.language == "console"))


def _commands(line: str, *, is_console: bool) -> Iterator[list[str]]:
    """In a `console` block only lines after a prompt are commands, the others are output."""
    if is_console:
        if not line.startswith("$ "):
            return
        line = line[2:]
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("|&;"):
            yield words
            words = []
        else:
            words.append(word)
    yield words


def _all_tokens(page: Path) -> Iterator[Token]:
    for token in _COMMONMARK.parse(page.read_text()):
        yield token
        yield from token.children or ()
