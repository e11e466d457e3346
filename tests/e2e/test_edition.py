"""One edition end to end: what it holds, where it goes, what stays on record."""

import json
from getpass import getuser

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from commands.console import Told
from commands.editions import watch_edition
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionProgress, EditionStatus, Phase
from sandbox.faults import Fault, FaultKind
from tests.e2e.stage import IMPATIENT, Stage, eventually


async def test_a_changed_week_becomes_the_next_revision_in_the_same_messages(stage: Stage) -> None:
    async with stage.worker():
        await stage.run()
        before = [message.ts for message in stage.messages]
        stage.change_team(github={"repositories": stage.sandbox.world.teams[0].repositories})
        second = await stage.run()
    assert second.revision == 2
    assert [message.ts for message in stage.messages] == before
    assert stage.slack.counts.updates >= 1
    skipped = next(
        pull.title
        for repository in stage.sandbox.world.repositories.values()
        for pull in repository.pull_requests
        if "skip-changelog" in pull.labels
    )
    assert skipped.removeprefix("chore: ") in json.dumps([message.blocks for message in stage.messages])


async def test_a_source_that_stays_down_leaves_a_named_gap_and_the_edition_goes_out(stage: Stage) -> None:
    stage.change_service("github", "timeouts", **IMPATIENT)
    stage.change_service("github", "retry", maximum="1s")
    stage.choose_road("rest")
    broken = next(iter(stage.sandbox.world.repositories))
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route=f"/repos/{broken}/"))
    async with stage.worker():
        result = await stage.run()
    assert result.status is EditionStatus.PARTIAL
    assert [gap.unit for gap in result.gaps] == [f"github:{broken}"]
    assert "503" in result.gaps[0].reason
    units = len(stage.sandbox.world.repositories) + len(stage.sandbox.world.projects)
    assert result.completeness == pytest.approx((units - 1) / units)
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert broken in json.dumps([message.blocks for message in stage.messages])


async def test_an_answer_that_trickles_for_too_long_is_asked_for_again(stage: Stage) -> None:
    stage.notice_lost_workers_soon()
    stage.change_service("github", "retry", maximum="1s")
    stage.choose_road("rest")
    # A beat may reach the server late by four fifths of the heartbeat: the SDK sends them no closer.
    slow = f"/repos/{next(iter(stage.sandbox.world.repositories))}/pulls"
    stage.sandbox.faults.add(Fault(kind=FaultKind.SLOW_DRIP, service="github", route=f"^{slow}$", seconds=22, count=1))
    async with stage.worker():
        result = await stage.run()
    assert result.status is EditionStatus.COMPLETE
    assert [record.path for record in stage.sandbox.log.select("github")].count(slow) == 2


async def test_every_source_down_still_gives_an_honest_edition(stage: Stage) -> None:
    for service in ("github", "jira"):
        stage.change_service(service, "timeouts", **IMPATIENT)
        stage.sandbox.pause(service)
    stage.sandbox.pause("feed")  # nothing stands in
    async with stage.worker():
        result = await stage.run()
    assert result.status is EditionStatus.PARTIAL
    assert (result.completeness, result.item_count) == (0.0, 0)
    assert len(stage.messages) >= 1


async def test_at_the_deadline_an_unreachable_channel_is_queued_and_still_gets_the_edition(stage: Stage) -> None:
    stage.change_delivery(delivery_reserve="2s", slack={"retry_schedule": ["1s"] * 30})
    stage.change_team(deliver_by="6s")
    stage.sandbox.pause("slack")
    async with stage.worker():
        result = await stage.run()
        assert [channel.state for channel in result.channels] == [DeliveryState.QUEUED]
        assert stage.messages == []
        stage.sandbox.resume("slack")

        async def is_delivered() -> bool:
            return bool(stage.rows("SELECT 1 FROM deliveries WHERE state = 'delivered'"))

        await eventually(is_delivered)
    assert len(stage.keys) == len(set(stage.keys)) >= 1


async def test_a_person_cancels_and_nothing_is_posted_and_who_it_was_is_on_record(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=6000))
    cancel = ("edition", "cancel", stage.team, "--week", stage.week, "--reason", "wrong week")
    async with stage.worker():
        handle = await stage.start()
        await stage.until_phase(handle, Phase.COLLECTING)
        code, output, _ = await stage.starter(*cancel)
        assert (code, "wrong week" in output) == (0, True)
        with pytest.raises(Told, match=f"{handle.id} failed: Workflow cancelled"):
            await watch_edition(stage.client, handle, lambda now, views: None)
        with pytest.raises(WorkflowFailureError) as failure:
            await handle.result()
        assert isinstance(failure.value.cause, CancelledError)
        code, _, errors = await stage.starter(*cancel)
        assert (code, "is not under way" in errors) == (2, True)
    assert stage.messages == []
    (run,) = stage.rows("SELECT status, cancelled_because FROM runs")
    assert run["status"] == "cancelled"
    assert run["cancelled_because"] == f"{getuser()}: wrong week"


async def test_an_edition_is_decided_on_and_stopped_though_its_teams_file_is_wrong_or_gone(stage: Stage) -> None:
    file = stage.directory / "config" / "teams" / f"{stage.team}.yaml"
    file.with_name("other.yaml").write_text(file.read_text().replace(stage.team, "other", 1))
    stage.change_team(approval={"required": True, "reviewers": ["#payments-leads"]})
    async with stage.worker():
        rejected, right = await stage.start(), file.read_text()
        await stage.until_phase(rejected, Phase.APPROVING)
        file.write_text("team: [")
        code, output, errors = await stage.starter("edition", "reject", stage.team, "--reason", "wrong week")
        assert (code, "rejected" in output) == (0, True), errors
        assert (await rejected.result()).status is EditionStatus.REJECTED
        file.write_text(right)
        cancelled = await stage.start()
        await stage.until_phase(cancelled, Phase.APPROVING)
        file.unlink()
        another = ("edition", "cancel", stage.team, "--reason", "no such team", "--week", "2026-W01")
        code, _, errors = await stage.starter(*another)
        assert (code, "has no file" in errors) == (2, True), "that week is not under way"
        code, _, errors = await stage.starter(*another[:-2])
        assert code == 0, errors
        with pytest.raises(WorkflowFailureError):
            await cancelled.result()
    assert stage.messages == []


async def test_unknown_and_malformed_signals_are_refused_visibly_and_harm_nothing(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=4000))
    async with stage.worker():
        handle = await stage.start()
        await stage.until_phase(handle, Phase.COLLECTING)
        await handle.signal("escalate-everything", {"by": "anna"})
        await handle.signal("delivery_reported")
        await handle.signal("delivery_reported", args=[1, 2])
        await handle.signal("delivery_reported", "nonsense")
        progress = await handle.query("progress", result_type=EditionProgress)
        stage.sandbox.faults.clear()
        result = await handle.result()
    assert [text.split(" at ")[0] for text in progress.refused_messages] == [
        "signal 'escalate-everything'",
        "signal 'delivery_reported'",
        "signal 'delivery_reported'",
        "signal 'delivery_reported': Input should be an object",
    ]
    assert result.status is EditionStatus.COMPLETE
