"""An alert's notices are what the monitor has sent off; how many channels have them is told beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.dashboard.conftest import House
from tests.dashboard.test_escalation_words import words
from tests.domain.health.makers import due
from tests.workflows.monitor_stage import ALERTS, SETTINGS, monitor_stage

pytestmark = pytest.mark.timeout(120)


async def test_an_alert_that_reached_nobody_says_so_until_it_does(house: House) -> None:
    anna = await house.visitor("anna")
    async with monitor_stage(house.site.temporal) as stage:
        stage.people.away.add(ALERTS)
        stage.world.settings = SETTINGS.model_copy(update={"retry_after": (timedelta(seconds=2),)})
        stage.world.is_now(due=(due("payments"),))
        await stage.start()
        await stage.until(lambda view: bool(view.told))
        shown = words((await anna.get("/alerts")).text)
        assert "1 notice, last " in shown
        assert "none of 1 reached" in shown
        stage.people.away.clear()
        await stage.until(lambda view: not view.told)
        assert "1 of 1 reached" in words((await anna.get("/alerts")).text)
