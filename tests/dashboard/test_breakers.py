"""Breakers: what each shows, who may decide, each decision, what is refused, and two who decide at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard.pages.breakers import address
from devsync.domain.breaker import BREAKER, Event, Mode, State
from devsync.storage.breakers import BreakerTransitions
from sandbox.postgres import PostgresServer
from sandbox.temporal_server import TemporalServer
from tests.dashboard.conftest import House
from tests.e2e.stage import eventually
from tests.servers import new_database
from tests.storage.test_breakers import CLOSED, NOON, OPEN, story
from tests.workflows.breaker_stage import BreakerStage, breaker_stage

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def breaker(temporal: TemporalServer, postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[BreakerStage]:
    directory = tmp_path / "breaker"
    directory.mkdir()
    async with breaker_stage(temporal, postgres.url(new_database(postgres)), directory) as stage:
        stage.declare(failure_threshold=3, recovery_timeout="1h")
        async with stage.worker():
            await stage.start()
            yield stage


async def until_listed(stage: BreakerStage) -> None:
    async def is_listed() -> bool:
        return stage.service in await stage.operations.standings()

    await eventually(is_listed)


async def test_every_service_has_a_line_also_before_its_first_call(house: House) -> None:
    shown = (await (await house.visitor("cleo")).get("/breakers")).text
    for service in (await house.site.configuration.now()).services.guarded:
        assert f'href="/breakers/{service}"' in shown
    assert "no calls yet" in shown


async def test_an_open_one_shows_why_and_when_it_lets_probes_through(house: House, breaker: BreakerStage) -> None:
    one = breaker.reporter()
    await one.report(failures=3, last_failure="503 from GET /repos/acme/ledger/pulls")
    opened = await breaker.until(lambda snapshot: snapshot.standing.state is State.OPEN)
    await until_listed(breaker)
    anna = await house.visitor("anna")
    shown = (await anna.get("/breakers")).text
    assert "3 failures in 15 min, last: 503 from GET /repos/acme/ledger/pulls" in shown
    detail = (await anna.get(address(breaker.service))).text
    assert "Probes go out from" in detail
    assert opened.standing.retry_at is not None
    assert opened.standing.retry_at.isoformat() in detail
    assert "Last failure: 503" in detail
    assert "<form" not in detail.partition('id="content"')[2], "a breaker guards every team's calls"


@pytest.mark.parametrize(
    ("update", "mode", "state"),
    [
        ("force_open", Mode.FORCED_OPEN, State.OPEN),
        ("force_close", Mode.FORCED_CLOSED, State.CLOSED),
        ("disable", Mode.DISABLED, State.CLOSED),
        ("metrics_only", Mode.METRICS_ONLY, State.CLOSED),
        ("reset", Mode.NORMAL, State.CLOSED),
    ],
)
async def test_a_decision_holds_in_the_persons_name_with_reason_and_end(
    house: House, breaker: BreakerStage, update: str, mode: Mode, state: State
) -> None:
    await until_listed(breaker)
    root, here = await house.visitor("root"), address(breaker.service)
    shown = await root.deed(f"{here}/{update}", here, reason="a migration", length="" if update == "reset" else "1h")
    assert 'role="status"' in shown
    standing = (await breaker.snapshot()).standing
    assert (standing.mode, standing.state, standing.actor, standing.reason) == (mode, state, "root", "a migration")
    if update == "reset":
        assert standing.mode_until is None
    else:
        assert standing.mode_until is not None
        assert timedelta(minutes=59) < standing.mode_until - standing.changed_at <= timedelta(hours=1, seconds=1)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "the reason is empty"),
        ({"reason": "  "}, "the reason is empty"),
        ({"reason": "x" * 501}, "is too long; write 500 characters or less"),
        ({"reason": "x", "length": "soon"}, '"soon" is not a duration'),
        ({"reason": "x", "length": "400d"}, "days away"),
        ({"reason": "x", "generation": "one"}, "is not a whole number; write one"),
    ],
)
async def test_what_makes_no_sense_is_told_and_changes_nothing(
    house: House, breaker: BreakerStage, fields: dict[str, str], why: str
) -> None:
    await until_listed(breaker)
    root, here = await house.visitor("root"), address(breaker.service)
    shown = await root.deed(f"{here}/force_open", here, **fields)
    assert 'role="alert"' in shown
    assert why in shown.replace("&#34;", '"')
    assert (await breaker.snapshot()).standing.mode is Mode.NORMAL


async def test_of_two_who_decide_at_once_the_first_wins_and_the_second_is_told(
    house: House, breaker: BreakerStage
) -> None:
    await until_listed(breaker)
    house.allow(
        [
            {"name": "root", "role": "operate", "teams": ["*"]},
            {"name": "anna", "role": "operate", "teams": ["*"]},
        ]
    )
    here = address(breaker.service)
    generation = str((await breaker.snapshot()).standing.generation)
    root, anna = await house.visitor("root"), await house.visitor("anna")
    shown = await asyncio.gather(
        root.deed(f"{here}/force_open", here, reason="it is broken", generation=generation),
        anna.deed(f"{here}/force_close", here, reason="it is not", generation=generation),
    )
    done = ['role="status"' in text for text in shown]
    assert sorted(done) == [False, True]
    standing = (await breaker.snapshot()).standing
    assert standing.actor == ("root" if done[0] else "anna")
    refused = shown[done.index(False)]
    assert "something else stands there by now" in refused
    assert f"({standing.actor})" in refused


@pytest.mark.parametrize("name", ["anna", "cleo"])
async def test_only_who_operates_every_team_decides(house: House, name: str) -> None:
    visitor = await house.visitor(name)
    for update in ("force_open", "force_close", "disable", "metrics_only", "reset"):
        answer = await visitor.post(f"/breakers/github/{update}", "/breakers/github", reason="x")
        assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/breakers/nothing/reset", "/breakers/github/configure", "/breakers/webhook/reset"])
async def test_there_is_nothing_else_to_decide_about(house: House, path: str) -> None:
    assert (await (await house.visitor("root")).post(path, "/breakers", reason="x")).status_code == 404


async def test_a_breaker_that_nobody_knows_is_no_page(house: House) -> None:
    assert (await (await house.visitor("root")).get("/breakers/nothing")).status_code == 404


async def test_the_history_goes_on_where_the_page_ended_and_loses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.pages.breakers.LINES", 3)
    states = [CLOSED, OPEN] * 4
    await BreakerTransitions(house.site.database).write("github", "entity", 1, story(*states, begin=NOON))
    anna, path = await house.visitor("anna"), "/breakers/github"
    seen: set[str] = set()
    for _ in range(4):
        text = (await anna.get(path)).text
        times = {line.partition('"')[0] for line in text.partition('id="history"')[2].split('datetime="')[1:]}
        assert len(times) <= 3
        seen |= times
        path = text.partition('class="button" href="/breakers/')[2].partition('"')[0].replace("&amp;", "&")
        path = f"/breakers/{path}" if path else ""
        if not path:
            break
    assert len(seen) == len(states) - 1
    assert BREAKER in text


async def test_the_last_thing_on_record_stands_in_where_nobody_answers(house: House) -> None:
    why = "10 failures in 15 min, last: github answered 503"
    opened = story(CLOSED, OPEN)[0].model_copy(update={"reason": why, "event": Event.OPENED})
    await BreakerTransitions(house.site.database).write("github", "entity", 1, [opened])
    shown = (await (await house.visitor("anna")).get("/breakers")).text
    assert "10 failures in 15 min, last: GitHub answered 503" in shown
    assert "by the records" in shown
