"""What counts as a revert, and what a revert undoes; pairs in whole editions are told in `cases/`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from devsync.domain.changelog.collected import Commit, PullRequest
from devsync.domain.changelog.composition import CompositionInput
from devsync.domain.changelog.edition import Provenance, ProvenanceKind
from devsync.domain.changelog.folding import fold
from devsync.domain.changelog.reverts import drop_pairs, innermost_subject, is_revert, reapplies
from tests.domain.changelog.inputs import plans
from tests.domain.changelog.makers import change, changes, commit, pull, sha

THIS = f"This reverts commit {sha('a')}."


@pytest.mark.parametrize(
    ("title", "body", "expected"),
    [
        ('Revert "x"', "", True),
        ("Reverts x", "", True),
        ('[PAY-1] Revert "x"', "", True),
        ('api: revert "x"', "", True),
        ("fix(api): revert x", "", True),
        ("revert: x", "", True),
        ('Reapply "x"', "", True),
        ("Back to before", THIS, True),
        ("Back to before", "Reverts acme/api#1", True),
        ("Undo and revert x", THIS, True),
        ("feat: in steps", f"* try it\n* {THIS}", False),
        ("Reverted orders are shown", "", True),
        ("Show reverted orders", "", False),
        ("Irreversible", "", False),
        ("Add a button that reverts", "", False),
        ("x", "It reverts nothing.", False),
    ],
)
def test_a_revert_says_that_undoing_is_what_it_does(title: str, body: str, expected: bool) -> None:
    assert is_revert(change(title, body)) is expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ('Revert "x"', False),
        ('Revert "Revert "x""', True),
        ('Revert "Revert "Revert "x"""', False),
        ('Reapply "x"', True),
        ('Revert "Reapply "x""', False),
        ('[PAY-1] Reland "x"', True),
        ('Revert "Revert "Reapply "x"""', True),
        ("x", False),
    ],
)
def test_bringing_back_is_no_revert(title: str, expected: bool) -> None:
    assert reapplies(title) is expected


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ('Revert "feat: x"', "feat: x"),
        ('Revert "Revert "feat: x""', "feat: x"),
        ('Revert "Reapply "x""', "x"),
        ("feat: x", "feat: x"),
        ("revert: x", "revert: x"),
    ],
)
def test_the_innermost_subject_is_what_is_spoken_of(title: str, subject: str) -> None:
    assert innermost_subject(title) == subject


def left(*records: PullRequest | Commit) -> tuple[list[str], int]:
    """What stays, `!` behind what undoes older work, and the number of pairs."""
    outcome = drop_pairs(changes(*records))
    ids = [f"{one.id.removeprefix('acme/api')}{'!' * (one.id in outcome.reverting)}" for one in outcome.kept]
    return ids, outcome.pairs


FEATURE = pull(1, "feat: x", merge="a"), commit("a", "feat: x (#1)")


@pytest.mark.parametrize(
    "revert",
    [
        commit("b", f"Undo\n\n{THIS}", minutes=1),
        commit("b", f"Undo\n\nThis reverts commit {sha('a')[:7].upper()}.", minutes=1),
        commit("b", 'Revert "feat: x (#1)"', minutes=1),
        commit("b", 'Revert "feat: x"', minutes=1),
        commit("b", "revert: x", minutes=1),
        commit("b", 'Revert "FEAT:  X"', minutes=1),
        commit("b", f"revert: it\n\nRefs: {sha('a')[:8]}", minutes=1),
        pull(2, "Undo", minutes=1, body="Reverts #1"),
        pull(2, "Undo", minutes=1, body="Reverts Acme/API#1"),
        pull(2, 'Revert "feat: x" (#2)', minutes=1),
        pull(2, "Undo", minutes=1, body=f"This reverts commit {sha('f')}.\n\nReverts #1"),
    ],
    ids=lambda revert: f"{getattr(revert, 'title', '')}{getattr(revert, 'body', '')}{getattr(revert, 'message', '')}",
)
def test_a_revert_finds_what_it_undoes(revert: PullRequest | Commit) -> None:
    assert left(*FEATURE, revert) == ([], 1)


@pytest.mark.parametrize(
    "revert",
    [
        commit("b", f"Undo\n\nThis reverts commit {sha('c')}.", minutes=1),
        commit("b", 'Revert "feat: y"', minutes=1),
        pull(2, 'Revert "feat: x"', minutes=1, body="Reverts #7"),
        pull(2, "Revert it", minutes=1, body="Reverts acme/web#1"),
        commit("b", 'Revert "feat: x"', minutes=-1),
    ],
    ids=lambda revert: f"{getattr(revert, 'body', '')}{getattr(revert, 'message', '')}",
)
def test_a_revert_of_something_else_stays(revert: PullRequest | Commit) -> None:
    ids, pairs = left(*FEATURE, revert)
    assert pairs == 0
    assert {"#1", *ids} == set(ids)
    assert [id_ for id_ in ids if id_.endswith("!")]


