"""What an edition carries while the store is away: never more than the budget, and what is left out is named."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.contracts.artifacts import INLINE_BUDGET, INLINE_LIMIT, ArtifactRef
from devsync.contracts.collection import UnitCollected
from workflows.edition.carrying import fitting, inline_share, left_for_renderings

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
IN_STORE = ArtifactRef(digest="0" * 64, size=10**6, kind="collected")


def unit(name: str, characters: int) -> UnitCollected:
    """Characters of inline content; 0 for one that lies in the store."""
    artifact = ArtifactRef(inline="A" * characters, size=10**6, kind="collected") if characters else IN_STORE
    return UnitCollected(unit=name, artifact=artifact, api_calls=1, collected_at=NOW)


def units(sizes: list[int]) -> list[UnitCollected]:
    return [unit(f"github:acme/{number}", size) for number, size in enumerate(sizes)]


@pytest.mark.parametrize(("count", "share"), [(0, INLINE_LIMIT), (1, INLINE_LIMIT), (15, INLINE_LIMIT), (60, 23_301)])
def test_few_units_may_each_be_as_large_as_one_may_be_and_many_share(count: int, share: int) -> None:
    assert inline_share(count) == share


def test_units_that_keep_their_share_all_fit() -> None:
    for count in (1, 12, 40, 200):
        told = units([inline_share(count)] * count)
        assert fitting(told) == (told, [])


def test_what_lies_in_the_store_weighs_nothing() -> None:
    told = units([0] * 500)
    assert fitting(told) == (told, [])
    assert left_for_renderings(told, IN_STORE) == INLINE_BUDGET


def test_the_largest_are_left_out_and_named() -> None:
    told = units([100, INLINE_LIMIT, 0, *[INLINE_LIMIT - 1] * 15, 50])
    kept, gaps = fitting(told)
    assert [gap.unit for gap in gaps] == ["github:acme/1"]
    assert kept == [one for one in told if one.unit != "github:acme/1"]
    assert "too large to carry" in gaps[0].reason


@given(st.lists(st.integers(0, INLINE_LIMIT), max_size=60), st.integers(1, INLINE_LIMIT))
def test_however_large_the_units_are_a_channels_rendering_fits_beside_them(sizes: list[int], edition: int) -> None:
    told = units(sizes)
    kept, gaps = fitting(told)
    assert len(kept) + len(gaps) == len(told)
    carried = sum(one.artifact.inline_size for one in kept) + edition
    left = left_for_renderings(kept, ArtifactRef(inline="A" * edition, size=1, kind="edition"))
    assert left >= INLINE_LIMIT
    assert carried + left == INLINE_BUDGET
