"""The monitor in the real stack: what fails is told in Slack, once, whatever dies; and health needs no worker."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from temporalio.service import RPCError

from commands.apply import apply_monitor
from devsync.contracts import names
from devsync.contracts.breaker import Decision, ModeDecision
from devsync.runtime.breaker.operations import BreakerOperations
from devsync.runtime.monitor import Started
from devsync.settings.configuration import load_configuration
from sandbox.faults import Fault, FaultKind
from sandbox.slack.workspace import Message
from tests.e2e.refusing import FULL, READ_ONLY, Refusal, run_on
from tests.e2e.stage import IMPATIENT, Stage, eventually

pytestmark = pytest.mark.timeout(240)

CHANNEL = "changelog-alerts"
HASTY = {"monitoring_interval_seconds": 5, "alert_channels": [f"#{CHANNEL}"], "alerts": {"resolve_after": "0s"}}


@pytest.fixture
async def watched(stage: Stage) -> Stage:
    """All tests share one server: the monitor is this test's while it runs."""
    with suppress(RPCError):  # none runs, unless another test has applied its configuration
        await stage.client.get_workflow_handle(names.MONITOR_ID).terminate("its test is over")
    configure(stage)
    return stage


def configure(stage: Stage, **changes: object) -> None:
    path = stage.directory / "config" / "monitoring.yaml"
    path.write_text(yaml.safe_dump({"changelog_monitoring": HASTY | changes}))


async def apply(stage: Stage) -> Started:
    return await apply_monitor(stage.client, load_configuration(stage.directory / "config"))


def alerts(stage: Stage) -> list[Message]:
    """What stands in the channel, notes aside."""
    return [one for one in stage.slack.channel_named(CHANNEL).messages.values() if not one.is_reply]


async def until_told(stage: Stage, *words: str) -> Message:
    """The message that has all of them."""
    found: list[Message] = []

    async def is_told() -> bool:
        found[:] = [one for one in alerts(stage) if all(word in one.text for word in words)]
        return bool(found)

    try:
        await eventually(is_told)
    except TimeoutError:
        raise AssertionError(f"no {words} in {[one.text for one in alerts(stage)]}") from None
    return found[0]


async def test_a_service_that_fails_is_told_once_over_a_killed_worker_and_taken_by_somebody(watched: Stage) -> None:
    stage = watched
    stage.change_service("jira", "timeouts", **IMPATIENT)
    stage.change_service("jira", "retry", initial="100ms", maximum="200ms")
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", status=503))
    assert (await apply(stage), await apply(stage)) == (Started.CREATED, Started.RUNNING)
    async with stage.worker("first") as worker:
        await stage.run()
        told = await until_told(stage, "Alert (high): JIRA:", "attempts failed, more than 5 %")
        assert "python starter.py errors stats" in json.dumps(told.blocks)
        before = [one.ts for one in alerts(stage)]
        assert before == [told.ts], "one cause is one alert: the health of the whole is what it says"
        await worker.kill()

    code, output, _ = await stage.starter("health", "--json")
    health = json.loads(output)
    assert (code, health["band"]) == (11, "unhealthy"), "it needs no worker"
    (jira,) = [one for one in health["services"] if one["service"] == "jira"]
    assert (jira["band"], jira["failures"] > 3) == ("unhealthy", True)
    assert health["machine"]["database_mb"] > 1
    code, _, errors = await stage.starter("alerts", "list")
    assert code == 1
    assert "no worker" in errors

    async with stage.worker("second"):
        rows = len(stage.rows("SELECT 1 FROM health_checks"))

        async def has_looked() -> bool:
            return len(stage.rows("SELECT 1 FROM health_checks")) > rows + 1

        await eventually(has_looked)
        assert [one.ts for one in alerts(stage)] == before
        code, output, errors = await stage.starter("alerts", "list")
        assert code == 0, errors
        assert "error_rate:jira" in output
        code, output, errors = await stage.starter("alerts", "ack", "error_rate:jira")
        assert code == 0, errors
        await until_told(stage, "Acknowledged by", "JIRA:")
        code, _, errors = await stage.starter("alerts", "ack", "error_rate:nothing")
        assert (code, "there is no alert 'error_rate:nothing'" in errors) == (2, True)
        code, output, errors = await stage.starter("alerts", "mute", "*", "--for", "2h", "--reason", "moving")
        assert code == 0, errors
        code, output, _ = await stage.starter("alerts", "list", "--json")
        document = json.loads(output)
        assert [(mute["pattern"], mute["reason"]) for mute in document["mutes"]] == [("*", "moving")]
        assert {alert["state"] for alert in document["alerts"] if alert["key"] == "error_rate:jira"} == {"acknowledged"}

        async def is_recorded() -> bool:
            return bool(stage.rows("SELECT 1 FROM audit WHERE action = 'muted'"))

        await eventually(is_recorded)

    assert [one.ts for one in alerts(stage)] == before
    code, output, _ = await stage.starter("alerts", "list", "--window", "1h", "--json")
    (kept,) = [alert for alert in json.loads(output)["alerts"] if alert["key"] == "error_rate:jira"]
    assert (kept["state"], kept["times_told"]) == ("acknowledged", 1)
    actions = stage.rows("SELECT action FROM audit WHERE what = 'alert:error_rate:jira' ORDER BY number")
    assert [row["action"] for row in actions] == ["firing", "acknowledged"]
    code, output, errors = await stage.starter("audit", "verify")
    assert code == 0, output + errors


