"""The data of a webhook's event: whole where it fits, a summary that says so where it does not."""

import json

from hypothesis import given

from devsync.domain.changelog.edition import Gap
from devsync.rendering.webhook import MAX_BYTES, render_webhook
from tests.rendering import samples
from tests.rendering.inputs import hostile_text


def test_a_week_of_ordinary_size_is_told_whole() -> None:
    edition = samples.quiet()
    told = json.loads(render_webhook(edition, 2))
    assert (told["team"], told["revision"], told["item_count"]) == (edition.team, 2, edition.item_count)
    assert "note" not in told


def test_a_large_week_is_told_by_its_numbers_and_highlights() -> None:
    edition = samples.large(2_000)
    content = render_webhook(edition, 1)
    told = json.loads(content)
    assert len(content) <= MAX_BYTES
    assert told["item_count"] == 2_000 == told["omitted_items"] + len(told["items"])
    assert [item["id"] for item in told["items"]] == list(edition.highlights)
    assert "too large" in told["note"]


@given(hostile_text)
def test_it_stays_small_and_valid_whatever_it_holds(words: str) -> None:
    gaps = tuple(Gap(unit=f"github:{words}{number}", service="github", reason=words) for number in range(500))
    edition = samples.with_text(samples.large(300), words).model_copy(update={"gaps": gaps})
    content = render_webhook(edition, 1)
    assert len(content) <= MAX_BYTES
    assert content.isascii()
    assert json.loads(content)["is_partial"] is True
