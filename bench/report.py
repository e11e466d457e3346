"""What a benchmark says: figures against their targets, as a table for people and one JSON line for programs."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measured number. `row` is the letter of its target in docs/explanation/numbers.md."""

    row: str
    what: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_met(self) -> bool | None:
        """None where there is no target."""
        if self.at_most is not None:
            return self.value <= self.at_most
        if self.at_least is not None:
            return self.value >= self.at_least
        return None

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}" if self.at_least is not None else ""


@dataclass(frozen=True)
class Spread:
    """Several measurements of one thing: machines are noisy, so the ends are told, too."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        return f"{self.median:.3f} ({min(self.values):.3f}-{max(self.values):.3f}, n={len(self.values)})"


def print_report(name: str, figures: Sequence[Figure], details: dict[str, Any]) -> None:
    """The table, then one JSON line: `{"bench", "machine", "details", "figures": [{"row", "value", "is_met", …}]}`."""
    table = Table(title=name, title_justify="left")
    for heading in ("row", "what", "value", "unit", "target", "met"):
        table.add_column(heading, justify="right" if heading in {"value", "target"} else "left")
    for figure in figures:
        met = {True: "yes", False: "NO", None: ""}[figure.is_met]
        table.add_row(figure.row, figure.what, f"{figure.value:,.3f}", figure.unit, figure.target, met)
    # Wide enough that nothing is cut when the output is a file.
    Console(width=None if os.isatty(1) else 140, highlight=False).print(table)
    document = {
        "bench": name,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
        "details": details,
        "figures": [asdict(figure) | {"is_met": figure.is_met} for figure in figures],
    }
    print(json.dumps(document), flush=True)
