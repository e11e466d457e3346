"""A Slack message as the dashboard shows it: quotes, emoji and links, and nothing that the text makes up."""

import json
import re
from pathlib import Path

import pytest

from dashboard.slack_preview import EMOJI, slack_messages
from devsync.rendering.slack import render_slack
from devsync.rendering.slack_blocks import section
from tests.rendering import samples
from tests.rendering.inputs import TEMPLATES


def shown(text: str) -> str:
    (message,) = slack_messages(json.dumps({"messages": [{"blocks": [section(text)]}]}).encode())
    return str(message.blocks[0].html)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("> :warning: *Missing.* 2\n> • one", "<blockquote>⚠️ <strong>Missing.</strong> 2<br>• one</blockquote>"),
        ("before\n> in\nafter", "before<blockquote>in</blockquote>after"),
        ("&gt; escaped", "<blockquote>escaped</blockquote>"),
        ("2 > 1 &gt; 0", "2 &gt; 1 &gt; 0"),
        (":eyes: :no_such_one: 12:30:45", "👀 :no_such_one: 12:30:45"),
        ("> <https://x.test|*a* :wave:>", '<blockquote><a href="https://x.test" rel="noopener noreferrer">'
         "<strong>a</strong> 👋</a></blockquote>"),
        ("> <script>alert(1)</script>", "<blockquote>&lt;script&gt;alert(1)&lt;/script&gt;</blockquote>"),
    ],
)  # fmt: skip
def test_it_is_shown_as_slack_shows_it(text: str, html: str) -> None:
    assert shown(text) == html


def test_every_emoji_of_our_templates_is_known() -> None:
    used = re.findall(r":([a-z_]+):", "".join(path.read_text() for path in Path(TEMPLATES, "slack").iterdir()))
    assert {"eyes", "warning"} <= set(used) <= set(EMOJI)


def test_a_partial_edition_has_its_box_as_a_quote() -> None:
    (first, *_) = slack_messages(render_slack(samples.partial(), TEMPLATES).model_dump_json().encode())
    html = "".join(str(block.html) for block in first.blocks)
    assert "<blockquote>⚠️ <strong>What is missing.</strong>" in html
    assert ":warning:" not in html
