"""What holds of every edition, whatever the sources deliver."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.composition import CompositionInput
from devsync.domain.changelog.edition import Edition, Item, Section
from tests.domain.changelog.inputs import WINDOW, plans, shuffled

often = settings(max_examples=500)


@often
@given(plans(), st.integers())
def test_the_order_of_input_changes_no_byte(plan: CompositionInput, seed: int) -> None:
    assert compose(shuffled(plan, Random(seed))).model_dump_json() == compose(plan).model_dump_json()


@often
@given(plans())
def test_nothing_is_told_twice(plan: CompositionInput) -> None:
    edition = compose(plan)
    assert [id_ for id_, count in Counter(item.id for item in edition.items).items() if count > 1] == []
    told = Counter((item.repository, sha) for item in edition.items for sha in item.commits)
    assert [sha for sha, count in told.items() if count > 1] == []
    alone = {item.id for item in edition.items if not item.repository}
    linked = {link.key for item in edition.items if item.repository for link in item.issues}
    assert alone.isdisjoint(linked)


@often
@given(plans())
def test_nothing_outside_the_window_is_told(plan: CompositionInput) -> None:
    edition = compose(plan)
    assert all(item.shipped_at in plan.window for item in edition.items)
    assert all(release.published_at in plan.window for release in edition.releases)
    merges = {pull.merge_commit_sha for unit in plan.repositories for pull in unit.data.pull_requests}
    outside = {
        (unit.data.repository.casefold(), commit.sha)
        for unit in plan.repositories
        for commit in unit.data.commits
        if commit.committed_at not in plan.window
    }
    inside = {
        (unit.data.repository.casefold(), commit.sha)
        for unit in plan.repositories
        for commit in unit.data.commits
        if commit.committed_at in plan.window
    }
    told = {(item.repository.casefold(), sha) for item in edition.items for sha in item.commits if sha not in merges}
    assert told.isdisjoint(outside - inside)


@often
@given(plans(reverts=False, rules=False))
def test_without_reverts_and_rules_everything_of_the_window_is_told(plan: CompositionInput) -> None:
    edition = compose(plan)
    assert (edition.reverted_pairs, edition.excluded_count) == (0, 0)
    assert _pulls(plan) == {
        (item.repository.casefold(), item.pull_request) for item in edition.items if item.pull_request
    }
    told = {sha for item in edition.items for sha in item.commits}
    assert _shas(plan) - told <= _reached_by_pulls_of_other_weeks(plan)
    named = {link.key for item in edition.items for link in item.issues}
    assert _resolved(plan) <= named


@often
@given(plans(reverts=False))
def test_what_rules_leave_out_is_counted_and_all_else_stays(plan: CompositionInput) -> None:
    edition = compose(plan)
    everything = compose(plan.model_copy(update={"rules": plan.rules.model_copy(update=dict(_NO_RULES))}))
    told, all_told = _by_id(edition), _by_id(everything)
    assert told.keys() <= all_told.keys()
    assert all(item.model_dump() == all_told[id_].model_dump() for id_, item in told.items())
    assert edition.excluded_count - everything.excluded_count == len(all_told) - len(told)
    assert all(all_told[id_].is_breaking is False for id_ in all_told.keys() - told.keys())


@often
@given(plans(rules=False))
def test_only_pairs_of_reverts_take_anything_away(plan: CompositionInput) -> None:
    edition = compose(plan)
    untold = _pulls(plan) - {(item.repository.casefold(), item.pull_request) for item in edition.items}
    assert edition.excluded_count == 0
    assert len(untold) <= 2 * edition.reverted_pairs


@often
@given(plans())
def test_an_edition_is_well_formed(plan: CompositionInput) -> None:
    edition = compose(plan)
    order = list(Section)
    assert edition.items == tuple(
        sorted(edition.items, key=lambda item: (order.index(item.section), item.repository, item.shipped_at, item.id))
    )
    ids = {item.id for item in edition.items}
    assert len(edition.highlights) == len(set(edition.highlights)) <= 7
    assert ids.issuperset(edition.highlights)
    assert {item.id for item in edition.items if item.is_breaking} == {
        item.id for item in edition.items if item.section is Section.BREAKING
    }
    assert all(item.title and len(item.title.splitlines()) == 1 for item in edition.items)
    assert all(person.item_count >= 1 for person in edition.contributors)
    assert "dependabot[bot]" not in {person.login for person in edition.contributors}
    assert 0 <= edition.completeness <= 1
    assert (edition.completeness == 1) == (not {gap.unit for gap in edition.gaps} & set(edition.units_asked))


@often
@given(plans())
def test_an_edition_survives_its_journey_as_json(plan: CompositionInput) -> None:
    edition = compose(plan)
    assert Edition.model_validate_json(edition.model_dump_json()) == edition
    assert compose(CompositionInput.model_validate_json(plan.model_dump_json())) == edition


_NO_RULES = {"include_labels": (), "exclude_labels": ()}


def _by_id(edition: Edition) -> dict[str, Item]:
    return {item.id: item for item in edition.items}


def _pulls(plan: CompositionInput) -> set[tuple[str, int | None]]:
    return {
        (unit.data.repository.casefold(), pull.number)
        for unit in plan.repositories
        for pull in unit.data.pull_requests
        if pull.merged_at in WINDOW
    }


def _shas(plan: CompositionInput) -> set[str]:
    return {commit.sha for unit in plan.repositories for commit in unit.data.commits if commit.committed_at in WINDOW}


def _reached_by_pulls_of_other_weeks(plan: CompositionInput) -> set[str]:
    """What may be told elsewhere: the commits that merged such pull requests, and whatever these build on."""
    parents: dict[str, set[str]] = {}
    reached: set[str] = set()
    for unit in plan.repositories:
        for commit in unit.data.commits:
            parents.setdefault(commit.sha, set()).update(commit.parents)
        for pull in unit.data.pull_requests:
            if pull.merged_at not in WINDOW and pull.merge_commit_sha is not None:
                reached.add(pull.merge_commit_sha)
    pending = list(reached)
    while pending:
        new = parents.get(pending.pop(), set()) - reached
        reached |= new
        pending += new
    return reached


def _resolved(plan: CompositionInput) -> set[str]:
    return {
        issue.key
        for unit in plan.projects
        for issue in unit.data.issues
        if issue.resolved_at is not None and issue.resolved_at in WINDOW
    }
