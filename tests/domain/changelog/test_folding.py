"""Which commits a pull request takes, where histories are crooked; the plain ways are told in `cases/`."""

from __future__ import annotations

import pytest

from devsync.domain.changelog.collected import Author, Commit, PullRequest
from devsync.domain.changelog.edition import Provenance, ProvenanceKind
from devsync.domain.changelog.folding import fold, number_named_by
from tests.domain.changelog.makers import LIVE, REPOSITORY, changes, commit, pull, sha


def folded(*records: PullRequest | Commit) -> dict[str, list[str]]:
    """First digits of the SHAs by number of the pull request, `-` for lone commits; the same for either order."""
    in_order = changes(*records)
    assert changes(*records[::-1]) == in_order
    found: dict[str, list[str]] = {}
    for change in in_order:
        name = f"#{change.pull_request.number}" if change.pull_request else "-"
        found.setdefault(name, []).extend(one.rstrip("0") for one in change.shas)
    return found


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Fix x (#12)", 12),
        ("Fix x (#11) (#12) ", 12),
        ("Merge pull request #12 from acme/x", 12),
        ("Fix x #12", None),
        ("Fix (#12) x", None),
        ("Merge branch 'x'", None),
        ("Fix x (#1234567890)", None),
    ],
)
def test_a_subject_names_its_pull_request_at_the_end(subject: str, number: int | None) -> None:
    assert number_named_by(subject) == number


def test_the_merge_commit_decides_before_the_number() -> None:
    """Work that lands again, by a second pull request, keeps the first one's number in its subject."""
    records = pull(1, merge="a"), pull(2, merge="b", minutes=9), commit("a", "x (#1)"), commit("b", "x (#1)", minutes=9)
    assert folded(*records) == {"#1": ["a"], "#2": ["b"]}


def test_main_that_was_merged_into_a_branch_stays_main() -> None:
    records = (
        commit("a1", "Main", minutes=1),
        commit("b1", "Branch", "a1", minutes=2),
        commit("a2", "Main", "a1", minutes=3),
        commit("b2", "Merge branch main", "b1", "a2", minutes=4),
        commit("e", "Merge pull request #1 from acme/x", "a2", "b2", minutes=5),
        pull(1, merge="e", minutes=5),
    )
    assert folded(*records) == {"-": ["a1", "a2"], "#1": ["b1", "b2", "e"]}


def test_a_pull_request_into_another_ones_branch_keeps_its_own_commits() -> None:
    records = (
        commit("a1", "Main"),
        commit("b1", "Outer", "a1", minutes=1),
        commit("c1", "Inner", "b1", minutes=2),
        commit("b2", "Merge pull request #2 from acme/inner", "b1", "c1", minutes=3),
        commit("e", "Merge pull request #1 from acme/outer", "a1", "b2", minutes=4),
        pull(2, merge="b2", minutes=3),
        pull(1, merge="e", minutes=4),
    )
    assert folded(*records) == {"-": ["a1"], "#2": ["c1", "b2"], "#1": ["b1", "e"]}


def test_a_branch_that_is_not_merged_yet_does_not_lead_the_walk() -> None:
    """Collected later, the list has commits of a branch whose merge lies after the window: a second tip."""
    records = (
        commit("a1", "Main"),
        commit("b1", "Branch", "a1", minutes=1),
        commit("e", "Merge pull request #1 from acme/x", "a1", "b1", minutes=2),
        commit("c1", "Other branch, on top of the branch", "b1", minutes=3),
        pull(1, merge="e", minutes=2),
    )
    assert folded(*records) == {"-": ["a1", "c1"], "#1": ["b1", "e"]}


def test_a_rebase_takes_no_commit_that_another_pull_request_owns() -> None:
    """Two pull requests merged in the same second, as merge queues do."""
    run = [
        commit("a1", "One", "00"),
        commit("a2", "Two", "a1"),
        commit("a3", "Three", "a2"),
        commit("a4", "Four", "a3"),
    ]
    assert folded(*run, pull(1, merge="a1"), pull(2, merge="a4")) == {"#1": ["a1"], "#2": ["a2", "a3", "a4"]}


def test_a_rebase_takes_no_commit_that_names_another_pull_request() -> None:
    run = [commit("a1", "Squashed (#7)", "00"), commit("a2", "Two", "a1")]
    assert folded(*run, pull(2, merge="a2")) == {"-": ["a1"], "#2": ["a2"]}


def test_one_push_that_merges_two_pull_requests_is_the_first_ones() -> None:
    collected = folded(pull(1, merge="a"), pull(2, merge="a", minutes=1), commit("a"))
    assert collected == {"#1": ["a"]} | {"#2": []}
    assert folded(pull(1, merge="a"), pull(2, merge="a", minutes=1)) == {"#1": ["a"]} | {"#2": []}


