"""The pages of recoveries: the list with its filters, the statistics, one with its steps; and who sees none of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from dashboard.pages.recoveries import LINES, plan_lines
from devsync.contracts.recovery import RecordRecovery
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.storage.recoveries import PlanStatistics, Recoveries
from tests.dashboard.conftest import House
from tests.storage.test_recoveries import CACHED, FAILED_RETRY, GONE, RETRY, SKIPPED, record

NOW = datetime.now(UTC).replace(microsecond=0)
ONE = "/recoveries/recovery%3Apayments%3A2026-W47%3Agithub.collect%3A1/run-1"


def lately(one: RecordRecovery, seconds: float = 0) -> RecordRecovery:
    took = one.ended_at - one.started_at
    end = NOW - timedelta(hours=1) + timedelta(seconds=seconds)
    return one.model_copy(update={"started_at": end - took, "ended_at": end})


async def write(house: House, *told: RecordRecovery) -> None:
    for number, one in enumerate(told):
        await Recoveries(house.site.database).write(lately(one, number))


async def test_the_list_shows_what_healed_and_leads_to_the_steps(house: House) -> None:
    decided: dict[str, Any] = {"decision": Decision.USE_FALLBACK, "decided_by": "anna", "note": "GitHub is down"}
    await write(house, record(1, RecoveryOutcome.PARTIAL, FAILED_RETRY, SKIPPED, CACHED, missing=(GONE,), **decided))
    anna = await house.visitor("anna")
    shown = (await anna.get("/recoveries")).text
    assert ONE in shown
    assert "cached healed 1" in shown
    assert "retry failed" in shown
    assert 'href="/teams/payments/runs/2026-W47"' in shown
    one = (await anna.get(ONE)).text
    for words in (
        "Use fallback, decided by anna",
        "GitHub is down",
        "github:acme/web",
        "no answer",
        "skipped",
        "local.cached",
    ):
        assert words in one, words


async def test_each_sees_those_of_their_teams_and_nobody_elses_numbers(house: House) -> None:
    await write(house, record(1, RecoveryOutcome.HEALED, RETRY))
    ben, root = await house.visitor("ben"), await house.visitor("root")
    for path in ("/recoveries", "/recoveries?team=payments", "/recoveries?step=retry"):
        shown = (await ben.get(path)).text
        assert "github-collection" not in shown, path
        assert "/recoveries/recovery" not in shown, path
        assert "github-collection" in (await root.get(path)).text, path
    assert (await ben.get(ONE)).status_code == 404
    assert (await root.get(ONE)).status_code == 200


async def test_what_a_program_asked_for_without_a_team_is_for_those_who_see_every_team(house: House) -> None:
    one = record(1, RecoveryOutcome.HEALED, RETRY, workflow_id="recovery:program:bot/a:77", phase="program")
    await write(house, one.model_copy(update={"team": "", "iso_week": ""}))
    path = f"/recoveries/{quote('recovery:program:bot/a:77')}/run-1"
    assert (await (await house.visitor("anna")).get(path)).status_code == 404
    assert (await (await house.visitor("root")).get(path)).status_code == 200


async def test_filters_stand_in_the_address_and_what_matches_nothing_says_so(house: House) -> None:
    await write(house, record(1, RecoveryOutcome.HEALED, RETRY), record(2, RecoveryOutcome.FAILED, FAILED_RETRY))
    anna = await house.visitor("anna")
    for query, expected in (
        ("outcome=healed", ["run-1"]),
        ("step=retry", ["run-1", "run-2"]),
        ("service=jira", []),
        ("week=2026-W46", []),
        ("team=payments&outcome=failed", ["run-2"]),
    ):
        shown = (await anna.get(f"/recoveries?{query}")).text
        assert [run for run in ("run-1", "run-2") if f"/{run}" in shown] == expected, query
        assert ("No recovery matches" in shown) == (not expected), query
    assert (await anna.get("/recoveries?outcome=great")).status_code == 422
    assert (await anna.get("/recoveries?after=nonsense")).status_code == 200


async def test_a_long_list_has_pages_without_a_gap(house: House) -> None:
    await write(house, *(record(number, RecoveryOutcome.HEALED) for number in range(LINES + 5)))
    anna = await house.visitor("anna")
    first = (await anna.get("/recoveries?team=payments")).text
    (more,) = [line.split('"')[3] for line in first.splitlines() if "Earlier ones" in line]
    second = (await anna.get(more.replace("&amp;", "&"))).text
    shown = [number for number in range(LINES + 5) for text in (first, second) if f'/run-{number}"' in text]
    assert shown == list(range(LINES + 5))


def test_a_plan_succeeds_where_nothing_is_missing_and_heals_where_all_is_live() -> None:
    ends = {RecoveryOutcome.HEALED: (3, 4.0), RecoveryOutcome.STAND_IN: (1, 99.0), RecoveryOutcome.FAILED: (1, 9.0)}
    told = [
        PlanStatistics(plan="github", outcome=outcome, count=count, median_seconds=seconds)
        for outcome, (count, seconds) in ends.items()
    ]
    never = PlanStatistics(plan="slack", outcome=RecoveryOutcome.FAILED, count=2, median_seconds=1)
    github, slack = plan_lines([*told, never])
    assert (github.count, github.healed, github.stood_in, github.share, github.median_to_heal) == (5, 3, 1, 0.8, 4.0)
    assert (slack.share, slack.median_to_heal) == (0.0, None)
