"""deploy/grafana: dashboards that Grafana's own models know every part of, and that a person can read."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.deploy.prometheus import DASHBOARDS, DEPLOY, panels

register_default_plugins()

each_dashboard = pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)


def lost(written: Any, known: Any, path: str = "") -> Iterator[str]:
    """What of a document is not in another."""
    if isinstance(written, dict) and isinstance(known, dict):
        for key, value in written.items():
            yield from lost(value, known[key], f"{path}.{key}") if key in known else [f"{path}.{key}"]
    elif isinstance(written, list) and isinstance(known, list) and len(written) == len(known):
        for number, (one, other) in enumerate(zip(written, known, strict=True)):
            yield from lost(one, other, f"{path}[{number}]")
    elif written != known:
        yield f"{path}: {written!r}"


def unknown_to_grafana(document: Any) -> list[str]:
    """Read into Grafana's models and written again, a document has lost what they do not know."""
    return list(lost(document, json.loads(JSONEncoder().encode(Dashboard.from_json(document)))))


@each_dashboard
def test_grafana_knows_every_part_of_it(file: Path) -> None:
    assert unknown_to_grafana(json.loads(file.read_text())) == []


@each_dashboard
def test_a_part_that_grafana_does_not_know_is_noticed(file: Path) -> None:
    document = json.loads(file.read_text())
    panel = document["panels"][1]
    panel["titel"] = panel.pop("title")
    panel["targets"][0]["exprr"] = "up"
    panel["options"]["colour"] = "red"
    assert unknown_to_grafana(document) == [
        ".panels[1].options.colour",
        ".panels[1].targets[0].exprr",
        ".panels[1].titel",
    ]


@each_dashboard
def test_panels_have_a_number_a_place_a_title_and_a_unit_of_their_own(file: Path) -> None:
    document = json.loads(file.read_text())
    for key in ("id", "title"):
        counted = Counter(panel[key] for panel in document["panels"])
        assert [value for value, count in counted.items() if count > 1] == [], key
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in panels(file))
    squares = Counter(square for panel in document["panels"] for square in _squares(panel["gridPos"]))
    assert max(squares.values()) == 1
    assert max(column for column, _ in squares) < 24


@each_dashboard
def test_the_datasource_is_a_variable_and_so_is_what_the_queries_ask_for(file: Path) -> None:
    document = json.loads(file.read_text())
    variables = [variable["name"] for variable in document["templating"]["list"]]
    assert variables[:2] == ["datasource", "job"]
    for panel in panels(file):
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        for target in panel["targets"]:
            assert 'job=~"$job"' in target["expr"]
    used = [name for name in variables[1:] if f"${name}" in json.dumps(document["panels"])]
    assert used == variables[1:]


def test_dashboards_are_found_by_grafana_and_told_apart() -> None:
    documents = [json.loads(file.read_text()) for file in DASHBOARDS]
    assert len({document["uid"] for document in documents}) == len({one["title"] for one in documents}) == 3
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/devsync.yml").read_text())
    compose = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text())
    folder = provider["providers"][0]["options"]["path"]
    assert f"./deploy/grafana/dashboards:{folder}:ro" in compose["services"]["grafana"]["volumes"]


def _squares(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    for column in range(place["x"], place["x"] + place["w"]):
        for row in range(place["y"], place["y"] + place["h"]):
            yield column, row
