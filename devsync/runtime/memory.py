"""How a process that holds large editions keeps house."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 10_000
"""So many new objects before the collector looks at them. An edition of ten thousand items is some hundred thousand
small values that live until it is stored: with Python's default of 700 it is searched for garbage, in vain, for a fifth
of the time that it takes to make (`python -m bench.compose`)."""


def calm_garbage_collection() -> None:
    """Called once, when everything is imported: what is there by now stays, and is not looked at again."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
