import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from devsync.contracts.artifacts import INLINE_LIMIT, INLINE_LIMIT_BYTES, ArtifactRef
from devsync.domain.model import Model


class Message(Model):
    """References travel inside other messages: their JSON form must not depend on the outer model."""

    reference: ArtifactRef


@given(st.binary(max_size=300))
def test_inline_content_survives_the_way_through_a_history(compressed: bytes) -> None:
    sent = Message(reference=ArtifactRef.of_inline(compressed, size=7, kind="edition"))
    received = Message.model_validate_json(sent.model_dump_json())
    assert received == sent
    assert received.reference.inline_content == compressed


def test_a_stored_reference_adds_no_content_to_a_history() -> None:
    reference = ArtifactRef(digest="a" * 64, size=10_000_000, kind="edition")
    assert (reference.inline_size, reference.inline_content) == (0, None)


def test_the_largest_inline_content_is_just_accepted() -> None:
    largest = os.urandom(INLINE_LIMIT_BYTES)
    reference = ArtifactRef.of_inline(largest, size=1, kind="edition")
    assert (reference.inline_content, reference.inline_size) == (largest, INLINE_LIMIT)
    with pytest.raises(ValidationError, match="at most"):
        ArtifactRef.of_inline(largest + b"xxx", size=1, kind="edition")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"digest": "a" * 64, "inline": "AAAA"},
        {"digest": "A" * 64},
        {"digest": "a" * 63},
        {"inline": "AAAA", "size": -1},
    ],
)
def test_a_reference_that_points_nowhere_or_twice_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ArtifactRef.model_validate({"size": 1, "kind": "edition"} | fields)
