"""Of several copies of a record, the best is told, whichever came first."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from devsync.domain.changelog.edition import Provenance, ProvenanceKind
from devsync.domain.changelog.uniqueness import unique, without_copies
from tests.domain.changelog.makers import TUESDAY, changes, commit, pull, sha

LIVE = Provenance()
OLD = Provenance(kind=ProvenanceKind.CACHED, as_of=TUESDAY - timedelta(days=1))
YOUNG = Provenance(kind=ProvenanceKind.CACHED, as_of=TUESDAY)
FEED = Provenance(kind=ProvenanceKind.FEED, as_of=TUESDAY + timedelta(days=1))


@pytest.mark.parametrize("order", list(permutations([("feed", FEED), ("old", OLD), ("young", YOUNG), ("live", LIVE)])))
def test_live_is_best_then_kind_then_age(order: tuple[tuple[str, Provenance], ...]) -> None:
    records = [(1, pull(1, title), provenance) for title, provenance in order]
    ranking = []
    while records:
        best = unique(records)[1]
        ranking.append(best[0].title)
        records = [record for record in records if record[1] != best[0]]
    assert ranking == ["live", "young", "old", "feed"]


def test_equally_good_copies_are_told_apart_by_content_alone() -> None:
    one, other = (1, pull(1, "a"), LIVE), (1, pull(1, "b"), LIVE)
    assert unique([one, other]) == unique([other, one])


def test_a_pull_request_keeps_a_shared_commit_and_of_lone_copies_the_first_repository() -> None:
    fork = changes(commit("a"), commit("b", "x (#1)"), repository="acme/fork")
    origin = changes(commit("a"), pull(1, merge="b"), commit("b", "x (#1)"), repository="acme/origin")
    kept = sorted(change.id for change in without_copies([*origin, *fork]))
    assert kept == [f"acme/fork@{sha('a')[:12]}", "acme/origin#1"]
