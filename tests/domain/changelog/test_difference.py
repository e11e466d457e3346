"""What is new in a revision: what nobody was told before, and what is told otherwise."""

from datetime import UTC, datetime
from typing import Any

from devsync.domain.changelog.difference import Difference, ItemKind, difference
from devsync.domain.changelog.edition import Edition, IssueLink, Item, Provenance, ProvenanceKind, Section
from devsync.domain.changelog.window import week_window

AT = datetime(2026, 11, 18, tzinfo=UTC)
MIRROR = Provenance(kind=ProvenanceKind.MIRROR)


def item(key: str, title: str = "Fix it", **fields: Any) -> Item:
    return Item(id=key, section=Section.FIXES, title=title, shipped_at=AT, **fields)


def commit(sha: str, **fields: Any) -> Item:
    return item(f"acme/api@{sha}", commits=(sha,), **fields)


def pull(number: int, *commits: str, issues: tuple[str, ...] = (), **fields: Any) -> Item:
    links = tuple(IssueLink(key=key) for key in issues)
    return item(f"acme/api#{number}", pull_request=number, commits=commits, issues=links, **fields)


def issue(key: str) -> Item:
    return item(key, issues=(IssueLink(key=key),))


def between(before: list[Item], after: list[Item]) -> Difference:
    window = week_window("2026-W47", "UTC")
    old, new = (
        Edition(team="payments", iso_week="2026-W47", window=window, items=tuple(items)) for items in (before, after)
    )
    return difference(old, new)


def test_what_nobody_was_told_is_added() -> None:
    assert between([pull(1, "a")], [pull(1, "a"), pull(2, "b"), commit("c")]) == Difference(added=2)


def test_commits_of_a_mirror_become_pull_requests() -> None:
    before = [commit("a", provenance=MIRROR), commit("b", provenance=MIRROR), commit("c", provenance=MIRROR)]
    assert between(before, [pull(1, "a", "b"), commit("c"), pull(2, "d")]) == Difference(
        added=1, regrouped={ItemKind.PULL_REQUEST: 1}, replaced={ItemKind.COMMIT: 2}
    )


def test_an_issue_that_stood_alone_goes_into_the_change_that_names_it() -> None:
    assert between([issue("PAY-1"), commit("a")], [pull(1, "a", issues=("PAY-1",))]) == Difference(
        regrouped={ItemKind.PULL_REQUEST: 1}, replaced={ItemKind.COMMIT: 1, ItemKind.ISSUE: 1}
    )


def test_an_issue_that_several_changes_name_makes_none_of_them_old() -> None:
    named = (IssueLink(key="PAY-1"),)
    assert between([commit("a", issues=named)], [pull(1, "a"), pull(2, "b", issues=("PAY-1",))]) == Difference(
        added=1, regrouped={ItemKind.PULL_REQUEST: 1}, replaced={ItemKind.COMMIT: 1}
    )


def test_what_is_told_otherwise_is_counted_and_another_road_alone_is_not() -> None:
    before = [pull(1, "a", provenance=MIRROR), pull(2, "b", title="Old"), pull(3, "c")]
    after = [pull(1, "a"), pull(2, "b", title="New"), pull(3, "c", issues=("PAY-1",))]
    assert between(before, after) == Difference(updated=2)


def test_what_is_gone_is_counted() -> None:
    assert between([pull(1, "a"), pull(2, "b")], [pull(1, "a")]) == Difference(removed=1)