def test_parents_in_a_circle_end() -> None:
    assert folded(commit("a", "x", "b"), commit("b", "y", "a", "a")) == {"-": ["a", "b"]}


def test_commits_of_one_second_stand_in_the_order_of_their_parents() -> None:
    run = [commit("c", "One", "00"), commit("a", "Two", "c"), commit("b", "Three", "a")]
    assert folded(*run, pull(1, merge="b")) == {"#1": ["c", "a", "b"]}


def test_what_was_merged_elsewhere_gives_no_change_here() -> None:
    elsewhere = pull(1, merge="e", minutes=20_000)
    records = [commit("b1"), commit("e", "Merge pull request #1 from acme/x", "00", "b1"), commit("a", "x (#1)")]
    found = fold(REPOSITORY, [], [(one, LIVE) for one in records], [elsewhere])
    assert [change.id for change in found] == [f"{REPOSITORY}@{sha('a')[:12]}"]


def test_a_change_names_all_who_wrote_it_and_not_who_merged() -> None:
    bob = commit("b1", "x\n\nCo-authored-by: Dana <d@x.example>").author.model_copy(update={"name": "Bob"})
    merger = bob.model_copy(update={"name": "Erik"})
    (made,) = changes(
        commit("b1", "x\n\nCo-authored-by: Dana <d@x.example>", "00", author=bob),
        commit("e", "Merge pull request #1 from acme/x", "00", "b1", author=merger),
        pull(1, merge="e"),
    )
    assert [author.name for author in made.authors] == ["Anna", "Bob", "Dana"]


@pytest.mark.parametrize(
    ("message", "title", "body"),
    [
        ("Merge pull request #1 from acme/PAY-1-x\n\nfeat: x\n\nWhy.", "feat: x", "Why."),
        ("Merge pull request #1 from acme/PAY-1-x", "Merge pull request #1 from acme/PAY-1-x", ""),
        (
            "Merge pull request #1 from acme/PAY-1-x\n\nReviewed-by: Dana <d@x.example>",
            "Merge pull request #1 from acme/PAY-1-x",
            "Reviewed-by: Dana <d@x.example>",
        ),
        ("Merge branch 'PAY-1-x'\n\nfeat: x", "Merge branch 'PAY-1-x'", "feat: x"),
    ],
)
def test_a_merge_whose_pull_request_is_not_known_is_told_by_its_title(message: str, title: str, body: str) -> None:
    (made,) = changes(commit("e", message, "00", "b1"))
    assert (made.title, made.body) == (title, body)
    assert any("PAY-1-x" in text for text in made.texts), "its branch goes on naming the issue"


MIRROR = Provenance(kind=ProvenanceKind.MIRROR)
MERGED = (
    commit("a1", "Main", minutes=1),
    commit("b1", "feat: one", "a1", minutes=2, author=Author(name="Ben", login="ben")),
    commit("b2", "two", "b1", minutes=3),
    commit("a2", "Main", "a1", minutes=4),
    commit("e", "Merge pull request #7 from acme/x\n\nFaster exports\n\nPAY-3", "a2", "b2", minutes=5),
)


def test_a_mirror_knows_no_pull_request_and_tells_the_merge_with_what_it_brought_in() -> None:
    one, two, merged = changes(*MERGED, provenance=MIRROR)
    assert [one.title, two.title] == ["Main", "Main"]
    assert (merged.id, merged.title, merged.body) == (f"{REPOSITORY}@e{'0' * 11}", "Faster exports", "PAY-3")
    assert merged.shas == (sha("b1"), sha("b2"), sha("e"))
    assert (merged.shipped_at, merged.author.login) == (MERGED[-1].committed_at, "ben")
    assert {author.login for author in merged.authors} == {"ben", "anna"}
    assert changes(*MERGED[::-1], provenance=MIRROR) == [one, two, merged]


def test_where_github_was_asked_a_merge_without_pull_request_stands_alone() -> None:
    """It is of another repository, whose numbers are others."""
    assert [len(change.commits) for change in changes(*MERGED)] == [1] * 5


def test_merges_that_name_the_same_number_and_one_within_another_keep_apart_in_a_mirror() -> None:
    again = commit("f", "Merge pull request #7 from acme/y\n\nAgain", "e", "c2", minutes=9)
    inner = commit("c2", "Merge pull request #8 from acme/z\n\nInner", "c1", "d1", minutes=8)
    side = commit("c1", "Outer", "a2", minutes=6), commit("d1", "Inner work", "c1", minutes=7)
    found = {change.title: change.shas for change in changes(*MERGED, *side, inner, again, provenance=MIRROR)}
    assert found["Faster exports"] == (sha("b1"), sha("b2"), sha("e"))
    assert found["Again"] == (sha("c1"), sha("f"))
    assert found["Inner"] == (sha("d1"), sha("c2"))
    assert len(found) == 4
