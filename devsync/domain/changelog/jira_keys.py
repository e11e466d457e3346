"""Which JIRA issues a change names: keys found in its texts, held against the projects that exist."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

_LONGEST_PROJECT = 32
_SHAPE = rf"[A-Z][A-Z0-9_]{{1,{_LONGEST_PROJECT - 1}}}+-[1-9][0-9]{{0,17}}"
_KEY = re.compile(rf"(?<![^\W_])({_SHAPE})(?![0-9A-Za-z_])")
"""Looser than JIRA's own rule at its left edge: `feature_PAY-12` is how branches are named. Keys are upper case
and numbered from 1."""

_NUMBERED = re.compile(r"-[1-9]")
_HEAD = re.compile(rf"(?:[(\[]({_SHAPE})[)\]]|({_SHAPE})(?![0-9A-Za-z_-]))[\s:,./–-]*+")
"""A key as it stands before a title, with what parts it from the text."""


def keys_in(text: str, projects: frozenset[str]) -> tuple[str, ...]:
    """The keys of known projects in `text`, each once, in order of appearance.

    The shape alone proves nothing: UTF-8, SHA-256 and CVE-2026-1 have it, too. Hence `projects`, the keys of the
    projects that exist; where that is empty, nothing is a key.
    """
    # Most texts have no dash before a digit, which is quickly known; before the first there is no key.
    dash = _NUMBERED.search(text)
    if dash is None:
        return ()
    found = (match[1] for match in _KEY.finditer(text, max(0, dash.start() - _LONGEST_PROJECT)))
    return tuple(dict.fromkeys(key for key in found if key.rpartition("-")[0] in projects))


def keys_of(texts: Iterable[str], projects: frozenset[str]) -> tuple[str, ...]:
    """The keys of the first text that has any: pass title, body, branch, commit messages, in this order.

    The order is Apache DevLake's: the nearer to the title, the surer the author meant this issue.
    """
    for text in texts:
        keys = keys_in(text, projects)
        if keys:
            return keys
    return ()


def without_framing_keys(title: str, keys: Collection[str]) -> str:
    """The title without those of `keys` that stand before or behind it: `[PAY-12] Fix x (PAY-12)` is `Fix x`.

    They are told as links beside the title. A key inside the sentence stays, and so does a title that is nothing else.
    """
    if not keys or not any(key in title for key in keys):
        return title
    begin = 0
    while (head := _HEAD.match(title, begin)) is not None and (head[1] or head[2]) in keys:
        begin = head.end()
    shown = title[begin:].rstrip()
    while shown.endswith((")", "]")):
        opening = max(shown.rfind("("), shown.rfind("["))
        if opening < 0 or shown[opening + 1 : -1] not in keys:
            break
        shown = shown[:opening].rstrip(" ,")
    return shown or title