async def test_an_open_breaker_is_critical_and_over_when_it_is_closed(watched: Stage) -> None:
    stage = watched
    await apply(stage)
    breakers = BreakerOperations(stage.client)
    async with stage.worker():
        until = datetime.now(UTC) + timedelta(minutes=10)
        await breakers.decide("github", "force_open", ModeDecision(by="anna", reason="maintenance", until=until))
        told = await until_told(stage, "Alert (critical): GitHub: its breaker is forced open")
        code, output, _ = await stage.starter("health")
        assert code == 10
        assert "github is unhealthy: its breaker is forced open: maintenance" in output
        await breakers.decide("github", "reset", Decision(by="anna", reason="over"))
        over = await until_told(stage, "Resolved: GitHub: its breaker is forced open")
        assert over.ts == told.ts, "changed in place"

        async def is_noted() -> bool:
            notes = [one.text for one in stage.slack.channel_named(CHANNEL).replies(told.ts)]
            return any(note.startswith("Resolved: GitHub") for note in notes)

        await eventually(is_noted)


async def test_a_database_that_is_away_is_told_and_health_cannot_tell(watched: Stage) -> None:
    stage = watched
    await apply(stage)
    async with stage.worker():
        await stage.servers.postgres.stop()
        try:
            await until_told(stage, "Alert (high): the monitor cannot see: PostgreSQL at")
            code, output, _ = await stage.starter("health", "--json")
            assert (code, json.loads(output)["band"]) == (13, "unknown")
        finally:
            await stage.servers.postgres.start()
        await until_told(stage, "Resolved: the monitor cannot see: PostgreSQL at")

        async def is_recorded() -> bool:
            return bool(stage.rows("SELECT 1 FROM alerts WHERE key = 'blind:database' AND state = 'resolved'"))

        await eventually(is_recorded)


@pytest.mark.parametrize("refusal", [READ_ONLY, FULL], ids=["read-only", "full"])
async def test_a_database_that_takes_nothing_is_told_in_its_words(watched: Stage, refusal: Refusal) -> None:
    stage = watched
    await apply(stage)
    async with stage.worker():
        run_on(stage, refusal.begin)
        told = await until_told(stage, "Alert (high): nothing is written down: PostgreSQL at", refusal.words)
        _, output, _ = await stage.starter("doctor")
        assert ("is read-only: nothing can be written down" in output) == (refusal is READ_ONLY)
        run_on(stage, refusal.end)
        over = await until_told(stage, "Resolved: nothing is written down")

        async def is_recorded() -> bool:
            return bool(stage.rows("SELECT 1 FROM alerts WHERE key = 'blind:database' AND state = 'resolved'"))

        await eventually(is_recorded)
    assert over.ts == told.ts
    assert [one.ts for one in alerts(stage) if "is written down" in one.text] == [told.ts], "once"


async def test_a_file_that_is_wrong_is_noted_and_the_last_good_one_holds(watched: Stage) -> None:
    stage = watched
    await apply(stage)
    async with stage.worker():

        async def has_looked() -> bool:
            return bool(stage.rows("SELECT 1 FROM health_checks"))

        await eventually(has_looked)
        (stage.directory / "config" / "monitoring.yaml").write_text("changelog_monitoring: {window: 1 year}\n")

        async def is_noted() -> bool:
            _, output, _ = await stage.starter("alerts", "list", "--json")
            return any("monitoring.yaml:1" in note for note in json.loads(output)["notes"])

        await eventually(is_noted)
