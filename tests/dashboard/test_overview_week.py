"""The week's editions on the overview: which are there, being made, due or missing, and whom they wait for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.worker import Worker

from dashboard import under_way
from dashboard.pages.overview import LINES, rendered
from dashboard.pages.overview_tiles import Tile
from dashboard.pages.overview_week import asked_words, doing, week_rows
from dashboard.picture import Picture
from dashboard.under_way import ASKED, UnderWay, UnderWayWatch
from dashboard.viewer import ANYBODY
from dashboard.weeks import Weeks
from devsync.contracts import names
from devsync.contracts.edition import EditionProgress, EditionStatus, Phase
from devsync.contracts.escalation import EscalationView, Subscriber, SubscriberEntry, SubscriberState
from devsync.domain.escalation.machine import EscalationRecord, State
from devsync.domain.health.snapshot import DueEdition
from devsync.settings.team import TeamConfig
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.edition_list import EditionLine
from devsync.storage.records import Records
from tests.dashboard.conftest import House
from tests.dashboard.test_overview import LAST_WEEK, NOW, line, picture, tile, write
from tests.storage.test_escalations import POLICY
from tests.storage.test_records import edition

AGO = timedelta(minutes=10)
SOON, PAST = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


def due(team: str, deadline: datetime = SOON) -> DueEdition:
    return DueEdition(team=team, iso_week=LAST_WEEK, deadline=deadline)


def made(team: str, iso_week: str = LAST_WEEK, **known: Any) -> UnderWay:
    return UnderWay(team, iso_week, f"changelog:{team}:{iso_week}", "run", NOW - AGO, **known)


def progress(**known: Any) -> EditionProgress:
    return EditionProgress.model_validate({"phase_since": NOW - AGO / 2} | known)


def escalation(*teams: str, state: SubscriberState = SubscriberState.WAITING, **known: Any) -> EscalationView:
    entries = tuple(
        SubscriberEntry(
            subscriber=Subscriber(workflow_id=f"recovery:{team}", team=team, iso_week=LAST_WEEK, subject="x"),
            state=state,
            joined_at=NOW,
        )
        for team in teams
    )
    return EscalationView(escalation_id="escalation:service:github", subscribers=entries, **known)


def week(seen: Picture) -> str:
    return rendered(seen, None, ANYBODY.sees)["week"]


def row(seen: Picture, team: str) -> str:
    """As one line."""
    found = next(part for part in week(seen).split("<tr>") if f">{team}</a>" in part)
    return " ".join(found.split())


def test_one_that_is_being_made_is_told_apart_from_one_that_is_due_and_one_that_is_missing() -> None:
    known = (due("core"), due("payments"), due("search", PAST), due("web", PAST))
    seen = replace(picture(due=known), under_way=(made("payments"), made("web")))
    words = {one.team: one.word for one in week_rows(seen)}
    assert words == {"search": "missing", "web": "being made", "core": "due", "payments": "being made"}
    assert list(words) == ["search", "web", "core", "payments"], "what needs somebody first"
    assert "due</span>" in row(seen, "core")
    assert "at the latest" in row(seen, "core")
    assert "/teams/core/schedule" in row(seen, "core")
    assert f"/teams/payments/runs/{LAST_WEEK}" in row(seen, "payments")
    assert "should have been there by" not in row(seen, "payments")
    for team in ("search", "web"):
        assert "should have been there by" in row(seen, team), team
    assert tile("Editions", seen)[1:] == ("0 of 4", "2 past the deadline; 2 being made", True)


def test_it_says_how_far_it_is_and_since_when() -> None:
    collecting = progress(phase="collect", units_total=5, units_done=["a", "b"], item_count=12)
    seen = replace(picture(), under_way=(made("payments", progress=collecting), made("search")))
    told = row(seen, "payments")
    assert "asks the sources, 2 of 5 answered since" in told
    assert f'datetime="{(NOW - AGO / 2).isoformat()}"' in told
    assert ">12</td>" in told
    assert f'datetime="{(NOW - AGO).isoformat()}"' in row(seen, "search"), "of one that has not answered, its start"


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_its_words(phase: Phase) -> None:
    assert doing(progress(phase=phase))


def test_a_recovery_that_runs_is_what_it_does() -> None:
    services = (("github", "running"), ("jira", "running"), ("slack", "healed"))
    recoveries = [
        {"workflow_id": f"recovery:{one}", "service": one, "phase": "collect", "outcome": outcome}
        for one, outcome in services
    ]
    assert doing(progress(phase="collect", units_total=5, recoveries=recoveries)) == "recovers GitHub and JIRA"


def test_one_that_waits_for_reviewers_stands_before_those_that_are_only_being_made() -> None:
    reviewed = progress(phase="approve", approval={"until": SOON})
    seen = replace(picture(), under_way=(made("core"), made("payments", progress=reviewed)))
    assert [one.team for one in week_rows(seen)] == ["payments", "core"]


def test_whom_it_waits_for_is_told_and_leads_there() -> None:
    reviewed = progress(phase="approve", approval={"until": SOON})
    seen = replace(
        picture(), under_way=(made("payments"), made("search", progress=reviewed), made("web")),
        escalations=(escalation("payments", record=asking(level="team_lead")),),
    )  # fmt: skip
    assert [one.team for one in week_rows(seen)] == ["payments", "search", "web"]
    assert '<a href="/escalations/escalation%3Aservice%3Agithub">team lead is asked</a>' in row(seen, "payments")
    assert f'<a href="/teams/search/editions/{LAST_WEEK}/approval">reviewers are asked</a>' in row(seen, "search")
    assert "waiting" not in row(seen, "web")
    gone_on = replace(seen, escalations=(escalation("payments", state=SubscriberState.FOLLOWING),))
    assert "waiting" not in row(gone_on, "payments")
    reviewers = "1 preview for reviewers; 0 of 1 open escalation"
    assert tile("people", seen) == Tile("Waiting for people", "1", reviewers), "an edition that is shown to them"


def test_an_escalation_that_only_the_edition_knows_of_is_told_once() -> None:
    recovery = {"workflow_id": "recovery:x", "service": "github", "phase": "collect", "choices": ["retry"]}
    waits = progress(phase="collect", recoveries=[recovery | {"escalations": ["escalation:service:github"]}])
    alone = replace(picture(), under_way=(made("payments", progress=waits),))
    assert row(alone, "payments").count("people are asked</a>") == 1
    known = replace(alone, escalations=(escalation("payments", record=asking(holder="anna", state="acknowledged")),))
    assert row(known, "payments").count("escalation%3Aservice%3Agithub") == 1
    assert "anna looks after it</a>" in row(known, "payments")


def asking(**changes: Any) -> EscalationRecord:
    values = {"policy": POLICY, "state": State.FIRING, "level": "team_lead", "opened_at": NOW, "since": NOW}
    return EscalationRecord.model_validate(values | {"due_at": SOON} | changes)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (None, "people are asked"),
        (asking(level="engineering_manager"), "engineering manager is asked"),
        (asking(assigned_to={"kind": "slack", "target": "#oncall"}), "#oncall is asked"),
        (asking(state="acknowledged", holder="anna"), "anna looks after it"),
        (asking(state="snoozed", holder="ben"), "ben has snoozed it"),
    ],
)
def test_who_is_asked_or_has_taken_it(record: EscalationRecord | None, words: str) -> None:
    assert asked_words(record) == words


def test_an_edition_that_is_on_record_is_told_with_what_makes_it_anew_or_adds_to_it() -> None:
    before, after = NOW - 2 * AGO, NOW
    lines = tuple(composed(team, at) for team, at in (("a", before), ("b", before), ("c", after), ("d", before)))
    amendment = replace(made("b"), workflow_id=f"amendment:b:{LAST_WEEK}", is_amendment=True)
    seen = replace(picture(), lines=lines, under_way=(made("a"), amendment, made("c")))
    assert "made again since" in row(seen, "a")
    assert "what is missing is asked for again since" in row(seen, "b")
    assert "run</a>" not in row(seen, "c"), "the run that made it is about to end"
    assert "run</a>" not in row(seen, "d")
    assert tile("Editions", seen)[1:] == ("4 of 4", "4 partial", False)
    both = replace(seen, under_way=(made("b"), amendment))
    assert "made again since" in row(both, "b"), "whichever began first"


def composed(team: str, at: datetime) -> EditionLine:
    return line(team, EditionStatus.PARTIAL).model_copy(update={"composed_at": at})


def test_those_of_other_weeks_are_counted() -> None:
    seen = replace(picture(), under_way=(made("payments", "2020-W01"), made("search", "2020-W02")))
    assert week_rows(seen) == []
    assert '<a href="/editions">2 editions of other weeks</a> are being made' in week(seen)


def test_where_temporal_is_away_nothing_is_said_of_what_is_not_known() -> None:
    seen = replace(picture(due=(due("core"),)), under_way=None)
    assert "Which editions are being made is not known just now." in week(seen)
    assert "due</span>" in row(seen, "core")
    empty = replace(picture(), under_way=None)
    assert f"No edition of {LAST_WEEK} is on record." in week(empty)
    assert f"No edition of {LAST_WEEK} is on record, due or being made." in week(picture())


def test_of_many_the_page_shows_the_first_and_counts_the_rest() -> None:
    seen = replace(picture(), under_way=tuple(made(f"a{number:02}") for number in range(LINES + 2)))
    assert week(seen).count("being made</span>") == LINES
    assert f'<a href="/editions?week={LAST_WEEK}">2 more</a>' in week(seen)


def test_hostile_words_stay_words() -> None:
    hostile = "<script>alert(1)</script>"
    seen = replace(
        picture(), under_way=(made("payments"),),
        escalations=(escalation("payments", record=asking(state="acknowledged", holder=hostile)),),
    )  # fmt: skip
    assert hostile not in week(seen)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; looks after it" in week(seen)


# Of a real server.


@workflow.defn(name=names.WEEKLY_CHANGELOG, sandboxed=False)
class Making:
    """Stays open, and says how far it is as it was told to."""

    @workflow.init
    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told

    @workflow.run
    async def run(self, told: dict[str, Any]) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.query
    def progress(self) -> dict[str, Any]:
        return self._told


async def start(house: House, *ids: str, queue: str = "making") -> AsyncExitStack:
    """Open runs, which end with the stack."""
    stack = AsyncExitStack()
    told = {"phase": "deliver", "phase_since": NOW.isoformat()}
    for one in ids:
        run = await house.site.temporal.start_workflow(names.WEEKLY_CHANGELOG, told, id=one, task_queue=queue)
        stack.push_async_callback(run.terminate)
    return stack


async def listed(watch: UnderWayWatch, *ids: str) -> dict[str, UnderWay]:
    """Once the server's list has them all."""
    async with asyncio.timeout(20):
        while True:
            found = {one.workflow_id: one for one in await watch.now(Weeks(LAST_WEEK))}
            if found.keys() >= set(ids):
                return found
            await asyncio.sleep(0.1)


