"""Errors on record: what a real worker leaves in the table, and what `errors stats` makes of it."""

import json

from devsync.contracts.edition import EditionStatus
from sandbox.faults import Fault, FaultKind
from tests.e2e.stage import Stage


async def test_each_failed_attempt_is_on_record_when_the_worker_has_stopped(stage: Stage) -> None:
    stage.choose_road("rest")
    stage.change_service("github", "retry", maximum="1s")
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.STATUS, service="github", route="ledger/commits", status=503, count=3)
    )
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.RATE_LIMIT, service="jira", route="/search", count=1, retry_after_seconds=1)
    )
    async with stage.worker():
        result = await stage.run()
    assert result.status is EditionStatus.COMPLETE
    rows = stage.rows("SELECT * FROM errors ORDER BY service, attempt")
    github, jira = (
        [row for row in rows if row["service"] == "github"],
        [row for row in rows if row["service"] == "jira"],
    )
    assert [row["attempt"] for row in github] == [1, 2, 3]
    assert {row["fingerprint"] for row in github} == {github[0]["fingerprint"]}
    assert {(row["team"], row["workflow_id"], row["run_id"]) for row in rows} == {
        (stage.team, result.workflow_id, result.run_id)
    }
    assert [(row["category"], row["severity"], row["code"]) for row in jira] == [("rate_limiting", "low", "429")]

    code, output, _ = await stage.starter("errors", "stats", "--window", "1h", "--json")
    assert code == 0
    told = json.loads(output)
    assert (told["total"], told["by_service"]) == (4, {"github": 3, "jira": 1})
    assert told["by_category"] == {"external_service": 3, "rate_limiting": 1}
    first = told["fingerprints"][0]
    assert (first["count"], first["teams"], first["severity"]) == (3, 1, "medium")
    assert first["first_seen"] < first["last_seen"]

    code, output, _ = await stage.starter("errors", "stats")
    assert code == 0
    assert "4 errors in the last 24h" in output
    assert first["fingerprint"] in output


async def test_a_quiet_day_has_no_errors(stage: Stage) -> None:
    assert await stage.starter("errors", "stats") == (0, "no errors on record in the last 24h\n", "")
