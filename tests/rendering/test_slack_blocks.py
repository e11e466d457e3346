"""Packing: full messages, never one character too long, nothing cut in two."""

import json
import re

import pytest

from devsync.rendering.slack_blocks import Part, messages, part_of, sections, shorten

# In figures, not by the constants: a wrong constant must not pass.
MAX_MESSAGE, MAX_SECTION, MAX_BLOCKS = 12_000, 3_000, 50


def size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False))


def test_messages_are_filled_to_the_limit_and_no_further() -> None:
    full = [Part(f"*{number}*", ["x" * 2_900]) for number in range(3)]
    largest = 0
    for length in range(2_000, 2_901):
        first, *rest = messages([*full, Part("*last*", ["x" * length])])
        sizes = [size(blocks) for _, blocks in (first, *rest)]
        assert max(sizes) <= MAX_MESSAGE
        assert sum(len(blocks) for _, blocks in (first, *rest)) == 4
        largest = max(largest, *sizes)
    assert largest == MAX_MESSAGE


@pytest.mark.parametrize("character", ["x", '"', "é"])
def test_sections_are_filled_to_the_limit_and_no_further(character: str) -> None:
    largest = 0
    for length in range(1, 400):
        texts = [block["text"]["text"] for _, block in sections(Part("*Bugs*", [character * length] * 60))]
        assert max(size(text) - 2 for text in texts) <= MAX_SECTION
        assert sum(text.count(character * length) for text in texts) == 60
        largest = max(largest, *(size(text) - 2 for text in texts))
    assert largest == MAX_SECTION


def test_a_message_holds_at_most_fifty_blocks() -> None:
    packed = list(messages(Part(f"*{number}*", []) for number in range(120)))
    assert [len(blocks) for _, blocks in packed] == [MAX_BLOCKS, MAX_BLOCKS, 20]


def test_an_indented_line_stays_with_its_bullet() -> None:
    assert part_of("*Breaking*\n• one\n    note\n\n• two\n") == Part("*Breaking*", ["• one\n    note", "• two"])


def test_a_cut_divides_neither_link_nor_entity() -> None:
    text = "ab &amp; <https://x.example|#1> cd"
    for limit in range(2, len(text)):
        cut = shorten(text, limit)
        assert size(cut) - 2 <= limit
        assert cut.endswith("…")
        assert not re.search(r"&(?!amp;)|<(?!https://x\.example\|#1>)", cut)
