"""The few forms of Markdown that the generated pages are made of."""

import textwrap
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; line ends and bars inside a cell are made harmless."""
    lines = [_row(head), _row(["---"] * len(head)), *map(_row, rows)]
    return "\n".join(lines) + "\n"


def paragraph(text: str | None) -> str:
    """The first paragraph of a docstring as one line; empty where there is none."""
    first, _, _ = textwrap.dedent(text or "").strip().partition("\n\n")
    return " ".join(first.split())


def code(text: str) -> str:
    return f"`{text}`"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("\n", " ").replace("|", r"\|") for cell in cells) + " |"
