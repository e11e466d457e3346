"""The overview: what it shows, to whom, that it moves by itself, and how little it asks for many who look."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bench.year import fill
from dashboard.headline import headline
from dashboard.history import History
from dashboard.pages.overview import LINES, changes, digest, rendered
from dashboard.pages.overview_tiles import Tile, overview_tiles
from dashboard.picture import EVERY_SECONDS, Picture
from dashboard.viewer import ANYBODY
from dashboard.weeks import Weeks
from devsync.contracts.edition import EditionStatus
from devsync.contracts.escalation import EscalationView
from devsync.domain.changelog.window import iso_week_of
from devsync.domain.escalation.machine import EscalationRecord, State
from devsync.domain.health.healed import LastEnds
from devsync.domain.health.snapshot import DueEdition, EditionRun, ServiceWindow, Snapshot
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.series import DailyEditions
from devsync.domain.insight.span import last
from devsync.runtime.payload_codec import KeyMissing, unreadable
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.edition_list import EditionLine
from devsync.storage.records import Records
from tests.dashboard.conftest import House
from tests.dashboard.test_temporal_away import NOBODY_THERE
from tests.storage.test_escalations import POLICY
from tests.storage.test_records import edition

NOW = datetime.now(UTC)
LAST_WEEK = iso_week_of(NOW - timedelta(days=7))


async def write(house: House, team: str, **changes: object) -> None:
    records = Records(house.site.database, ArtifactStore(house.site.database))
    weeks = Weeks.at(NOW, house.site.configuration.read_last.teams)
    await records.write(edition=edition(team=team, iso_week=weeks.of(team), **changes))


async def test_each_sees_the_editions_of_their_teams(house: House) -> None:
    await write(house, "payments")
    await write(house, "search")
    shown = {name: (await (await house.visitor(name)).get("/")).text for name in ("anna", "ben", "root")}
    assert ("/teams/payments/" in shown["anna"], "/teams/search/" in shown["anna"]) == (True, False)
    assert ("/teams/payments/" in shown["ben"], "/teams/search/" in shown["ben"]) == (False, True)
    assert ("/teams/payments/" in shown["root"], "/teams/search/" in shown["root"]) == (True, True)


async def test_it_tells_when_something_changes_and_only_then(house: House) -> None:
    pictures = house.site.watch.pictures()
    first = await anext(pictures)
    assert first.lines == ()
    await write(house, "payments", status="partial")
    second = await anext(pictures)
    assert second.taken_at - first.taken_at >= timedelta(seconds=EVERY_SECONDS)
    assert second.lines is not None
    assert [line.team for line in second.lines] == ["payments"]


async def test_two_hundred_who_look_are_one_question(house: House) -> None:
    taken = await asyncio.gather(*(house.site.watch.now() for _ in range(200)))
    assert {id(picture) for picture in taken} == {id(taken[0])}


def picture(**known: Any) -> Picture:
    values: dict[str, Any] = {"services": (), "breakers": (), "editions": (), "due": ()}
    window = last(timedelta(hours=1), NOW)
    return Picture(
        taken_at=NOW,
        weeks=Weeks(LAST_WEEK),
        snapshot=Snapshot(window=window, **(values | known)),
        thresholds=Thresholds(),
        lines=(),
        escalations=(),
    )


def tile(title: str, seen: Picture, past: History | None = None) -> Tile:
    return next(one for one in overview_tiles(seen, past) if title in one.title)


def test_a_limit_that_is_crossed_is_marked() -> None:
    github = ServiceWindow(service="github", attempts=100, failures=6, seconds_p95=11.0)
    calm, busy = picture(services=(github.model_copy(update={"failures": 2}),)), picture(services=(github,))
    assert tile("Errors", calm) == Tile("Errors, last hour", "2 %", "2 of 100 attempts failed; limit 5 %", False)
    assert (tile("Errors", busy).value, tile("Errors", busy).is_over) == ("6 %", True)
    assert tile("API", busy) == Tile("API response time", "11 s", "GitHub, 19 of 20 calls; limit 10 s", True)


def test_two_failures_of_ten_calls_cross_no_limit() -> None:
    few = picture(services=(ServiceWindow(service="github", attempts=10, failures=2),))
    assert (tile("Errors", few).value, tile("Errors", few).is_over) == ("20 %", False)


def test_where_nothing_ran_lately_the_last_measured_day_is_told_with_its_date() -> None:
    monday = DailyEditions(
        day=date(2026, 11, 23), editions=2, seconds_median=30, seconds_slowest=200, peak_mb=250, peaks=2
    )
    past = History(until=NOW, editions=(monday,))
    assert tile("Generation", picture(), past) == Tile(
        "Generation time", "3 min 20 s", "slowest on 2026-11-23; limit 3 min", True
    )
    assert tile("Memory", picture(), past).hint == "peak of a worker on 2026-11-23; limit 2,048 MB"
    assert tile("Generation", picture(), History(until=NOW)) == Tile(
        "Generation time", "none", "nothing was measured; limit 3 min"
    )
    assert tile("Generation", picture()) == Tile("Generation time", "…", "earlier ones are being read; limit 3 min")
    of_now = picture(editions=(EditionRun(team="payments", iso_week=LAST_WEEK, seconds=12.0),))
    assert tile("Generation", of_now, past).value == "12 s"


def test_what_could_not_be_read_is_never_shown_as_none() -> None:
    unread = picture(services=None, breakers=None, editions=None)
    titles = ("Errors", "Breakers", "Generation", "API", "Memory")
    assert {tile(title, unread).value for title in titles} == {"?"}


def test_an_edition_that_is_not_there_stands_first_and_is_counted() -> None:
    late = DueEdition(team="search", iso_week=LAST_WEEK, deadline=NOW - timedelta(hours=1))
    soon = DueEdition(team="core", iso_week=LAST_WEEK, deadline=NOW + timedelta(hours=1))
    called_off = DueEdition(team="web", iso_week=LAST_WEEK, deadline=NOW, called_off="paused")
    seen = picture(due=(late, soon, called_off))
    assert tile("Editions", seen)[1:] == ("0 of 2", "1 past the deadline", True)
    week = rendered(seen, None, ANYBODY.sees)["week"]
    assert "search" in week.split("missing")[0]
    assert "web" not in week


async def test_the_editions_that_need_somebody_come_first(house: House) -> None:
    for number in range(LINES + 3):
        await write(house, f"a{number:02}", status="complete")
    await write(house, "z", status="partial")
    page = (await (await house.visitor("root")).get("/")).text
    assert page.index("/teams/z/") < page.index("/teams/a00/")
    assert f"/teams/a{LINES - 1:02}/" not in page
    assert f'<a href="/editions?week={LAST_WEEK}">4 more</a>' in page


async def test_a_page_that_is_up_to_date_is_sent_nothing(house: House) -> None:
    watch = house.site.watch
    page = rendered(await watch.now(), await watch.history(), ANYBODY.sees)
    known = {name: digest(part) for name, part in page.items()}
    assert (await anext(changes(watch, ANYBODY, known))).startswith(":")
    stale = known | {"week": "older"}
    sent = await anext(changes(watch, ANYBODY, stale))
    assert sent.startswith("event: week\ndata: ")
    assert sent.endswith("\n\n")


async def test_who_may_see_the_same_is_shown_the_same_made_once(house: House) -> None:
    taken = await house.site.watch.now()
    assert rendered(taken, None, frozenset({"payments"})) is rendered(taken, None, frozenset({"payments"}))
    assert rendered(taken, None, frozenset({"payments"})) is not rendered(taken, None, frozenset({"search"}))


async def test_charts_have_their_limit_their_unit_and_a_table(house: House, url: str) -> None:
    fill(url, teams=2, weeks=12, now=NOW)
    root = await house.visitor("root")
    await root.get("/live/charts")
    page = (await root.get("/")).text
    assert page.count('role="img"') == page.count("The numbers as a table") == 4  # a day has four refreshes
    assert "; limit 180 s." in page
    assert "; limit 5 %." in page
    assert "&#34;unit&#34;: &#34;MB&#34;" in page


async def test_of_too_little_nothing_is_drawn(house: House) -> None:
    charts = (await (await house.visitor("root")).get("/live/charts")).text
    assert "data-chart=" not in charts
    assert charts.count("Not enough data yet") == 4


async def test_nobody_waits_for_charts_which_come_after_the_page(house: House, url: str) -> None:
    fill(url, teams=2, weeks=12, now=NOW)
    root = await house.visitor("root")
    first = (await root.get("/")).text
    assert house.site.watch.history_at_hand is None
    assert 'hx-get="/live/charts" hx-trigger="load"' in first
    assert ("data-chart=" in first, first.count("The records are being read.")) == (False, 4)
    assert (await root.get("/live/charts")).text.count("data-chart=") == 4
    later = (await root.get("/")).text
    assert ("/live/charts" in later, later.count("data-chart=")) == (False, 4)


async def test_charts_whose_records_are_away_come_by_themselves(house: House) -> None:
    away = Database(NOBODY_THERE)
    house.app.state.site = replace(house.site, watch=replace(house.site.watch, database=away))
    root = await house.visitor("root")
    assert 'hx-trigger="load delay:5s" hx-target="closest .chart-cards"' in (await root.get("/live/charts")).text
    await away.dispose()


OVER = LastEnds(failed_at=NOW - timedelta(minutes=20), succeeded_at=NOW)


def test_an_outage_that_is_over_is_told_as_such_while_the_numbers_still_count_it() -> None:
    outage = picture(services=(ServiceWindow(service="github", attempts=50, failures=40),))
    assert "Something is broken" in rendered(outage, None, ANYBODY.sees)["now"]
    over = rendered(replace(outage, ends={"github": OVER}), None, ANYBODY.sees)
    for words in (
        "All is well again",
        "unhealthy by the numbers of the last hour",
        "has healed: its last failure was 20 min ago.",
        "40 of 50 attempts failed in the last hour; the error rate goes on counting them.",
        "40 of 50 attempts failed, the last 20 min ago; limit 5 %",
    ):
        assert words in over["now"], words
    assert "healed: its last failure was 20 min ago" in over["week"]
    assert "unhealthy</span>" not in over["week"]


def test_what_is_wrong_besides_an_outage_that_is_over_is_said_first() -> None:
    late = DueEdition(team="search", iso_week=LAST_WEEK, deadline=NOW - timedelta(hours=1))
    seen = picture(services=(ServiceWindow(service="github", attempts=50, failures=40),), due=(late,))
    now = rendered(replace(seen, ends={"github": OVER}), None, ANYBODY.sees)["now"]
    assert "Something is not as it should be" in now
    assert now.index("Not delivered by its deadline: search") < now.index("has healed")
    assert "attempts failed</li>" not in now


OUTAGE = (ServiceWindow(service="github", attempts=50, failures=40),)
LATE = (DueEdition(team="search", iso_week=LAST_WEEK, deadline=NOW - timedelta(hours=1)),)
ASKED = (EscalationView(escalation_id="escalation:service:github"),)
TOLD = (
    EscalationView(
        escalation_id="escalation:service:jira",
        record=EscalationRecord(
            policy=POLICY, state=State.FIRING, level="team_lead", opened_at=NOW, since=NOW, due_at=None
        ),
    ),
)
"""Nobody waits for its answer."""


@pytest.mark.parametrize(
    ("known", "escalations", "words"),
    [
        ({}, (), "All is well"),
        ({}, ASKED, "All is well, but people are asked"),
        ({}, (*TOLD, *ASKED), "All is well, but people are asked"),
        ({}, TOLD, "All is well, but people were told of what is still so"),
        ({}, None, "All is well, but nobody can tell whether people are asked"),
        ({"services": OUTAGE}, (), "All is well again"),
        ({"services": OUTAGE}, ASKED, "All is well again, but people are asked"),
        ({"services": OUTAGE}, None, "All is well again, but nobody can tell whether people are asked"),
        ({"editions": None}, (), "Nobody can tell"),
        ({"due": LATE}, (), "Something is not as it should be"),
        ({"due": LATE, "services": OUTAGE}, ASKED, "Something is not as it should be"),
        ({"services": OUTAGE, "breakers": None}, (), "Something is broken"),
        ({"due": tuple(one.model_copy(update={"team": team}) for one in LATE for team in "abc")}, None,
         "It does not work"),
    ],
)  # fmt: skip
def test_the_headline_says_what_is_so_now(
    known: dict[str, Any], escalations: tuple[EscalationView, ...] | None, words: str
) -> None:
    seen = replace(picture(**known), ends={"github": OVER}, escalations=escalations)
    assert headline(seen) == words
    now = rendered(seen, None, ANYBODY.sees)["now"]
    assert f'<h1 id="health">{words}</h1>' in now
    assert ("People are asked</h2>" in now) is bool(seen.asked)
    assert ("People were told</h2>" in now) is (escalations == TOLD)
    assert ("Nobody can tell whether people are asked: their escalations could not be read." in now) is (
        escalations is None
    )


def test_what_could_not_be_read_does_not_come_back_by_itself_where_a_key_is_missing() -> None:
    why = unreadable(KeyMissing("sealed with the key '2026-05', which PAYLOAD_KEYS does not have"))
    now = rendered(replace(picture(), away=(why,)), None, ANYBODY.sees)["now"]
    assert '<p class="notice warn">What Temporal keeps cannot be read here' in now
    assert "this page asks again by itself" in now
    assert "comes back" not in now


def line(team: str, status: str) -> EditionLine:
    return EditionLine(
        team=team, iso_week=LAST_WEEK, revision=1, status=EditionStatus(status), completeness=1, item_count=1,
        gap_count=0, composed_at=NOW,
    )  # fmt: skip


async def test_an_edition_that_went_out_partial_and_was_completed_is_told_so(house: House) -> None:
    await write(house, "payments", status="partial", composed_at=NOW - timedelta(hours=2))
    await write(house, "payments", status="complete", revision=2, composed_at=NOW - timedelta(minutes=12, seconds=5))
    await write(house, "payments", status="complete", revision=3, composed_at=NOW - timedelta(minutes=1))
    await write(house, "search", status="complete", revision=2)
    taken = replace(await house.site.watch.now(), taken_at=NOW)
    assert tile("Editions", taken).value.startswith("2 of ")
    assert tile("Editions", taken).hint.endswith("; 1 went out partial, completed 12 min ago")
    besides = line("core", "partial")
    assert taken.lines is not None
    more = replace(taken, lines=(*taken.lines, besides))
    assert "1 partial; 1 other went out partial, completed 12 min ago" in tile("Editions", more).hint
    week = rendered(taken, None, ANYBODY.sees)["week"]
    assert week.count('<span class="hint">since <time') == 1
    root = await house.visitor("root")
    assert (await root.get("/editions")).text.count("revision 3, partial before") == 1


def test_editions_that_are_no_good_are_counted_by_what_became_of_them() -> None:
    seen = replace(picture(), lines=tuple(map(line, "abcd", ("failed", "partial", "complete", "partial"))))
    assert tile("Editions", seen)[1:] == ("4 of 4", "1 failed, 2 partial", False)
    assert tile("Editions", replace(seen, lines=(line("c", "complete"),))).hint == "all complete"
