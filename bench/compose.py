"""`python -m bench.compose`: how long composition and rendering take, and whether they stay linear.

Row F of the targets: a week of 10,000 items composed and rendered in all five formats, as the worker's two activities
do it, with its garbage collection. The sizes take turns, so that a busy moment hits each.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.report import Figure, Spread, print_report
from bench.weeks import week
from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.edition import Edition
from devsync.rendering.documents import render_html, render_json, render_markdown, render_text
from devsync.rendering.slack import render_slack
from devsync.runtime.memory import keep_house

SIZES = (1_000, 2_000, 5_000, 10_000)
REPETITIONS = 7
TEMPLATES = Path(__file__).parents[1] / "templates"

FORMATS: dict[str, Callable[[Edition], str]] = {
    "slack": lambda edition: render_slack(edition, TEMPLATES).model_dump_json(),
    "markdown": lambda edition: render_markdown(edition, TEMPLATES),
    "html": lambda edition: render_html(edition, TEMPLATES),
    "text": lambda edition: render_text(edition, TEMPLATES),
    "json": render_json,
}

Steps = dict[str, float]
"""Seconds by step: `compose` and each format, and `cpu` for all of them: what it costs, however busy the machine is."""


def measure(items: int) -> tuple[Steps, int]:
    """One edition of about so many items, made and shown; and how many it has."""
    plan = week(items)
    gc.collect()
    steps: Steps = {}
    used, began = time.process_time(), time.perf_counter()
    edition = compose(plan)
    steps["compose"] = time.perf_counter() - began
    for name, render in FORMATS.items():
        began = time.perf_counter()
        render(edition)
        steps[name] = time.perf_counter() - began
    steps["cpu"] = time.process_time() - used
    return steps, edition.item_count


def run(scale: float, repetitions: int) -> tuple[list[Figure], dict[str, Any]]:
    sizes = [max(round(size * scale), 10) for size in SIZES]
    measure(sizes[0])  # templates are compiled once a process
    made: dict[int, list[Steps]] = defaultdict(list)
    counts: dict[int, int] = {}
    for _ in range(repetitions):
        for size in sizes:
            steps, counts[size] = measure(size)
            made[size].append(steps)
    totals = {size: Spread(tuple(map(total, made[size]))) for size in sizes}
    smallest, largest = sizes[0], sizes[-1]

    def per_item(size: int, step: str) -> float:
        """The best of all runs: linearity is a matter of the code, not of the machine's moments."""
        return min(steps[step] for steps in made[size]) / counts[size]

    growth = per_item(largest, "cpu") / per_item(smallest, "cpu")
    figures = [
        Figure("F", f"compose and render {counts[largest]:,} items", totals[largest].median, "s", at_most=1.0),
        Figure("F", "the same, best of all runs", min(totals[largest].values), "s"),
        Figure("F", "CPU of the best run", min(steps["cpu"] for steps in made[largest]), "s"),
        Figure("F", f"an item of {counts[largest]:,} ÷ one of {counts[smallest]:,}", growth, "×", at_most=1.5),
        *(
            Figure("F", f"{step} of {counts[largest]:,} items", Spread(_all(made[largest], step)).median, "s")
            for step in ("compose", *FORMATS)
        ),
    ]
    details = {
        "scale": scale,
        "repetitions": repetitions,
        "growth_per_item": growth,
        "sizes": [
            {
                "items": counts[size],
                "seconds": {"min": min(totals[size].values), "median": totals[size].median},
                "microseconds_per_item": {step: per_item(size, step) * 1e6 for step in ("compose", *FORMATS, "cpu")},
            }
            for size in sizes
        ],
    }
    return figures, details


def total(steps: Steps) -> float:
    return sum(seconds for step, seconds in steps.items() if step != "cpu")


def _all(runs: Sequence[Steps], step: str) -> tuple[float, ...]:
    return tuple(steps[step] for steps in runs)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.compose", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help=f"of the sizes {', '.join(map(str, SIZES))}")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    options = parser.parse_args()
    keep_house()
    figures, details = run(options.scale, options.repetitions)
    print_report("compose", figures, details)


if __name__ == "__main__":
    main()
