"""Services as their owners spell them, for people; where a key stands (a command, an address, a path) it stays one."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = {"github": "GitHub", "jira": "JIRA", "slack": "Slack"}
_KEY: Final = "|".join(_NAMES)
_WORD: Final = re.compile(rf"(?<![\w./:@#*'\"`-])(?:{_KEY})(?![\w./@*\"`-]|:\S)")
_FIRST: Final = re.compile(rf"(?:{_KEY})(?!\w)\S*")


def service_name(service: str) -> str:
    """How people know a service; one that is not in the table is called as the configuration calls it."""
    return _NAMES.get(service, service)


def spelled(words: str) -> str:
    """`github: 3 calls failed` as `GitHub: 3 calls failed`; `github:acme/web` and `*:github` stay what they are."""
    return _WORD.sub(lambda found: _NAMES[found[0]], words)


def sentence(words: str) -> str:
    """As a sentence begins, where it stood within one; the rest may hold commands, and stays."""
    if first := _FIRST.match(words):
        return spelled(first[0]) + words[first.end() :]
    return words[:1].upper() + words[1:]
