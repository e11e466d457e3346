"""The rules of composition, one case file each; how to add one is told in `cases/README.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.composition import CompositionInput
from devsync.domain.changelog.edition import Edition
from tests.domain.changelog.case_files import (
    CASES,
    EditionCase,
    read_case,
    shown_contributor,
    shown_gap,
    shown_item,
)

FILES = sorted(CASES.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_edition_is_as_the_case_says(path: Path) -> None:
    case = read_case(path)
    plan = case.plan()
    edition = compose(plan)
    assert told(edition, case.edition) == expected(case.edition), case.about
    assert compose(reversed_input(plan)).model_dump_json() == edition.model_dump_json()


def test_there_are_cases() -> None:
    assert len(FILES) > 30


def expected(case: EditionCase) -> dict[str, Any]:
    document = case.model_dump(exclude_none=True)
    document["items"] = [{"id": item} if isinstance(item, str) else item for item in case.items]
    return document


def told(edition: Edition, case: EditionCase) -> dict[str, Any]:
    """The edition in the words of the case: its own fields of each item, in order, and all items beyond."""
    fields = {item["id"]: item for item in case.items if not isinstance(item, str)}
    document: dict[str, Any] = {
        "items": [shown_item(item, fields.get(item.id, {"id": ""})) for item in edition.items],
        "releases": [f"{release.repository} {release.tag}" for release in edition.releases],
        "gaps": [
            shown_gap(gap, case.gaps[number] if number < len(case.gaps) else {"unit": ""})
            for number, gap in enumerate(edition.gaps)
        ],
        "completeness": edition.completeness,
        "reverted_pairs": edition.reverted_pairs,
        "excluded_count": edition.excluded_count,
    }
    if case.highlights is not None:
        document["highlights"] = list(edition.highlights)
    if case.contributors is not None:
        document["contributors"] = [
            shown_contributor(person, case.contributors[min(number, len(case.contributors) - 1)])
            for number, person in enumerate(edition.contributors)
        ]
    if case.unclassified_ratio is not None:
        document["unclassified_ratio"] = edition.unclassified_ratio
    return document


def reversed_input(plan: CompositionInput) -> CompositionInput:
    """The same units and records, each list the other way round."""
    repositories = tuple(
        unit.model_copy(
            update={
                "data": unit.data.model_copy(
                    update={
                        "commits": unit.data.commits[::-1],
                        "pull_requests": unit.data.pull_requests[::-1],
                        "releases": unit.data.releases[::-1],
                    }
                )
            }
        )
        for unit in plan.repositories[::-1]
    )
    projects = tuple(
        unit.model_copy(update={"data": unit.data.model_copy(update={"issues": unit.data.issues[::-1]})})
        for unit in plan.projects[::-1]
    )
    return plan.model_copy(
        update={
            "repositories": repositories,
            "projects": projects,
            "units_asked": plan.units_asked[::-1],
            "gaps": plan.gaps[::-1],
        }
    )
