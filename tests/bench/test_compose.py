"""The benchmark of composition, scaled down: it must not rot. No time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.weeks import week
from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.edition import Section

ROOT = Path(__file__).parents[2]


def test_a_scaled_down_run_ends_in_one_json_line() -> None:
    command = [sys.executable, "-m", "bench.compose", "--scale", "0.02", "--repetitions", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    document = json.loads(done.stdout.splitlines()[-1])
    assert document["bench"] == "compose"
    assert {figure["row"] for figure in document["figures"]} == {"F"}
    assert all(figure["value"] > 0 for figure in document["figures"])
    sizes = document["details"]["sizes"]
    assert len(sizes) == 4
    for size in sizes:
        assert 0 < size["seconds"]["min"] <= size["seconds"]["median"]
        assert set(size["microseconds_per_item"]) == {"compose", "slack", "markdown", "html", "text", "json", "cpu"}


def test_the_week_is_of_the_size_asked_for_and_mixed() -> None:
    edition = compose(week(500))
    assert 450 <= edition.item_count <= 500
    assert edition.reverted_pairs > 0
    assert {item.section for item in edition.items} == set(Section)
    assert any(len(item.commits) > 2 for item in edition.items)
    assert any(item.is_automated for item in edition.items)
    assert any(not item.repository for item in edition.items)
    assert week(500) == week(500)
