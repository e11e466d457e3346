"""Hostile text stays text: of every format, rule by rule and as a property."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from devsync.rendering import escape
from tests.rendering.inputs import hostile_text, visible_hostile_text

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
ZERO_WIDTH_SPACE = "\u200b"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Fix it", "Fix it"),
        ("  padded\u00a0", "padded"),
        ("one\r\nSubject: two", "one Subject: two"),
        ("one\u2028two\x85three\vfour", "one two three four"),
        ("\x1b[31mred\x07", "[31mred"),
        ("\u202egnp.exe\u202c \u2066x\u2069", "gnp.exe x"),
        ("broken \ud83d pair", "broken \ufffd pair"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("\x00\u202e\ufeff", ""),
    ],
)
def test_one_line_keeps_what_is_visible(text: str, clean: str) -> None:
    assert escape.one_line(text) == clean


def test_a_text_that_is_too_long_ends_in_an_ellipsis() -> None:
    assert escape.one_line("x" * 10_000) == "x" * (escape.MAX_TEXT_LENGTH - 1) + "…"
    assert escape.one_line("x" * escape.MAX_TEXT_LENGTH) == "x" * escape.MAX_TEXT_LENGTH


def test_a_cut_leaves_no_half_emoji_behind() -> None:
    assert escape.one_line("ab👩\u200d👩\u200d👧", limit=5) == "ab👩…"


@given(hostile_text | st.text(st.characters()), st.integers(2, 300))
def test_one_line_is_one_short_line_that_can_be_encoded(text: str, limit: int) -> None:
    line = escape.one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", line)
    line.encode()


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("*bold* ~gone~ `code`", "∗bold∗ ∼gone∼ 'code'"),
        ("_it_ __init__ snake_case", "ˍitˍ ˍˍinitˍˍ snake_case"),
    ],
)
def test_slack_text_cannot_mention_or_format(text: str, escaped: str) -> None:
    assert escape.slack(text) == escaped


@given(hostile_text)
def test_slack_text_has_no_active_character(text: str) -> None:
    escaped = escape.slack(text)
    assert not re.search(r"[<>*~`]|&(?!amp;|lt;|gt;)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", escaped)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Use snake_case, not __init__", r"Use snake_case, not \_\_init\_\_"),
        ("[x](http://e.example)", r"\[x\](http\://e.example)"),
        ("1. first", r"1\. first"),
        ("- item", r"\- item"),
        ("by @anna", f"by @{ZERO_WIDTH_SPACE}anna"),
        ("fixes #12 and GH-7", f"fixes \\#{ZERO_WIDTH_SPACE}12 and GH-{ZERO_WIDTH_SPACE}7"),
        ("www.evil.example", r"www\.evil.example"),
    ],
)
def test_markdown_text_is_escaped_where_it_matters(text: str, escaped: str) -> None:
    assert escape.markdown(text) == escaped


@pytest.mark.parametrize(
    "frame", ["- {}\n", "# {}\n", "{}\n", "> - **x:** {}\n", "- [{}](https://ok.example)\n", "x\n{}\n"]
)
@given(text=visible_hostile_text)
def test_markdown_text_reads_as_written_wherever_it_stands(frame: str, text: str) -> None:
    shown = MARKDOWN.render(frame.format(escape.markdown(text)))
    expected = MARKDOWN.render(frame.format("SENTINEL"))
    before, after = (re.escape(part) for part in expected.split("SENTINEL"))
    match = re.fullmatch(f"{before}(.*){after}", shown, re.DOTALL)
    assert match, f"the structure changed: {shown!r}"
    assert unescape(match[1]).replace(ZERO_WIDTH_SPACE, "") == escape.one_line(text).replace(ZERO_WIDTH_SPACE, "")


@given(hostile_text)
def test_nothing_in_markdown_can_ping_or_link_on_github(text: str) -> None:
    escaped = escape.markdown(text)
    assert not re.search(r"@[A-Za-z0-9]|#\d|(?<!\\)://|\bwww\.", escaped)


@given(hostile_text)
def test_html_text_has_no_tag_and_no_quote(text: str) -> None:
    escaped = escape.html(text)
    assert not re.search("[<>\"']", escaped)
    assert unescape(escaped) == escape.one_line(text)


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://github.com/acme/api/pull/12", "https://github.com/acme/api/pull/12"),
        ("HTTP://jira.internal:8080/browse/PAY-1?a=1&b=2#c", "HTTP://jira.internal:8080/browse/PAY-1?a=1&b=2#c"),
        ("https://x.example/a(b)|<c>", "https://x.example/a%28b%29%7C%3Cc%3E"),
        ("https://x.example/käse*_~`'\"", "https://x.example/k%C3%A4se%2A_~%60%27%22"),
        ("https://x.example/%7Eanna", "https://x.example/%7Eanna"),
        ("", None),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//x.example/", None),
        ("https://github.com@evil.example/", None),
        ("https://gıthub.com/", None),
        ("https:///path", None),
        ("https://x.example/a b", None),
        ("https://x.example/\r\nSet-Cookie: a", None),
        ("https://x.example/\u202egnp", None),
        ("https://x.example/" + "a" * 500, None),
        ("https://x.example\\@evil.example/", None),
    ],
)
def test_only_plain_web_addresses_are_linked(address: str, safe: str | None) -> None:
    assert escape.safe_url(address) == safe


@given(hostile_text)
def test_a_safe_address_holds_nothing_that_ends_a_link(text: str) -> None:
    address = escape.safe_url("https://x.example/" + text)
    assert address is None or re.fullmatch(r"[A-Za-z0-9/?#%&=+:,;._~@-]+", address)


@pytest.mark.parametrize(
    ("text", "is_inert"), [("payments-api#412", True), ("PAY-12", True), ("a]b", False), ("a_b", False)]
)
def test_a_label_is_left_alone_only_if_no_format_reads_it(text: str, is_inert: bool) -> None:
    assert isinstance(escape.link_label(text), escape.LinkLabel) is is_inert
