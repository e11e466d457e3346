"""Plain-text readings of what people wrote."""

from __future__ import annotations

import pytest

from devsync.domain.changelog.labels import plain_label
from devsync.domain.changelog.texts import changelog_override, one_line, unix_lines, without_html_comments


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  two\r\n words\t ", "two words"),
        ("a\x00b\x1b[0m", "ab[0m"),
        ("a\u2028b\x85c", "a b c"),
        ("family \N{ZERO WIDTH JOINER} stays", "family \N{ZERO WIDTH JOINER} stays"),
        (" \n ", ""),
    ],
)
def test_one_line_is_one_line_without_control_characters(text: str, line: str) -> None:
    assert one_line(text) == line


def test_line_ends_of_browsers_and_old_machines_become_plain() -> None:
    assert unix_lines("a\r\nb\rc\nd") == "a\nb\nc\nd"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a<!-- b -->c", "ac"),
        ("<!-- a --><!-- b -->c<!--\n-->", "c"),
        ("a<!-- open", "a"),
        ("a<!-->b", "a"),
        ("a --> b", "a --> b"),
    ],
)
def test_html_comments_are_not_shown(text: str, shown: str) -> None:
    assert without_html_comments(text) == shown


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("Why.\nChangelog: Refunds can be partial\nMore.", "Refunds can be partial"),
        ("CHANGELOG:\ttold ", "told"),
        ("Changelog: first\nChangelog: second", "first"),
        ("Changelog: Skip", ""),
        ("changelog: none", ""),
        ("Changelog:\nnothing on the line", None),
        ("See the changelog: it tells", None),
        ("", None),
    ],
)
def test_a_changelog_line_is_told_instead_of_the_title(body: str, told: str | None) -> None:
    assert changelog_override(body) == told


@pytest.mark.parametrize(
    ("label", "plain"),
    [
        ("Type: Bug Fix", "bug-fix"),
        ("kind/bug", "bug"),
        ("bug_fix", "bug-fix"),
        (" BUG ", "bug"),
        ("area: api", "area-api"),
        ("type", "type"),
        ("", ""),
    ],
)
def test_labels_are_compared_without_group_and_spelling(label: str, plain: str) -> None:
    assert plain_label(label) == plain