async def test_each_sees_what_is_made_for_their_teams_and_how_far_it_is(house: House) -> None:
    ids = [names.edition_id(team, LAST_WEEK) for team in ("payments", "search")]
    async with (
        Worker(house.site.temporal, task_queue="making", workflows=[Making]),
        await start(house, *ids, names.preview_id("payments", LAST_WEEK)),
    ):
        visitors = {name: await house.visitor(name) for name in ("anna", "ben", "root")}
        async with asyncio.timeout(20):  # an answer that is late is told by the next picture
            while (await visitors["root"].get("/")).text.count("goes out to the channels") < 2:
                await asyncio.sleep(0.1)
        shown = {name: (await visitor.get("/")).text for name, visitor in visitors.items()}
    assert {name: text.count("goes out to the channels") for name, text in shown.items()} == {
        "anna": 1, "ben": 1, "root": 2,
    }  # fmt: skip
    assert "/teams/search/" not in shown["anna"]


async def test_a_run_that_no_worker_has_begun_is_told_and_holds_nobody_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_way, "_ANSWER_TIMEOUT", timedelta(seconds=30))
    (one,) = ids = [names.edition_id("payments", LAST_WEEK)]
    watch = UnderWayWatch(house.site.temporal)
    async with await start(house, *ids, queue="nobody"):
        async with asyncio.timeout(10):
            found = (await listed(watch, one))[one]
    assert (found.team, found.progress) == ("payments", None)


