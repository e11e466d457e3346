"""The page of messages: looks like Slack, shows a wrong escape at once, and lets no text become markup."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from sandbox.slack.mrkdwn import from_markdown, to_html
from tests.sandbox.slack_samples import Slack, context, header, running, section

NAMES = {"U1": "Anna Berg", "C1": "general"}


def line(html: str) -> str:
    return f'<div class="line">{html}</div>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _it_ ~gone~", line("<strong>bold</strong> <em>it</em> <del>gone</del>")),
        ("*_both_*", line("<strong><em>both</em></strong>")),
        ("snake_case_name 2*3*4", line("snake_case_name 2*3*4")),
        ("`a*b*`", line("<code>a*b*</code>")),
        ("```x <b>\ny```", line("<pre>x &lt;b&gt;\ny</pre>")),
        (
            "<https://x.test/a?b=1&amp;c=2|PR *1*>",
            line('<a href="https://x.test/a?b=1&amp;c=2" rel="noreferrer noopener">PR <strong>1</strong></a>'),
        ),
        ("<javascript:alert(1)|x>", line("&lt;javascript:alert(1)|x&gt;")),
        ("<@U1>", line('<span class="mention">@Anna Berg</span>')),
        ("<@U9|nine>", line('<span class="mention">@nine</span>')),
        ("<#C1>", line('<span class="mention">#general</span>')),
        ("&lt;!channel&gt; &amp;lt;", line("&lt;!channel&gt; &amp;lt;")),
        ("<b>x</b> & \"q\"", line("&lt;b&gt;x&lt;/b&gt; &amp; &#34;q&#34;")),
        ("<!date^1^{date}|Monday>", line('<span class="mention">Monday</span>')),
        (":rocket: :unknown:", line("🚀 :unknown:")),
        ("&gt; a\n&gt; b\nc", "<blockquote>a<br>b</blockquote>" + line("c")),
        (
            "• *one*",
            '<div class="item depth-0"><span class="bullet">•</span><span><strong>one</strong></span></div>',
        ),
        (
            "• one\n    its note\nnext\n    far off",
            '<div class="item depth-0"><span class="bullet">•</span><span>one</span></div>'
            '<div class="line under">    its note</div>' + line("next") + line("    far off"),
        ),
    ],
)  # fmt: skip
def test_mrkdwn_is_shown_as_slack_shows_it(text: str, html: str) -> None:
    assert to_html(text, NAMES) == html


@pytest.mark.parametrize("who", ["channel", "here", "everyone"])
def test_an_unescaped_broadcast_is_loud_and_an_escaped_one_is_text(who: str) -> None:
    assert "mention loud" in to_html(f"fix <!{who}>", NAMES)
    assert "mention" not in to_html(f"fix &lt;!{who}&gt;", NAMES)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        assert set(dict(attributes)) <= {"class", "href", "rel", "title"}


@given(st.text(alphabet="<>!@#|&;ltgampx*_~`/\"'= \n\x00:javscripthttp.1", max_size=60) | st.text(max_size=40))
def test_no_text_becomes_markup_of_its_own(text: str) -> None:
    parser = Tags()
    parser.feed(str(to_html(text, NAMES)))
    assert parser.found <= {"div", "span", "a", "strong", "em", "del", "code", "pre", "blockquote", "br"}


def test_standard_markdown_is_brought_near_to_mrkdwn() -> None:
    assert from_markdown("## Head\n**b** [t](http://x.test)\n- one") == "*Head*\n*b* <http://x.test|t>\n• one"


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Slack]:
    async for one in running():
        yield one


async def shown(slack: Slack, path: str = "/") -> str:
    async with aiohttp.ClientSession() as session, session.get(slack.url + path) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_the_page_shows_blocks_threads_edits_and_metadata(slack: Slack) -> None:
    metadata = {"event_type": "changelog", "event_payload": {"key": "core/2026-W47"}}
    blocks = [header("Week 47"), section("*3* fixes"), {"type": "divider"}, context("by <@U1>")]
    post = await slack.client.chat_postMessage(channel="team-core", text="fallback", blocks=blocks, metadata=metadata)
    await slack.client.chat_postMessage(channel="team-core", text="more", thread_ts=post["ts"])
    await slack.client.chat_update(channel=post["channel"], ts=post["ts"], text="fallback", blocks=blocks)
    html = await shown(slack)
    for part in ("<h3>Week 47</h3>", "<strong>3</strong> fixes", "<hr>", "1 reply", "(edited)", "core/2026-W47"):
        assert part in html
    assert "fallback" not in html
    assert html.index("<details") < html.index(">more<")


async def test_a_channel_is_chosen_by_name_and_the_page_asks_for_nothing_elsewhere(slack: Slack) -> None:
    await slack.client.chat_postMessage(channel="general", text="only here <https://x.test|link>")
    assert "only here" in await shown(slack)
    assert "only here" not in await shown(slack, "/?channel=team-core")
    assert "There is no channel named" in await shown(slack, "/?channel=%3Cscript%3E")
    html = await shown(slack, "/?channel=general")
    assert re.findall(r'<(?:script|img|iframe|link[^>]+href="http)', html) == []
    assert re.findall(r"url\(|@import", html) == []
