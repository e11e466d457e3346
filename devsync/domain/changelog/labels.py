"""Labels as people mean them, whatever a repository's way of writing them."""

from __future__ import annotations

import re
from functools import lru_cache

_LABEL_GROUP = re.compile(r"\A(?:type|kind|category|changelog|pr)\s*[:/]\s*")
_LABEL_JOINTS = re.compile(r"[\s_:/-]+")


@lru_cache(maxsize=4096)
def plain_label(label: str) -> str:
    """A label without its group and its spelling: `Type: Bug Fix` is `bug-fix`."""
    return _LABEL_JOINTS.sub("-", _LABEL_GROUP.sub("", label.strip().casefold()))
