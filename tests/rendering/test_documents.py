"""Markdown, HTML, text and JSON: hostile text changes no structure, and nothing is lost."""

import json
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from devsync.domain.changelog.edition import Edition
from devsync.rendering.documents import MAX_MAIL_BYTES, render_html, render_json, render_markdown, render_text
from devsync.rendering.story import story_of
from tests.rendering import samples
from tests.rendering.inputs import TEMPLATES, hostile_text, visible_hostile_text

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


class Skeleton(HTMLParser):
    """Tags with the names and, but for links, the values of their attributes, in order; the text apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", []))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment in the page: {data}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def markdown_skeleton(text: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for token in MARKDOWN.parse(text):
        found.append((token.type, token.tag))
        for child in token.children or ():
            if child.type != "text":
                found.append((child.type, child.attrGet("href")))
    return found


@given(visible_hostile_text)
def test_markdown_has_the_same_structure_whatever_the_text_is(text: str) -> None:
    harmless, hostile = (samples.with_text(samples.partial(), words) for words in ("word", text))
    assert markdown_skeleton(render_markdown(hostile, TEMPLATES)) == markdown_skeleton(
        render_markdown(harmless, TEMPLATES)
    )


@given(visible_hostile_text)
def test_html_has_the_same_tags_and_links_whatever_the_text_is(text: str) -> None:
    harmless, hostile = (samples.with_text(samples.partial(), words) for words in ("word", text))
    assert Skeleton(render_html(hostile, TEMPLATES)).tags == Skeleton(render_html(harmless, TEMPLATES)).tags


@given(visible_hostile_text)
def test_text_has_the_same_lines_whatever_the_text_is(text: str) -> None:
    harmless, hostile = (samples.with_text(samples.partial(), words) for words in ("word", text))
    page = render_text(hostile, TEMPLATES)
    assert len(page.splitlines()) == len(render_text(harmless, TEMPLATES).splitlines())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


@given(hostile_text)
def test_json_holds_exactly_the_edition(text: str) -> None:
    edition = samples.with_text(samples.partial(), text)
    document = render_json(edition)
    content = json.loads(document)
    assert document.isascii()
    assert "\n" not in document[:-1]
    assert Edition.model_validate(content) == edition
    assert list(content) == sorted(content)


def test_json_says_how_complete_the_edition_is() -> None:
    content = json.loads(render_json(samples.partial()))
    assert content["is_partial"] is True
    assert content["item_count"] == 15
    assert content["unclassified_ratio"] == pytest.approx(1 / 15)


def test_every_item_is_linked_once_below_the_highlights() -> None:
    edition = samples.large(400)
    addresses = Counter(entry.reference.url for chapter in story_of(edition).chapters for entry in chapter.entries)
    assert set(addresses.values()) == {1}
    body = edition.model_copy(update={"highlights": ()})
    for page, pattern in (
        (render_markdown(body, TEMPLATES), r"\]\((.*?/pull/\d+)\)"),
        (render_html(body, TEMPLATES, max_bytes=None), r'href="(.*?/pull/\d+)"'),
        (render_text(body, TEMPLATES), r"^  (https.*/pull/\d+)$"),
    ):
        assert Counter(re.findall(pattern, page, re.MULTILINE)) == addresses


@pytest.mark.parametrize("render", [render_markdown, render_html, render_text])
def test_a_revision_is_named_from_the_second_on(render: type[object]) -> None:
    assert "revision" not in str(render(samples.normal(), TEMPLATES))  # type: ignore[call-arg]
    assert "revision 2" in str(render(samples.normal(), TEMPLATES, revision=2))  # type: ignore[call-arg]


@settings(max_examples=25)
@given(st.integers(0, 3_000), st.integers(20_000, 120_000))
def test_html_fits_the_given_size_and_says_what_it_leaves_out(count: int, max_bytes: int) -> None:
    edition = samples.large(count)
    page = render_html(edition, TEMPLATES, max_bytes=max_bytes)
    assert len(page.encode()) <= max_bytes
    omitted = sum(int(number.replace(",", "")) for number in re.findall(r"and ([\d,]+) more, left out", page))
    body = page.partition("Breaking changes <")[2]
    told = len(re.findall(r"/pull/\d+", body))
    assert told + omitted == sum(len(chapter.entries) for chapter in story_of(edition).chapters)


def test_a_long_mail_is_well_filled() -> None:
    size = len(render_html(samples.large(10_000), TEMPLATES).encode())
    assert 0.75 * MAX_MAIL_BYTES < size <= MAX_MAIL_BYTES


def test_html_needs_nothing_from_outside() -> None:
    tags = {tag[0] for tag in Skeleton(render_html(samples.normal(), TEMPLATES)).tags}
    assert not tags & {"script", "img", "iframe", "form", "object", "svg", "base"}
    assert "@import" not in render_html(samples.normal(), TEMPLATES)


def test_html_carries_its_styles_on_the_elements() -> None:
    elements = Skeleton(render_html(samples.partial(), TEMPLATES)).tags
    classed = [dict(attributes) for _, attributes in elements if "class" in dict(attributes)]
    assert classed
    assert all("style" in attributes for attributes in classed)
