"""Insight: what the commands say, to whom it is said, and nothing where there is too little to say it from."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from bench.year import fill
from devsync.contracts.operations import OperationKind
from devsync.domain.insight.ahead import look_ahead
from devsync.domain.insight.span import last
from devsync.runtime.health import ADVISED_OVER, advice_on_record
from devsync.storage.operations import Operations
from devsync.storage.past import past
from tests.dashboard.conftest import PEOPLE, House
from tests.storage.test_operations import operation


async def filled(house: House, url: str) -> None:
    """Teams `team001` to `team003`."""
    fill(url, teams=3, weeks=13, now=datetime.now(UTC))


async def test_it_says_what_the_commands_say(house: House, url: str) -> None:
    await filled(house, url)
    shown = (await (await house.visitor("root")).get("/insight?days=7")).text
    configuration, now = await house.site.configuration.now(), datetime.now(UTC)
    advice = await advice_on_record(house.site.database, configuration, last(ADVISED_OVER, now))
    known = await past(house.site.database, last(timedelta(days=84), now), limits=configuration.monitoring.limits)
    ahead = look_ahead(known.errors, known.metrics, 7)
    assert advice.recommendations
    assert len(ahead.forecasts) > 1
    assert len(ahead.capacity) == 3
    for one in advice.recommendations:
        assert f"<code>{one.change.path}: " in shown
        assert f'aria-label="proposed {one.change.proposed}"' in shown
    for forecast in ahead.forecasts:
        assert forecast.back_test.mase is not None
        assert f">{forecast.about}<" in shown
        assert f">{forecast.back_test.mase:.2f}<" in shown
    for row in ahead.capacity:
        assert str(row.reached_on or "not within two years") in shown


async def test_a_chart_of_what_is_to_come_has_its_interval_and_its_limit(house: House, url: str) -> None:
    await filled(house, url)
    shown = (await (await house.visitor("root")).get("/insight")).text
    (chart,) = [part for part in shown.split("data-chart=") if "expected" in part.split(">")[0]]
    for look in ("bars", "line", "low", "high", "limit"):
        assert f"&#34;look&#34;: &#34;{look}&#34;" in chart.split(">")[0]
    assert "MASE" in shown


async def test_of_too_few_events_nothing_is_said(house: House) -> None:
    shown = (await (await house.visitor("root")).get("/insight")).text
    assert "Nothing asks for a change" in shown
    assert "Forecast of errors: not enough data, 0 days where 49 are needed" in shown
    assert "MASE" not in shown
    assert "data-chart=" not in shown


async def test_each_is_told_of_their_own_team_alone(house: House, url: str) -> None:
    await filled(house, url)
    house.allow([person | {"teams": ["team002"]} if person["name"] == "ben" else person for person in PEOPLE])
    ben = await house.visitor("ben")
    shown = (await ben.get("/insight")).text
    assert ("team002" in shown, "team001" in shown, "all together" in shown.split("</form>")[0]) == (True, False, False)
    assert "Settings are those of all teams" in shown
    assert "13 editions" not in shown
    assert "1 edition; 19 of 20" in shown
    refused = await ben.get("/insight?team=team001")
    assert (refused.status_code, "there is no team" in refused.text) == (404, True)


async def test_calls_are_told_as_everywhere(house: House) -> None:
    at = {"ended_at": datetime.now(UTC) - timedelta(hours=1), "number": 1}
    call, refusal = {"kind": OperationKind.CALL}, {"kind": OperationKind.REFUSAL, "succeeded": False}
    await Operations(house.site.database).write(
        [operation(1, **at, **call), operation(2, **at, succeeded=False, **call), operation(3, **at, **refusal)]
    )
    shown = (await (await house.visitor("root")).get("/insight")).text
    row = next(line for line in shown.splitlines() if "github.collect_repository" in line)
    assert re.findall(r'<td class="number">(?:<strong>)?(\d+)<', row)[:4] == ["2", "1", "1", "1"]
    assert '<th scope="col" class="number">Asked</th><th scope="col" class="number">Answered</th>' in shown


async def test_how_far_it_looks_ahead_is_bounded(house: House) -> None:
    root = await house.visitor("root")
    assert (await root.get("/insight?days=92")).status_code == 422
    assert (await root.get("/insight?days=6")).status_code == 422
