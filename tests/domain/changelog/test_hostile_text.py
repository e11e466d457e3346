"""Text that is an attack or an accident, in every place that people and services fill in: it is told, and nothing else.

The long ones would keep a backtracking expression busy for longer than the test's time limit.
"""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devsync.domain.changelog.collected import (
    Author,
    Commit,
    JiraIssue,
    ProjectData,
    PullRequest,
    Release,
    RepositoryData,
)
from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.composition import CompositionInput, ProjectUnit, RepositoryUnit
from devsync.domain.changelog.edition import Edition
from devsync.domain.changelog.window import week_window

WINDOW = week_window("2026-W47", "UTC")
TUESDAY = datetime.fromisoformat("2026-11-17T12:00:00Z")

LONG = 10_000

ENDLESS = tuple(
    pattern * (LONG // len(pattern))
    for pattern in (
        "x", " ", "\n", "\r\n", "\t", "\0", "\u2028", "a ", "a: ", "[", "[a] ", "PAY-1 ", "PAY-", "A", "A1-", "-", "#1",
        "(#1) ", 'Revert "', 'Revert "x" ', "revert: ", "This reverts commit ", "Reverts #1\n", "fix(", "feat(a)!: ",
        "* feat!: x\n", "BREAKING CHANGE: ", "BREAKING CHANGE: x\n", "\n\nToken: x", "Co-authored-by: a <b>\n",
        "Co-authored-by: ", "co-authored-by:<", "bot ", "[bot]", "-bot_", "a-", "@", "<!--", "<!-- -->", "Changelog: ",
        "changelog:\n", "bump ", "bump a from 1 to ", "update x version ", "add test ", "1+", "bump version from a to ",
    )
)  # fmt: skip


def week_of(text: str) -> CompositionInput:
    """A week in which every text is this one."""
    author = Author(name=text, login=text or None, email=text)
    moment = {"authored_at": TUESDAY, "committed_at": TUESDAY}
    repository = RepositoryData(
        repository="acme/api",
        commits=(
            Commit(sha="a" * 40, message=text, author=author, **moment),
            Commit(sha="b" * 40, message=f"feat: x\n\n{text}", author=Author(name=text), **moment),
            Commit(sha="c" * 40, message=f'Revert "{text}"\n\nThis reverts commit {text}.', author=author, **moment),
        ),
        pull_requests=(
            PullRequest(
                number=1,
                title=text,
                body=text,
                author=author,
                labels=(text,),
                head_branch=text,
                created_at=TUESDAY,
                merged_at=TUESDAY,
                author_association=text,
                merge_commit_sha="b" * 40,
                url=text,
            ),
        ),
        releases=(Release(tag=text, name=text, published_at=TUESDAY, url=text),),
    )
    issue = JiraIssue(
        key="PAY-1",
        summary=text,
        issue_type=text,
        status=text,
        resolution=text,
        priority=text,
        labels=(text,),
        assignee=text,
        created_at=TUESDAY,
        resolved_at=TUESDAY,
        url=text,
    )
    return CompositionInput(
        team="payments",
        iso_week="2026-W47",
        window=WINDOW,
        repositories=(RepositoryUnit(data=repository),),
        projects=(ProjectUnit(data=ProjectData(project="PAY", issues=(issue,))),),
    )


def assert_sound(edition: Edition) -> None:
    assert Edition.model_validate_json(edition.model_dump_json()) == edition
    assert len({item.id for item in edition.items}) == len(edition.items)
    assert all(item.title and len(item.title.splitlines()) == 1 for item in edition.items)


@pytest.mark.parametrize("text", ENDLESS, ids=lambda text: repr(text[:20]))
def test_endless_text_is_read_in_no_time_and_told(text: str) -> None:
    assert_sound(compose(week_of(text)))


@settings(max_examples=300)
@given(st.text(max_size=200))
@example("")
@example("\x1b[31mred\x07\x00 \u202eesrever\u202c")
@example("{{ 7 * 7 }} <!channel> <script>")
def test_any_text_is_told(text: str) -> None:
    assert_sound(compose(week_of(text)))


def test_a_title_of_ten_thousand_characters_is_told_whole() -> None:
    """Cutting is the renderings' business: each format knows its own limits."""
    title = "feat(api): " + "long " * 1_998
    plan = week_of(title)
    (item,) = [item for item in compose(plan).items if item.pull_request == 1]
    assert item.title == title.removeprefix("feat(api): ").strip()