async def test_only_a_few_are_asked_however_many_are_being_made(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def ask(_: UnderWayWatch, run: tuple[str, str]) -> EditionProgress:
        asked.append(run[0])
        return EditionProgress()

    monkeypatch.setattr(UnderWayWatch, "_ask", ask)
    of_week = [names.edition_id(f"team{number}", LAST_WEEK) for number in range(ASKED + 2)]
    elsewhen = names.edition_id("payments", "2020-W01")
    async with await start(house, elsewhen, *of_week, queue="nobody"):
        watch = UnderWayWatch(house.site.temporal)
        found = await listed(watch, elsewhen, *of_week)
    assert list(found) == [elsewhen, *of_week], "the oldest first"
    assert set(asked) == set(of_week[:ASKED])


async def test_a_run_that_ends_while_the_picture_is_taken_is_on_record_in_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def end(_: UnderWayWatch, __: Weeks) -> tuple[UnderWay, ...]:
        await asyncio.sleep(0.3)
        await write(house, "payments")
        return ()

    monkeypatch.setattr(UnderWayWatch, "now", end)
    assert [one.word for one in week_rows(await house.site.watch.now())] == ["partial"]


TURN = datetime(2026, 11, 29, 21, 30, tzinfo=UTC)
"""Sunday in Berlin and New York, Monday morning in Auckland: 2026-W48 has ended there alone."""
OURS, THEIRS = "2026-W47", "2026-W48"


def named(house: House, **zones: str) -> dict[str, TeamConfig]:
    """Teams in these time zones, else as the shipped one."""
    known = house.site.configuration.read_last.teams["payments"]
    return {team: known.model_copy(update={"team": team, "timezone": zone}) for team, zone in zones.items()}


async def test_each_team_has_its_own_week_at_the_turn_of_the_week(house: House) -> None:
    teams = named(house, kea="Pacific/Auckland", payments="Europe/Berlin", search="America/New_York")
    weeks = Weeks.at(TURN, teams)
    assert {team: weeks.of(team) for team in [*teams, "unknown"]} == {
        "kea": THEIRS, "payments": OURS, "search": OURS, "unknown": OURS
    }  # fmt: skip
    assert (weeks.all, weeks.among(["kea"]), weeks.among([])) == ((OURS, THEIRS), (THEIRS,), (OURS,))
    later = Weeks.at(TURN + timedelta(days=1), teams)
    assert later.all == (THEIRS,), "a day later it has come to everybody"


async def test_the_overview_has_the_editions_of_both_weeks_at_the_turn_of_the_week(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = Records(house.site.database, ArtifactStore(house.site.database))
    for team, iso_week in (("kea", THEIRS), ("kea", OURS), ("search", OURS), ("search", THEIRS)):
        await records.write(edition=edition(team=team, iso_week=iso_week, status="complete"))
    teams = named(house, kea="Pacific/Auckland", search="America/New_York")
    monkeypatch.setattr(Weeks, "at", lambda _now, _teams: Weeks(OURS, {"kea": THEIRS, "search": OURS}))
    taken = replace(await house.site.watch.now(), teams=teams)
    assert [(one.team, one.iso_week) for one in taken.lines or ()] == [("kea", THEIRS), ("search", OURS)]
    assert f"Editions of {OURS} and {THEIRS}</h2>" in week(taken)
    assert f"/teams/kea/editions/{THEIRS}" in row(taken, "kea")
    assert f'<span class="hint">{THEIRS}</span>' in row(taken, "kea")
    assert tile("Editions", taken).title == f"Editions of {OURS} and {THEIRS}"
    alone = replace(taken, lines=(taken.lines or ())[:1])
    assert f"Editions of {THEIRS}</h2>" in week(alone)
    assert f'<span class="hint">{THEIRS}</span>' not in row(alone, "kea"), "the heading says it"


def test_what_is_due_or_being_made_is_that_of_the_team_s_own_week() -> None:
    weeks = Weeks(OURS, {"kea": THEIRS})
    known = (
        DueEdition(team="kea", iso_week=THEIRS, deadline=SOON),
        DueEdition(team="kiwi", iso_week=THEIRS, deadline=SOON),
    )
    seen = replace(picture(due=known), weeks=weeks, under_way=(made("kea", OURS), made("search", OURS)))
    assert {one.team: (one.iso_week, one.word) for one in week_rows(seen)} == {
        "kea": (THEIRS, "due"), "search": (OURS, "being made")
    }  # fmt: skip
    assert seen.made_elsewhen == 1, "the kea's of the week before"
