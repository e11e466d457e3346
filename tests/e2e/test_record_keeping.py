"""The schedule `records`: heads noted in Temporal, old rows removed, and an audit that is held against both."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
import yaml
from temporalio.service import RPCError

from commands.apply import apply_configuration
from devsync.contracts import names
from devsync.contracts.records import RecordsKept
from devsync.runtime.record_schedule import apply_records
from devsync.runtime.schedules import Change
from devsync.settings.configuration import load_configuration
from devsync.settings.records import RecordSettings
from tests.e2e.stage import Stage, eventually
from tests.storage.tampering import tamper

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def kept_stage(stage: Stage) -> AsyncIterator[Stage]:
    """All tests share one server: the schedule is this test's while it runs."""
    schedule = stage.client.get_schedule_handle(names.RECORDS_ID)
    with suppress(RPCError):  # there is none, unless another test has applied its configuration
        await schedule.delete()
    yield stage
    await schedule.delete()


async def fire(stage: Stage) -> RecordsKept:
    """What one firing of the schedule has noted of this stage's database."""
    handle = stage.client.get_schedule_handle(names.RECORDS_ID)
    before = len((await handle.describe()).info.recent_actions)
    await handle.trigger()

    async def has_fired() -> bool:
        return len((await handle.describe()).info.recent_actions) > before

    await eventually(has_fired)
    action = (await handle.describe()).info.recent_actions[-1].action
    run = stage.client.get_workflow_handle(action.workflow_id, result_type=RecordsKept)  # type: ignore[attr-defined]
    kept: RecordsKept = await run.result()
    return kept


async def test_records_are_kept_by_a_schedule_and_the_audit_is_held_against_what_it_noted(kept_stage: Stage) -> None:
    stage = kept_stage
    path = stage.directory / "config" / "records.yaml"
    applied = await apply_configuration(stage.client, load_configuration(path.parent))
    assert applied.records is Change.CREATED
    assert (await apply_records(stage.client, RecordSettings())) is Change.UNCHANGED
    often = RecordSettings(anchor_every=timedelta(minutes=30))
    assert (await apply_records(stage.client, often)) is Change.UPDATED

    async with stage.worker():
        await stage.run()
        tamper(
            stage.environment["DATABASE_URL"],
            "INSERT INTO switched_off_addresses VALUES ('x', 'y', now())",
            "INSERT INTO recoveries SELECT 'w', 'r', 'old-team', '2020-W01', 'p', 's', 'collect', 'healed', 0, '{}',"
            " '', '', '', '', '2020-01-01', '2020-01-01'",
            "INSERT INTO recoveries SELECT 'w', 'r2', 'held-team', '2020-W01', 'p', 's', 'collect', 'healed', 0, '{}',"
            " '', '', '', '', '2020-01-01', '2020-01-01'",
        )
        of_team = path.parent / "teams" / f"{stage.team}.yaml"
        of_team.with_name("held-team.yaml").write_text(of_team.read_text().replace(stage.team, "held-team", 1))
        path.write_text(yaml.safe_dump({"legal_holds": [{"team": "held-team", "reason": "case 4711"}]}))
        code, output, _ = await stage.starter("records", "due", "--json")
        due = {(one["table"], one["team"]): one["is_held"] for one in json.loads(output)["due"]}
        assert (code, due) == (0, {("recoveries", "old-team"): False, ("recoveries", "held-team"): True})
        code, output, _ = await stage.starter("records", "due")
        assert (code, output.splitlines()[0]) == (0, "held: held-team: case 4711")

        kept = await fire(stage)

    assert (kept.removed, kept.held) == ({"recoveries": 1}, ("held-team",))
    assert [row["team"] for row in stage.rows("SELECT team FROM recoveries")] == ["held-team"]
    assert kept.heads[stage.team].number == len(stage.rows(f"SELECT * FROM audit WHERE team = '{stage.team}'"))

    code, output, _ = await stage.starter("audit", "verify", "--team", stage.team)
    anchor = f"  held against 1 anchor, the newest of entry {kept.heads[stage.team].number}"
    assert (code, anchor in output, "could not see" in output) == (0, True, False)

    # Whoever owns the database removes the newest entry and every trace of it there.
    newest = f"SELECT number, hash FROM audit WHERE team = '{stage.team}' ORDER BY number DESC LIMIT 1"
    tamper(
        stage.environment["DATABASE_URL"],
        f"DELETE FROM audit WHERE team = '{stage.team}' AND number = {kept.heads[stage.team].number}",
        f"UPDATE audit_heads SET (number, hash) = ({newest}) WHERE team = '{stage.team}'",
        "DELETE FROM audit_anchors",
    )
    code, output, told = await stage.starter("audit", "verify", "--team", stage.team, "--json")
    document = json.loads(output)
    assert (code, document["ok"], document["temporal_asked"]) == (1, False, True), told
    ((finding,),) = [one["findings"] for one in document["teams"]]
    assert (finding["damage"], finding["number"]) == ("removed", kept.heads[stage.team].number)

    code, output, told = await stage.starter("audit", "verify", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert (code, "could not see the heads that Temporal has noted" in told) == (0, True)
