"""What breaks, and what only looks like it."""

from __future__ import annotations

import pytest

from devsync.domain.changelog.breaking import breaking_note
from devsync.domain.changelog.edition import ClassifiedBy
from tests.domain.changelog.makers import change, changes, commit, pull

BY_COMMIT = ClassifiedBy.CONVENTIONAL_COMMIT


@pytest.mark.parametrize(
    ("title", "body", "note"),
    [
        ("feat!: drop v1", "", "drop v1"),
        ("feat(api)!: drop v1", "Why.", "drop v1"),
        ("feat: x", "BREAKING CHANGE: drop v1", "drop v1"),
        ("feat: x", "BREAKING-CHANGE: drop v1", "drop v1"),
        ("feat: x", "Why.\n\nBREAKING CHANGE: drop v1\nand v2\n\nRefs: 12", "drop v1 and v2"),
        ("feat!: drop v1", "BREAKING CHANGE: use v2", "use v2"),
        ("Tuesday", "Why.\nBREAKING CHANGE: in mid-text", "in mid-text"),
        ("Tuesday", "* BREAKING CHANGE: as a bullet", "as a bullet"),
        ("Tuesday", "* feat: x\n* feat(api)!: drop v1 (#3)", "drop v1 (#3)"),
    ],
)
def test_breaking_changes_are_found_with_their_note(title: str, body: str, note: str) -> None:
    assert breaking_note(change(title, body)) == (note, BY_COMMIT)


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("feat: x", "BREAKING CHANGE: none"),
        ("feat: x", "BREAKING CHANGE: N/A."),
        ("feat: x", "BREAKING CHANGE:"),
        ("feat: x", "breaking change: lower case"),
        ("feat: x", "This is no BREAKING CHANGE: really"),
        ("feat: x", "<!-- BREAKING CHANGE: describe it here -->"),
        ("Warning! Not conventional", ""),
        ("feat: x", "Look!: y"),
    ],
)
def test_what_breaks_nothing(title: str, body: str) -> None:
    assert breaking_note(change(title, body)) == ("", None)


@pytest.mark.parametrize("label", ["breaking", "Breaking Change", "semver: major", "kind/breaking-change"])
def test_a_label_says_so_without_a_note(label: str) -> None:
    assert breaking_note(change("Tuesday", labels=[label])) == ("", ClassifiedBy.LABEL)


def test_gitmojis_mark_says_so() -> None:
    assert breaking_note(change("\N{COLLISION SYMBOL} Drop v1")) == ("", ClassifiedBy.HEURISTIC)
    assert breaking_note(change("\N{COLLISION SYMBOL} Drop v1", "BREAKING CHANGE: use v2")) == ("use v2", BY_COMMIT)


def test_the_commits_of_a_pull_request_say_so() -> None:
    (made,) = changes(pull(1, "Tuesday", merge="a"), commit("a", "chore!: drop v1 (#1)\n\nBREAKING CHANGE: use v2"))
    assert breaking_note(made) == ("use v2", BY_COMMIT)