@pytest.mark.parametrize("first_digits", ["0b", "fb"])
def test_a_revert_in_the_same_second_is_one_whatever_its_sha(first_digits: str) -> None:
    """A rebase writes all commits of a push at once."""
    assert left(*FEATURE, commit(first_digits, f"Undo\n\n{THIS}")) == ([], 1)


def test_of_equal_titles_the_newest_is_undone() -> None:
    records = commit("a", "Tune"), commit("b", "Tune", minutes=1), commit("c", 'Revert "Tune"', minutes=2)
    assert left(*records) == ([f"@{sha('a')[:12]}"], 1)


def test_two_reverts_of_one_title_undo_two_changes() -> None:
    records = commit("a", "Tune"), commit("b", "Tune", minutes=1)
    reverts = commit("c", 'Revert "Tune"', minutes=2), commit("d", 'Revert "Tune"', minutes=3)
    assert left(*records, *reverts) == ([], 2)


def test_a_revert_of_this_weeks_and_of_older_work_stays_for_the_older() -> None:
    both = pull(2, "Undo both", minutes=1, body="Reverts #1\nReverts #7")
    assert left(*FEATURE, both) == (["#2!"], 1)


def test_one_revert_of_two_changes_drops_all_three() -> None:
    both = f"Undo both\n\nThis reverts commit {sha('a')}.\nThis reverts commit {sha('b')}."
    assert left(commit("a"), commit("b", "y", minutes=1), commit("c", both, minutes=2)) == ([], 2)


def test_a_rebase_merge_is_undone_only_with_all_its_commits() -> None:
    rebased = commit("a1", "One", "00"), commit("a2", "Two", "a1"), pull(1, merge="a2")
    last = commit("c", f"Revert it\n\nThis reverts commit {sha('a2')}.", "a2", minutes=1)
    assert left(*rebased, last) == (["#1", f"@{sha('c')[:12]}!"], 0)
    both = f"{last.message}\nThis reverts commit {sha('a1')}."
    assert left(*rebased, commit("c", both, "a2", minutes=1)) == ([], 1)


def test_a_true_merge_is_undone_by_its_merge_commit_or_by_all_its_other_commits() -> None:
    merged = (
        commit("a1", "One", "00"),
        commit("a2", "Two", "a1"),
        commit("e", "Merge pull request #1 from acme/x", "00", "a2"),
        pull(1, merge="e"),
    )
    for undone in (["e"], ["a1", "a2"]):
        message = "\n".join(["Undo", "", *(f"This reverts commit {sha(start)}." for start in undone)])
        assert left(*merged, commit("c", message, "e", minutes=1)) == ([], 1), undone
    part = commit("c", f"Undo\n\nThis reverts commit {sha('a1')}.", "e", minutes=1)
    assert left(*merged, part) == (["#1", f"@{sha('c')[:12]}!"], 0)


def test_an_abbreviation_that_fits_two_commits_names_neither() -> None:
    twins = commit("1234567a"), commit("1234567b")
    ids, pairs = left(*twins, commit("c", "Undo\n\nThis reverts commit 1234567.", minutes=1))
    assert (len(ids), pairs) == (3, 0)


def test_repositories_do_not_revert_each_other() -> None:
    here = changes(commit("a", "Tune"))
    there = changes(commit("b", 'Revert "Tune"', minutes=1), repository="acme/web")
    assert drop_pairs([*here, *there]).pairs == 0


@settings(max_examples=500)
@given(plans())
def test_what_goes_goes_in_pairs_and_the_rest_stays_in_order(plan: CompositionInput) -> None:
    live = Provenance()
    for unit in plan.repositories:
        pulls = [(one, live) for one in unit.data.pull_requests]
        all_changes = fold("acme/api", pulls, [(one, live) for one in unit.data.commits])
        outcome = drop_pairs(all_changes)
        kept = {one.id for one in outcome.kept}
        assert [one.id for one in outcome.kept] == [one.id for one in all_changes if one.id in kept]
        assert outcome.pairs <= len(all_changes) - len(kept) <= 2 * outcome.pairs
        assert outcome.reverting <= kept
        gone = [one for one in all_changes if one.id not in kept]
        assert not gone or any(is_revert(one) for one in all_changes)


def test_in_a_mirror_undoing_the_merge_commit_undoes_what_it_brought_in() -> None:
    told = f'Revert "Merge pull request #7 from acme/x"\n\nThis reverts commit {sha("e")}.'
    records = (
        commit("b", "Work", "a"),
        commit("e", "Merge pull request #7 from acme/x\n\nFaster", "a", "b", minutes=1),
        commit("f", told, "e", minutes=2),
    )
    mirror = Provenance(kind=ProvenanceKind.MIRROR)
    assert drop_pairs(changes(*records, provenance=mirror)).kept == ()
