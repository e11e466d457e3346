"""Slack: within every limit, nobody pinged, everything told."""

import json
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devsync.domain.changelog.edition import Contributor, Edition, Gap
from devsync.domain.changelog.telling import Telling
from devsync.rendering.escape import MAX_URL_LENGTH
from devsync.rendering.slack import MAX_REPLIES, SlackRendering, render_slack
from devsync.rendering.story import story_of
from tests.contracts.slack import objections_to_blocks
from tests.rendering import samples
from tests.rendering.inputs import TEMPLATES, hostile_text, visible_hostile_text

LINK = re.compile(r"<(https?://[^|<>\s]+)\|[^<>\n]+>")


def texts(rendering: SlackRendering) -> Iterator[str]:
    """All that Slack interprets or shows."""
    for message in rendering.messages:
        yield message.text
        for block in message.blocks:
            yield from (element["text"] for element in (*block.get("elements", ()), *filter(None, [block.get("text")])))


def links(rendering: SlackRendering) -> Counter[str]:
    return Counter(address for text in texts(rendering) for address in LINK.findall(text))


def assert_slack_accepts(rendering: SlackRendering) -> None:
    """slack-sdk's checks, the limits that it leaves unchecked, and our own budget for a whole message."""
    assert rendering.messages
    for message in rendering.messages:
        assert 0 < len(message.text) <= 4000
        assert list(objections_to_blocks(message.blocks)) == []
        assert len(json.dumps(message.blocks, ensure_ascii=False)) <= 12_000
        for block in message.blocks:
            assert block["type"] in {"section", "header", "context"}
            assert block["type"] != "section" or block["text"]["verbatim"] is True


def assert_only_our_markup(rendering: SlackRendering) -> None:
    for text in texts(rendering):
        assert not re.search("<[!@#]", text)
        rest = LINK.sub("", text)
        assert not re.search(r"[<~`]", rest)
        assert all(line.startswith("> ") for line in rest.split("\n") if ">" in line), "only our quote marks are left"
        assert all(line.find(">", 1) < 0 for line in rest.split("\n"))


@given(visible_hostile_text)
def test_hostile_text_pings_nobody_and_adds_no_link(text: str) -> None:
    harmless, hostile = (
        render_slack(samples.with_text(samples.partial(), words), TEMPLATES) for words in ("word", text)
    )
    assert_slack_accepts(hostile)
    assert_only_our_markup(hostile)
    assert set(links(hostile)) == set(links(harmless))


@given(hostile_text, st.integers(1, 3))
def test_a_hostile_team_name_stays_in_its_place(text: str, revision: int) -> None:
    rendering = render_slack(samples.normal().model_copy(update={"team": text}), TEMPLATES, revision)
    assert_slack_accepts(rendering)
    assert_only_our_markup(rendering)


@st.composite
def editions(draw: st.DrawFn) -> Edition:
    edition = samples.large(draw(st.one_of(st.integers(0, 40), st.integers(0, 3_000))))
    if draw(st.booleans()):
        edition = samples.with_text(edition, draw(hostile_text))
    reason = draw(hostile_text)
    gaps = tuple(
        Gap(unit=f"github:acme/{number}", service="github", reason=reason)
        for number in range(draw(st.integers(0, 200)))
    )
    people = tuple(Contributor(name=f"Person {number}", item_count=1) for number in range(draw(st.integers(0, 400))))
    return edition.model_copy(update={"gaps": gaps, "contributors": people})


@settings(max_examples=60)
@given(editions(), st.sampled_from(["", f"https://a.dev/{'&' * (MAX_URL_LENGTH - 14)}"]))
def test_the_limits_hold_for_every_edition(edition: Edition, page: str) -> None:
    rendering = render_slack(edition, TEMPLATES, telling=Telling(page=page))
    assert_slack_accepts(rendering)
    assert ("Open in the dashboard" in str(rendering.messages[0].blocks)) is bool(page)


