"""A dashboard without the key of what Temporal keeps: each page says which key is missing, and shows the rest."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.worker import Worker

from devsync.contracts import names
from devsync.contracts.breaker import STANDING_MEMO
from devsync.domain.breaker import Standing
from devsync.runtime.plugin import DevSyncPlugin
from devsync.settings.payload_keys import payload_keys_of
from sandbox.temporal_server import TemporalServer
from tests.dashboard.conftest import House
from tests.dashboard.test_deliveries import dead, write

KEY = f"2026-05:{base64.b64encode(os.urandom(32)).decode()}"
MISSING = "sealed with the key '2026-05', which PAYLOAD_KEYS does not have"
WEEK = "2025-W05"
ESCALATION = names.service_escalation_id("github")


@workflow.defn(dynamic=True, sandboxed=False)
class Answering:
    """In the place of any workflow: stays open, and answers whatever it is asked."""

    @workflow.run
    async def run(self, _args: Sequence[RawValue]) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.query(dynamic=True)
    def anything(self, _name: str, _args: Sequence[RawValue]) -> dict[str, Any]:
        return {}

    @workflow.update
    async def mute(self, _said: dict[str, Any]) -> dict[str, Any]:
        return {"text": "it is muted"}


RUNS = {
    names.edition_id("payments", WEEK): names.WEEKLY_CHANGELOG,
    names.amendment_id("payments", WEEK): names.AMENDMENT,
    names.delivery_id("payments", "2026-W47", "email-0"): names.DELIVERY,
    names.breaker_id("github"): names.CIRCUIT_BREAKER,
    names.MONITOR_ID: names.HEALTH_MONITOR,
    ESCALATION: names.ESCALATION,
}


@pytest.fixture
async def sealed(house: House, temporal: TemporalServer) -> AsyncIterator[House]:
    """Whose workers have a key that it has not."""
    house.change_team(approval={"required": True, "reviewers": ["#leads"]})
    await write(house, dead())
    client = await Client.connect(temporal.address, plugins=[DevSyncPlugin(keys=payload_keys_of(KEY))])
    standing = Standing(service="github", changed_at=datetime.now(UTC), probes_allowed=1)
    async with Worker(client, task_queue=names.CONTROL_QUEUE, workflows=[Answering]):
        runs = [
            await client.start_workflow(
                kind,
                id=one,
                task_queue=names.CONTROL_QUEUE,
                memo={STANDING_MEMO: standing} if "breaker" in one else None,
            )
            for one, kind in RUNS.items()
        ]
        yield house
        for run in runs:
            await run.terminate()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"/teams/payments/runs/{WEEK}",
        "/alerts",
        "/escalations",
        f"/teams/payments/editions/{WEEK}/approval",
        "/breakers",
        "/breakers/github",
        "/teams/payments/deliveries/2026-W47/email-0",
    ],
)
async def test_each_page_names_the_key(sealed: House, path: str) -> None:
    shown = await (await sealed.visitor("root")).get(path)
    assert shown.status_code == 200
    assert MISSING in shown.text.replace("&#39;", "'")


async def test_what_cannot_be_shown_at_all_says_why_and_asks_again(sealed: House) -> None:
    root = await sealed.visitor("root")
    shown = (await root.get(f"/escalations/{ESCALATION}")).text
    assert MISSING in shown.replace("&#39;", "'")
    answer = await root.post("/breakers/github/reset", "/breakers", reason="x")
    assert answer.status_code == 503
    assert MISSING in answer.text.replace("&#39;", "'")
    assert "<p>What Temporal keeps cannot be read here" in answer.text
    assert "hx-get" not in answer.text
    assert "Perhaps it was done, perhaps not: look, then try again." in answer.text


async def test_what_was_taken_and_not_understood_is_told_so(sealed: House) -> None:
    root = await sealed.visitor("root")
    told = await root.deed("/alerts/mute", "/breakers", pattern="*", minutes="30", reason="x")
    assert "It was sent, and what came of it cannot be read: the answer is sealed" in told
