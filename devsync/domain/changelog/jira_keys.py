"""Which JIRA issues a change names: keys found in its texts, held against the projects that exist."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

_KEY = re.compile(r"(?<![^\W_])([A-Z][A-Z0-9_]{1,31}+)-([1-9][0-9]{0,17})(?![0-9A-Za-z_])")
"""Looser than JIRA's own rule at its left edge: `feature_PAY-12` is how branches are named. Keys are upper case
and numbered from 1."""


def keys_in(text: str, projects: Collection[str]) -> tuple[str, ...]:
    """The keys of known projects in `text`, each once, in order of appearance.

    The shape alone proves nothing: UTF-8, SHA-256 and CVE-2026-1 have it, too. Hence `projects`, the keys of the
    projects that exist; where that is empty, nothing is a key.
    """
    if not any(f"{project}-" in text for project in projects):
        return ()
    return tuple(dict.fromkeys(match[0] for match in _KEY.finditer(text) if match[1] in projects))


def keys_of(texts: Iterable[str], projects: Collection[str]) -> tuple[str, ...]:
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
    shown = title
    if any(key in title for key in keys):
        named = "|".join(map(re.escape, keys))
        framed = rf"(?:[(\[](?:{named})[)\]]|(?:{named})(?![0-9A-Za-z_-]))"
        shown = re.sub(rf"\A(?:{framed}[\s:,./–-]*)+|(?:[\s,]*[(\[](?:{named})[)\]])+\Z", "", title).strip()
    return shown or title