@settings(max_examples=20)
@given(st.integers(0, 320), st.integers(0, 260))
def test_every_item_and_every_gap_is_told(count: int, gap_count: int) -> None:
    """Of an edition that fits into a thread of bounded length."""
    gaps = tuple(
        Gap(unit=f"github:acme/gap-{number}-", service="github", reason="It answered 503 " * 5)
        for number in range(gap_count)
    )
    edition = samples.large(count).model_copy(update={"gaps": gaps, "highlights": ()})
    rendering = render_slack(edition, TEMPLATES)
    wanted = {
        str(entry.reference.url).replace("&", "&amp;")
        for chapter in story_of(edition).chapters
        for entry in chapter.entries
    }
    assert wanted <= set(links(rendering))
    assert {f"gap-{number}-" for number in range(gap_count)} == set(
        re.findall(r"gap-\d+-", "\n".join(texts(rendering)))
    )


@pytest.mark.parametrize(
    ("count", "title"), [(600, ""), (5_000, ""), (600, "word " * 40)], ids=["large", "huge", "wordy"]
)
def test_a_very_large_edition_keeps_its_thread_readable_and_counts_what_it_leaves_out(count: int, title: str) -> None:
    items = tuple(
        item.model_copy(update={"title": f"{item.title} {title}".strip()}) for item in samples.large(count).items
    )
    edition = samples.large(count).model_copy(update={"highlights": (), "items": items})
    rendering = render_slack(edition, TEMPLATES)
    assert MAX_REPLIES - 1 <= len(rendering.messages) - 1 <= MAX_REPLIES
    shown = "\n".join(texts(rendering))
    omitted = sum(int(number.replace(",", "")) for number in re.findall(r"and ([\d,]+) more, left out", shown))
    told = sum("/pull/" in address for address in links(rendering))
    assert told + omitted == sum(len(chapter.entries) for chapter in story_of(edition).chapters)


def test_the_channel_message_tells_what_everybody_should_know() -> None:
    first = render_slack(samples.partial(), TEMPLATES, revision=2).messages[0]
    shown = json.dumps(first.blocks, ensure_ascii=False)
    for words in (
        "Payments weekly changelog",
        "9–15 November 2026 · week 46 · revision 2",
        "15 changes by 6 people",
        "What is missing",
        "GitHub had a failure of its own.",
        "JIRA did not accept our credentials.",
        "Data of 13 November 2026, 08:00 CET stands in",
        "Highlights",
        "Breaking changes",
        "Multiply by 100",
        "in the thread",
    ):
        assert words in shown
    assert first.text == (
        "Payments weekly changelog, 9–15 November 2026: 15 changes by 6 people. 2 of 3 sources did not answer in full."
    )


def test_each_item_is_told_once_beside_the_highlights() -> None:
    rendering = render_slack(samples.normal().model_copy(update={"highlights": ()}), TEMPLATES)
    pulls = {address: times for address, times in links(rendering).items() if "/pull/" in address}
    assert set(pulls.values()) == {1}
    assert len(pulls) == 11


def test_breaking_changes_that_do_not_fit_are_all_in_the_thread() -> None:
    template = samples.normal().items[0]
    items = tuple(
        template.model_copy(update={"id": f"x#{n}", "pull_request": n, "url": f"https://x.example/{n}"})
        for n in range(60)
    )
    rendering = render_slack(samples.normal().model_copy(update={"items": items, "highlights": ()}), TEMPLATES)
    assert re.search(r"and \d+ more in the thread", json.dumps(rendering.messages[0].blocks))
    thread = SlackRendering(messages=rendering.messages[1:])
    assert {f"https://x.example/{n}" for n in range(60)} <= set(links(thread))


def test_a_section_that_goes_on_repeats_its_heading_and_divides_no_item() -> None:
    rendering = render_slack(samples.large(1_500), TEMPLATES)
    sections = [
        block["text"]["text"]
        for message in rendering.messages[1:]
        for block in message.blocks
        if block["type"] == "section"
    ]
    assert any(text.startswith("*Features* (") and "(continued)" in text.split("\n")[0] for text in sections)
    assert all(re.match(r"\*|:wave:", text) for text in sections)


@pytest.mark.parametrize("edition", [samples.quiet(), samples.quiet_and_partial()], ids=["quiet", "partial"])
def test_a_quiet_week_is_one_short_message_without_a_thread(edition: Edition) -> None:
    rendering = render_slack(edition, TEMPLATES)
    assert len(rendering.messages) == 1
    shown = json.dumps(rendering.messages[0].blocks)
    assert "thread" not in shown
    assert ("Nothing was merged or resolved in this window." in shown) is not edition.is_partial
