"""When the monitor tells nobody: somebody has taken it, it is muted, a file says so."""

import pytest
from temporalio.client import WorkflowUpdateFailedError

from devsync.contracts.monitor import MonitorAnswer
from tests.domain.health.makers import HOUR, due
from tests.workflows.monitor_stage import FAILING, MINUTE, SETTINGS, Stage

pytestmark = pytest.mark.timeout(120)


async def test_who_acknowledges_is_not_reminded_and_the_message_says_so(stage: Stage) -> None:
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(2 * MINUTE)
    await stage.say("acknowledge", {"by": "anna", "alert": "error_rate:github"})
    await stage.wait(3 * HOUR)
    assert [title for title in stage.titles if title.startswith("Acknowledged by anna: github: 10.0 %")]
    assert not [note for note in stage.people.notes() if note.startswith("Still so: github")]
    assert ("error_rate:github", "acknowledged") in stage.world.history


async def test_all_of_a_message_are_acknowledged_at_once_while_one_of_them_fires(stage: Stage) -> None:
    stage.world.is_now(due=tuple(due(f"team{number}") for number in range(6)))
    await stage.start()
    await stage.wait(2 * MINUTE)
    (post,) = stage.people.posts.values()
    assert [(one.label, one.url) for one in post.notice.links] == [("Open in the dashboard", "/alerts")]
    (offer,) = post.notice.offers
    alerts = (await stage.view()).open_ones
    assert {one.told_in for one in alerts} == {offer.answer.run_id}
    said = {"by": "anna", "alerts": [one.id for one in alerts]}
    answer = await stage.handle.execute_update("acknowledge_all", said, result_type=MonitorAnswer)
    assert answer.text == "6 alerts are acknowledged by anna"
    await stage.wait(2 * MINUTE)
    (post,) = stage.people.posts.values()
    assert post.notice.title.startswith("Acknowledged by anna: 6 alerts")
    assert post.notice.offers == ()
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await stage.handle.execute_update("acknowledge_all", said, result_type=MonitorAnswer)
    assert "none of them fires any more" in str(refused.value.cause)


async def test_in_a_maintenance_window_nobody_is_told_until_it_is_over(stage: Stage) -> None:
    await stage.start()
    await stage.say("mute", {"by": "anna", "pattern": "*", "minutes": 60, "reason": "the database moves"})
    stage.world.is_now(**FAILING)
    await stage.wait(50 * MINUTE)
    assert not stage.titles
    view = await stage.view()
    assert [alert.key for alert in view.alerts] == ["error_rate:github"]
    assert "Muted: `\\*`" in await stage.details()
    await stage.wait(15 * MINUTE)
    assert len(stage.titles) == 1
    (entry,) = [one for batch in stage.world.records for one in batch.entries if one.action == "muted"]
    assert (entry.actor, entry.outcome, entry.context["reason"]) == ("anna", "*", "the database moves")


async def test_what_was_wrong_in_a_window_and_is_over_by_its_end_is_never_told(stage: Stage) -> None:
    await stage.start()
    await stage.say("mute", {"by": "anna", "pattern": "*", "minutes": 60})
    stage.world.is_now(**FAILING)
    await stage.wait(20 * MINUTE)
    stage.world.is_now()
    await stage.wait(2 * HOUR)
    assert not stage.titles
    assert ("error_rate:github", "resolved") in stage.world.history


async def test_an_unmuted_alert_is_told_at_the_next_look(stage: Stage) -> None:
    await stage.start()
    await stage.say("mute", {"by": "anna", "pattern": "*:github", "minutes": 600})
    stage.world.is_now(**FAILING)
    await stage.wait(5 * MINUTE)
    assert not any("10.0 %" in title for title in stage.titles if title.startswith("Alert (high)"))
    await stage.say("unmute", {"by": "anna", "pattern": "*:github"})
    await stage.wait(2 * MINUTE)
    assert any(title.startswith("Alert (high): github: 10.0 %") for title in stage.titles)


async def test_without_alerting_alerts_are_kept_and_nobody_is_told(stage: Stage) -> None:
    silent = SETTINGS.policy.model_copy(update={"is_silent": True})
    stage.world.settings = SETTINGS.model_copy(update={"policy": silent})
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(2 * HOUR)
    assert not stage.titles
    assert (await stage.view()).alerts
    assert ("error_rate:github", "firing") in stage.world.history
