"""A house full of records: every list has lines, every page something to show, and what a page links to is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from bench.compose import FORMATS
from bench.weeks import week
from bench.year import fill
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionStatus
from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.edition import Edition
from devsync.domain.changelog.window import last_week_ended_by
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.storage.alerts import Alerts
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.deliveries import DeliveryRecord
from devsync.storage.records import Records
from devsync.storage.recoveries import Recoveries
from sandbox.temporal_server import TemporalServer
from tests.storage.test_alerts import alert
from tests.storage.test_alerts import record as alerts_told
from tests.storage.test_records import edition, run
from tests.storage.test_recoveries import CACHED, FAILED_RETRY, GONE
from tests.storage.test_recoveries import record as recovery
from tests.workflows.escalation_stage import real_escalation_stage

TEAM: Final = "payments"
TIMEZONE: Final = "Europe/Berlin"
"""Of that team, by its file in config/."""
HOSTILE: Final = "<script>alert(1)</script> \u202egnp.exe <b>& \"quoted\" '{{ 7 * 7 }}' " + "long " * 2_000
"""A title as somebody might write it who means us harm."""


async def seed(database: Database, url: str) -> None:
    """A quarter of four teams; of `TEAM` last week's edition in two revisions, with all renderings, a recovery and an
    alert.
    """
    now = datetime.now(UTC)
    fill(url, teams=4, weeks=13, now=now)
    iso_week = last_week_ended_by(now, TIMEZONE)
    made = compose(week(30)).model_copy(update={"team": TEAM, "iso_week": iso_week})
    hostile = (made.items[0].model_copy(update={"title": HOSTILE}), *made.items[1:])
    for revision, content in enumerate((made, made.model_copy(update={"items": hostile})), 1):
        await _record(database, content, revision, now)
    recovered = recovery(1, RecoveryOutcome.PARTIAL, FAILED_RETRY, CACHED, missing=(GONE,), owner_run_id="run-2")
    times = {"started_at": now - timedelta(minutes=1), "ended_at": now}
    await Recoveries(database).write(recovered.model_copy(update={"team": TEAM, "iso_week": iso_week, **times}))
    firing = alert(summary=HOSTILE[:1_000], team=TEAM, opened_at=now, seen_at=now)
    await Alerts(database).write(alerts_told((now, firing)))


@asynccontextmanager
async def somebody_is_asked(temporal: TemporalServer) -> AsyncIterator[None]:
    """An open escalation, and a worker that answers for it."""
    async with real_escalation_stage(temporal) as stage:
        (waiting,) = await stage.waiting()
        await stage.join(waiting.id, team=TEAM, subject=HOSTILE[:1_000])
        await stage.told("#leads")
        yield


async def _record(database: Database, content: Edition, revision: int, now: datetime) -> None:
    store = ArtifactStore(database)
    texts = {"edition": content.model_dump_json(), **{name: render(content) for name, render in FORMATS.items()}}
    kept = [await store.put(text.encode(), kind=name, team=TEAM) for name, text in texts.items()]
    renderings = dict(zip(texts, kept, strict=True))
    workflow_id = f"changelog:{TEAM}:{content.iso_week}"
    shared = {"team": TEAM, "iso_week": content.iso_week, "workflow_id": workflow_id, "run_id": f"run-{revision}"}
    delivered = [
        DeliveryRecord(
            team=TEAM,
            iso_week=content.iso_week,
            channel=channel,
            kind=channel,
            revision=revision,
            state=state,
            last_error=HOSTILE if state is DeliveryState.DEAD else "",
            updated_at=now,
        )
        for channel, state in (("slack", DeliveryState.DELIVERED), ("email", DeliveryState.DEAD))
    ]
    await Records(database, store).write(
        run=run(**shared, started_at=now - timedelta(minutes=2), ended_at=now),
        edition=edition(
            **shared,
            revision=revision,
            status=EditionStatus.PARTIAL,
            item_count=content.item_count,
            composed_at=now,
            edition=renderings.pop("edition"),
            renderings=renderings,
        ),
        deliveries=delivered,
    )
