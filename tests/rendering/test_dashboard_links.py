"""From an edition to its page on the dashboard: a link in each format where there is one, and nothing where not."""

import pytest

from devsync.domain.changelog.telling import Telling
from devsync.rendering.documents import render_html, render_text
from devsync.rendering.escape import MAX_URL_LENGTH
from devsync.rendering.slack import SlackRendering, render_slack
from tests.rendering import samples
from tests.rendering.inputs import TEMPLATES

ADDRESS = "https://changelog.acme.dev/teams/payments/editions/2026-W47"


def dateline(page: str) -> str:
    (channel, *_) = slack(page).messages
    (text, *_) = (block["elements"][0]["text"] for block in channel.blocks if block["type"] == "context")
    return str(text)


def slack(page: str) -> SlackRendering:
    return render_slack(samples.normal(), TEMPLATES, telling=Telling(page=page))


def test_it_stands_beside_the_date_in_slack() -> None:
    assert dateline(ADDRESS).endswith(f" · <{ADDRESS}|Open in the dashboard>")


def test_it_stands_at_the_end_of_a_mail_in_both_forms() -> None:
    telling = Telling(page=ADDRESS)
    html = render_html(samples.normal(), TEMPLATES, telling=telling)
    assert f'href="{ADDRESS}">Open in the dashboard</a></p>\n</div>\n</body>' in html
    text = render_text(samples.normal(), TEMPLATES, telling=telling)
    assert text.endswith(f"\n\nOn the dashboard: {ADDRESS}\n")


def test_it_is_escaped_by_each_format() -> None:
    page = "https://changelog.acme.dev/?a=1&b=<|>\"'"
    safe = "https://changelog.acme.dev/?a=1&amp;b=%3C%7C%3E%22%27"
    assert f"<{safe}|Open" in dateline(page)
    assert f'href="{safe}"' in render_html(samples.normal(), TEMPLATES, telling=Telling(page=page))


@pytest.mark.parametrize(
    "page", ["", "/teams/payments", "javascript:alert(1)", "https://a.dev/" + "x" * MAX_URL_LENGTH]
)
def test_where_nobody_can_be_sent_nothing_changes(page: str) -> None:
    assert slack(page) == render_slack(samples.normal(), TEMPLATES)
    for render in (render_html, render_text):
        assert render(samples.normal(), TEMPLATES, telling=Telling(page=page)) == render(samples.normal(), TEMPLATES)
