"""How a process that holds large editions keeps house."""

from __future__ import annotations

import ctypes
import gc

YOUNG_OBJECTS = 10_000
"""How many new objects there are before the collector looks at them. An edition of ten thousand items is some hundred
thousand small values that live until it is stored: with Python's default of 700 it is searched for garbage, in vain,
for a fifth of the time that it takes to make (`python -m bench.compose`)."""

ARENAS = 4
"""Heaps that threads share. By default glibc makes up to eight a core, and what was freed in one is of no use to the
others: with dozens of threads reading pages, the peak of a large edition is a sixth higher. With only two, threads wait
for each other, and collecting may take a twentieth longer (`python -m bench.edition`).
"""

_M_ARENA_MAX = -8
"""The parameter's number in glibc's malloc.h; see mallopt(3)."""


def keep_house() -> None:
    """Called once, when everything is imported and before threads start."""
    gc.freeze()  # what is there by now stays, and is not looked at again
    gc.enable()
    gc.set_threshold(YOUNG_OBJECTS)
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # not musl's, not macOS's
        mallopt(_M_ARENA_MAX, ARENAS)
