"""What the rendering tests share: the templates folder, and text as an attacker or an accident would write it."""

from pathlib import Path

from hypothesis import strategies as st

from devsync.rendering.escape import one_line
from tests.rendering.samples import HOSTILE_TEXTS

TEMPLATES = Path(__file__).parents[2] / "templates"

_MARKUP = st.text(alphabet="<>&@#!|*_~`[](){}%\\/:.-+=$\"' \n\r\t\u202e\u200d\u0000wW1aé🎉", max_size=60)

hostile_text = st.one_of(
    st.sampled_from(HOSTILE_TEXTS),
    _MARKUP,
    st.text(max_size=60),
    st.lists(st.sampled_from([text[:80] for text in HOSTILE_TEXTS]), min_size=2, max_size=4).map("".join),
)

visible_hostile_text = hostile_text.filter(one_line)
"""Hostile, but not nothing: an empty scope has no line of its own to compare with."""
