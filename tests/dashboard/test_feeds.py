"""The teams' feeds: valid Atom, stable ids, nothing of what went nowhere, harmless content, and for whom."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from dashboard.atom import sanitised
from dashboard.feed_addresses import FeedAddresses
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.names import reviewers_key
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.records import Records
from tests.dashboard.conftest import House
from tests.storage.test_records import NOON, delivery, edition

ATOM = "{http://www.w3.org/2005/Atom}"
FEED = "/feeds/payments.atom"
MAIL = """\
<!doctype html><html><head><title>t</title><style>.a { color: red }</style></head><body class="page">
<div class="preheader" style="display: none; max-height: 0">for an inbox</div>
<h1 class="title" style="margin: 0">Payments</h1><script>alert(1)</script><img src="https://evil.example/pixel">
<p onclick="alert(1)">51 changes <a href="https://git.acme.dev/pull/1">api#1</a> <a href="javascript:alert(1)">x</a></p>
</body></html>"""


async def send_out(house: House, team: str = "payments", mail: str = MAIL, **changes: Any) -> None:
    """An edition with its mail, and a channel that it went to."""
    store = ArtifactStore(house.site.database)
    (rendering,) = await store.put_many([("rendering.html", mail.encode())], team=team)
    record = edition(team=team, renderings={"html": rendering}, **changes)
    sent = delivery(team=team, iso_week=record.iso_week, state=DeliveryState.PENDING)
    await Records(house.site.database, store).write(edition=record, deliveries=[sent])


async def entries(house: House, path: str = FEED, who: str = "anna") -> list[ElementTree.Element]:
    answer = await (await house.visitor(who)).get(path)
    assert answer.status_code == 200, answer.text
    return valid(answer.content).findall(f"{ATOM}entry")


def valid(document: bytes) -> ElementTree.Element:
    """Against RFC 4287: what a feed and each entry must have, once, in the right form."""
    feed = ElementTree.fromstring(document)
    assert feed.tag == f"{ATOM}feed"
    for holder in (feed, *feed.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            (found,) = holder.findall(f"{ATOM}{name}")
            assert found.text
        assert re.match(r"[a-z]+:\S+$", holder.findtext(f"{ATOM}id") or "")
        assert datetime.fromisoformat(holder.findtext(f"{ATOM}updated") or "").tzinfo
        kinds = [(link.get("rel"), link.get("type")) for link in holder.findall(f"{ATOM}link")]
        assert len(kinds) == len(set(kinds))
        assert ("alternate", "text/html") in kinds  # 4.1.2: needed where there is no content
        for content in holder.findall(f"{ATOM}content"):
            assert content.get("type") == "html"
    assert feed.findtext(f"{ATOM}author/{ATOM}name")  # 4.1.1: else each entry needs one
    assert ("self", "application/atom+xml") in [
        (one.get("rel"), one.get("type")) for one in feed.findall(f"{ATOM}link")
    ]
    ids = [entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")]
    assert len(ids) == len(set(ids))
    return feed


async def test_each_week_is_one_entry_which_its_revisions_change(house: House) -> None:
    await send_out(house, iso_week="2026-W46", status="complete", gaps=())
    await send_out(house)
    first = await entries(house)
    assert [one.findtext(f"{ATOM}title") for one in first] == [
        "Changelog of payments, 2026-W47 (partial)",
        "Changelog of payments, 2026-W46",
    ]
    await send_out(house, revision=2, status="complete", gaps=(), composed_at=NOON + timedelta(hours=1))
    second = await entries(house)
    assert second[0].findtext(f"{ATOM}title") == "Changelog of payments, 2026-W47 (revision 2)"
    assert [one.findtext(f"{ATOM}id") for one in first] == [one.findtext(f"{ATOM}id") for one in second]
    assert second[0].findtext(f"{ATOM}updated") == "2026-11-23T13:00:00Z"
    link = second[0].find(f"{ATOM}link")
    assert link is not None
    assert link.get("href") == "http://localhost:8300/teams/payments/editions/2026-W47"


async def test_what_went_nowhere_stands_in_no_feed(house: House) -> None:
    await Records(house.site.database, ArtifactStore(house.site.database)).write(edition=edition())  # backfilled
    await send_out(house, iso_week="2026-W46", status="rejected")
    await send_out(house, team="search", iso_week="2026-W45")
    assert await entries(house) == []


async def test_what_reviewers_alone_have_seen_went_nowhere(house: House) -> None:
    """They rejected it, say, and it was backfilled afterwards, which brings it to no channel."""
    preview = delivery(channel=reviewers_key("#payments-leads"))
    store = ArtifactStore(house.site.database)
    await Records(house.site.database, store).write(edition=edition(), deliveries=[preview])
    assert await entries(house) == []
    page = (await (await house.visitor("anna")).get("/editions")).text
    assert "2026-W47" in page
    assert "approval-slack" not in page


async def test_its_content_is_text_and_links_and_nothing_that_runs_or_calls_home(house: House) -> None:
    await send_out(house)
    (entry,) = await entries(house)
    content = entry.findtext(f"{ATOM}content") or ""
    assert "<h1>Payments</h1>" in content
    assert '<a href="https://git.acme.dev/pull/1" rel="noopener noreferrer">api#1</a>' in content
    for evil in ("script", "alert", "img", "evil", "style", "class", "inbox", "color"):
        assert evil not in content, evil


@pytest.mark.parametrize(
    ("mail", "content"),
    [
        ("<p>a &lt;script&gt;</p>", "<p>a &lt;script&gt;</p>"),
        ('<svg onload="alert(1)"><p>x</p></svg>', "<p>x</p>"),
        ("<p>un<b>closed", "<p>unclosed</p>"),
        ("<iframe src=https://evil.example></iframe>after", "after"),
    ],
)
def test_content_is_made_harmless(mail: str, content: str) -> None:
    assert sanitised(mail) == content


async def test_characters_that_xml_has_no_form_for_are_left_out(house: House) -> None:
    await send_out(house, mail="<p>a\x0cb\ufffe ]]&gt; \U0001f680</p>")
    (entry,) = await entries(house)
    assert entry.findtext(f"{ATOM}content") == "<p>ab ]]&gt; \U0001f680</p>"


async def test_an_empty_feed_is_valid_and_looks_the_same_each_time(house: House) -> None:
    anna = await house.visitor("anna")
    answers = [await anna.get(FEED) for _ in range(2)]
    assert valid(answers[0].content).findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"
    assert answers[0].headers["etag"] == answers[1].headers["etag"]


async def test_a_reader_that_has_it_gets_nothing_again_until_something_changes(house: House) -> None:
    await send_out(house)
    anna = await house.visitor("anna")
    etag = (await anna.get(FEED)).headers["etag"]
    for known in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        answer = await anna.get(FEED, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert (await anna.get(FEED, headers={"If-None-Match": '"other"'})).status_code == 200
    await send_out(house, revision=2)
    answer = await anna.get(FEED, headers={"If-None-Match": etag})
    assert answer.status_code == 200
    assert (await anna.http.head(FEED)).headers["etag"] == answer.headers["etag"]


async def test_the_address_on_the_teams_pages_opens_the_feed_to_a_reader_without_a_login(house: House) -> None:
    house.app.state.site = house.site = replace(house.site, feeds=FeedAddresses("f" * 32))
    await send_out(house)
    anna = await house.visitor("anna")
    for page in ("/teams/payments/editions/2026-W47", "/editions?team=payments"):
        text = (await anna.get(page)).text
        (found,) = re.findall(r'<link rel="alternate" type="application/atom\+xml"[^>]*href="([^"]+)"', text)
    reader = await house.browser()
    answer = await reader.get(found)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/atom+xml")
    (own,) = [one.get("href") for one in valid(answer.content).findall(f"{ATOM}link") if one.get("rel") == "self"]
    assert own == f"http://localhost:8300{found}"


async def test_without_the_key_a_stranger_and_another_team_see_no_feed(house: House) -> None:
    house.app.state.site = house.site = replace(house.site, feeds=FeedAddresses("f" * 32))
    await send_out(house)
    stranger, ben = await house.browser(), await house.visitor("ben")
    key = house.site.feeds.path("payments").partition("=")[2]
    for path in (FEED, f"{FEED}?key=guess", f"{FEED}?key=é", f"/feeds/search.atom?key={key}", "/feeds/nobody.atom"):
        assert (await stranger.get(path)).status_code == 404, path
    assert (await ben.get(FEED)).status_code == 404
    assert "feeds/payments" not in (await ben.get("/editions?team=payments")).text
    assert FeedAddresses("another secret").path("payments") != house.site.feeds.path("payments")
    assert not FeedAddresses().opens("payments", "")


async def test_a_link_shows_no_more_than_that_one_has_to_sign_in(house: House) -> None:
    await send_out(house)
    stranger = await house.browser()
    answer = await stranger.get("/teams/payments/editions/2026-W47")
    shown = (await stranger.get(answer.headers["location"])).text
    assert '<meta property="og:description" content="Sign in to read it.">' in shown
    assert not re.search(r"<(?:title|meta)[^>]*payments", shown)


async def test_an_edition_names_its_permanent_address(house: House) -> None:
    await send_out(house)
    anna = await house.visitor("anna")
    text = (await anna.get("/teams/payments/editions/2026-W47?revision=1")).text
    assert '<link rel="canonical" href="http://localhost:8300/teams/payments/editions/2026-W47">' in text
