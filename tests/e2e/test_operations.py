"""Measured operations: what a real worker leaves in the table, and what the commands make of it."""

import json
from collections import Counter

from devsync.contracts.edition import EditionStatus
from sandbox.faults import Fault, FaultKind
from tests.e2e.stage import Stage


async def test_an_edition_leaves_its_phases_its_attempts_and_each_api_call(stage: Stage) -> None:
    stage.choose_road("rest")
    stage.change_service("github", "retry", maximum="1s")
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.STATUS, service="github", route="ledger/commits", status=503, count=2)
    )
    async with stage.worker():
        result = await stage.run()
    assert result.status is EditionStatus.COMPLETE
    rows = stage.rows("SELECT * FROM operations ORDER BY ended_at")
    assert {row["team"] for row in rows if stage.team in row["workflow_id"]} == {stage.team}

    asked = Counter((record.service, (record.status or 500) < 400) for record in stage.sandbox.log.select())
    calls = Counter((row["service"], row["succeeded"]) for row in rows if row["kind"] == "call")
    for service in ("github", "jira", "slack"):
        assert [calls[service, ended] for ended in (True, False)] == [asked[service, ended] for ended in (True, False)]

    own = [row for row in rows if row["run_id"] == result.run_id]
    (edition,) = (row for row in own if row["kind"] == "edition")
    assert (edition["seconds"], edition["succeeded"]) == (result.seconds["total"], True)
    phases = {row["operation"]: row["seconds"] for row in own if row["kind"] == "phase"}
    assert phases == {name: result.seconds[name] for name in ("plan", "collect", "compose", "deliver")}

    attempts = [row for row in own if row["kind"] == "attempt"]
    assert [row["succeeded"] for row in attempts if not row["succeeded"]] == [False, False]
    assert all(row["peak_memory_mb"] > 50 for row in attempts)
    for row in attempts:
        made = [one for one in own if one["kind"] == "call" and _attempt(one) == _attempt(row)]
        assert (row["api_calls"], row["api_seconds"]) == (len(made), sum(one["seconds"] for one in made))

    code, output, _ = await stage.starter("performance", "stats", "--window", "1h", "--json")
    assert code == 0
    told = json.loads(output)
    assert told["editions"]["editions"] == 1
    before_its_record = [row for row in attempts if row["operation"] != "record_edition"]
    assert told["editions"]["peak_mb_p95"] == max(row["peak_memory_mb"] for row in before_its_record)
    assert [one["about"] for one in told["not_enough"]] == ["time by stage"]
    code, output, _ = await stage.starter("performance", "stats")
    assert code == 0
    assert "1 edition in the last 7d" in output
    assert "github.collect_repository" in output


def _attempt(row: dict[str, object]) -> tuple[object, object]:
    return row["activity_id"], row["attempt"]


async def test_of_a_quiet_week_nothing_is_told_but_that(stage: Stage) -> None:
    assert await stage.starter("performance", "stats") == (0, "nothing was measured in the last 7d\n", "")
