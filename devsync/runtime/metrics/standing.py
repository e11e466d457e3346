"""Metrics of how things stand for everybody, whichever process did it: read from the records and from Temporal.

A process that has just started knows of no delivery; without these, a restart would look like a missing edition.
"""

import asyncio
import logging
from collections import Counter
from datetime import UTC, datetime
from typing import Final

from temporalio.client import Client
from temporalio.common import MetricMeter
from temporalio.service import RPCError

from devsync.contracts import names
from devsync.domain.escalation.machine import State
from devsync.domain.health.bands import missing
from devsync.runtime.due_editions import due_editions
from devsync.runtime.metrics import declared
from devsync.runtime.open_runs import open_runs
from devsync.settings.live import LiveConfiguration
from devsync.storage.connection import StorageError
from devsync.storage.database import Database
from devsync.storage.weeks import last_deliveries

_ANSWERED_BY: Final = 10.0
"""Seconds."""

_log = logging.getLogger("devsync.metrics")


class StandingMetrics:
    """Of the teams that have a file now. What cannot be read keeps its last value."""

    def __init__(
        self, meter: MetricMeter, client: Client, database: Database, configuration: LiveConfiguration
    ) -> None:
        self._client = client
        self._database = database
        self._configuration = configuration
        self._scheduled: set[str] = set()
        self._last_delivered = declared.LAST_DELIVERED.gauge(meter)
        self._overdue = declared.OVERDUE.gauge(meter)
        self._escalations = declared.ESCALATIONS_OPEN.gauge(meter)
        self._read_at = declared.FACTS_READ.gauge(meter)
        policies = configuration.read_last.escalation.policies.values()
        self._seen = {(level.name, State.FIRING.value) for policy in policies for level in policy.levels}

    async def tell(self) -> None:
        for of in (self._tell_deliveries, self._tell_escalations):
            try:
                async with asyncio.timeout(_ANSWERED_BY):
                    await of()
            except (StorageError, RPCError, TimeoutError) as error:
                _log.info("metrics keep their last values: %s", error or "no answer in time")

    async def _tell_deliveries(self) -> None:
        now = datetime.now(UTC)
        for team, delivered_at in (await last_deliveries(self._database)).items():
            self._last_delivered.set(delivered_at.timestamp(), {"team": team})
        teams = (await self._configuration.now()).teams
        due = await due_editions(self._database, self._client, teams.values(), now, {})
        overdue = {one.team for one in missing(due, now)}
        self._scheduled |= {name for name, team in teams.items() if team.schedule is not None}
        # Also of one that has none any more: a gauge stays at its last value until it is told another.
        for name in self._scheduled:
            self._overdue.set(int(name in overdue), {"team": name})
        self._read_at.set(now.timestamp(), {"source": "records"})

    async def _tell_escalations(self) -> None:
        found: Counter[tuple[str, str]] = Counter()
        async for run in self._client.list_workflows(open_runs(names.ESCALATION)):
            attributes = run.typed_search_attributes
            level, state = attributes.get(names.ESCALATION_LEVEL), attributes.get(names.ESCALATION_STATE)
            if state is not None and state != State.RESOLVED:
                found[level or "none", state] += 1
        self._seen |= found.keys()
        for level, state in self._seen:
            self._escalations.set(found[level, state], {"level": level, "state": state})
        self._read_at.set(datetime.now(UTC).timestamp(), {"source": "temporal"})
