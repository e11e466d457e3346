"""Looks at the runs of a team's week: at the records, and at the workflow itself while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from temporalio.client import Client
from temporalio.service import RPCError

from dashboard.picture import EVERY_SECONDS
from dashboard.run_picture import RUNNING, EndedRun, OpenRun, RunPicture, Tab, phases_of_progress, phases_of_record
from dashboard.runs_in_temporal import PATIENCE, RunsInTemporal
from dashboard.shared import Shared
from devsync.contracts import names
from devsync.domain.insight.span import Span
from devsync.runtime.open_runs import open_runs
from devsync.settings.live import LiveConfiguration, zone_of
from devsync.storage.attempts import attempts_of, calls_of
from devsync.storage.database import Database
from devsync.storage.deliveries import Deliveries
from devsync.storage.error_list import ErrorList
from devsync.storage.escalations import Escalations
from devsync.storage.owned import RunKey
from devsync.storage.recovery_list import RecoveryList
from devsync.storage.runs import RunRecord, runs_of_week

RUNS: Final = 20
"""Of a week, the last ones."""
SHOWN: Final = 50
"""Of each thing of a run: recoveries, channels, kinds of errors, escalations."""
OPEN_EDITIONS: Final = 100
"""That are told of, the newest."""

_CLOCKS: Final = timedelta(seconds=5)
"""So far the worker's clock may be from the server's."""

_Which = tuple[str, str, str]
"""Team, ISO week, and the run's id; without one the run that is open, else the last one of the edition."""


_OPEN: Final = open_runs(names.WEEKLY_CHANGELOG)


class OpenEdition(NamedTuple):
    team: str
    iso_week: str
    tab: Tab


class RunWatch:
    """Any number of pages may ask at once: each run is looked at once for all of them."""

    def __init__(self, database: Database, temporal: Client, configuration: LiveConfiguration) -> None:
        self._database = database
        self._temporal = temporal
        self._temporal_runs = RunsInTemporal(temporal)
        self._configuration = configuration
        self._runs: Shared[_Which, RunPicture] = Shared(self._take, EVERY_SECONDS)
        self._lists: Shared[str, tuple[OpenEdition, ...]] = Shared(self._list, EVERY_SECONDS)

    async def now(self, team: str, iso_week: str, run_id: str = "") -> RunPicture:
        """At most EVERY_SECONDS old. Raises DatabaseUnavailable and NotMigrated."""
        return await self._runs.of((team, iso_week, run_id))

    async def pictures(self, team: str, iso_week: str, run_id: str = "") -> AsyncIterator[RunPicture]:
        """One after the other until the run is over; the last one shows how it ended."""
        while True:
            picture = await self.now(team, iso_week, run_id)
            yield picture
            if picture.open is None and not picture.away:
                return
            await asyncio.sleep(EVERY_SECONDS)

    async def open_editions(self, may_see: Callable[[str], bool]) -> list[OpenEdition] | None:
        """Those of the teams that may be seen, the newest first; None: Temporal does not answer."""
        try:
            return [one for one in await self._lists.of(_OPEN) if may_see(one.team)]
        except (RPCError, TimeoutError):
            return None

    async def _list(self, query: str) -> tuple[OpenEdition, ...]:
        async with asyncio.timeout(2 * PATIENCE.total_seconds()):
            found = [one async for one in self._temporal.list_workflows(query, limit=OPEN_EDITIONS)]
        return tuple(
            OpenEdition(
                one.typed_search_attributes.get(names.TEAM) or "",
                one.typed_search_attributes.get(names.ISO_WEEK) or "",
                Tab(one.id, one.run_id, one.start_time, RUNNING),
            )
            for one in found
        )

    async def _take(self, which: _Which) -> RunPicture:
        team, iso_week, run_id = which
        zone = zone_of((await self._configuration.now()).teams, team)
        # In this order: a run that ends in between is on record by then.
        found, away = await self._in_temporal(team, iso_week)
        records = await runs_of_week(self._database, team, iso_week, limit=RUNS)
        open_runs = [one for one in found if isinstance(one, OpenRun)]
        # One that is about to end is on record already; it is open all the same.
        over: list[RunRecord] = [one for one in records if one.run_id not in {run.original_id for run in open_runs}]
        on_record = {one.run_id for one in records}
        over += [one for one in found if isinstance(one, EndedRun) and one.run_id not in on_record]
        over.sort(key=lambda one: one.started_at, reverse=True)
        picture = RunPicture(
            taken_at=datetime.now(UTC),
            team=team,
            iso_week=iso_week,
            zone=zone,
            tabs=_tabs(open_runs, over),
            away=away,
        )
        shown = _chosen(open_runs, over, run_id)
        if isinstance(shown, OpenRun):
            picture = replace(picture, open=shown)
            progress = picture.progress
            phases = tuple(phases_of_progress(progress, picture.taken_at)) if progress else ()
            picture = replace(picture, phases=phases, reports=await self._temporal_runs.reports(progress))
            return await self._with_its_story(picture, RunKey(team, shown.workflow_id, shown.original_id))
        if shown is None:
            return picture
        phases = tuple(phases_of_record(shown.seconds))
        picture = replace(picture, record=shown, phases=phases, is_gone=not away and await self._is_gone(shown))
        return await self._with_its_story(picture, RunKey(team, shown.workflow_id, shown.run_id))

    async def _with_its_story(self, picture: RunPicture, run: RunKey) -> RunPicture:
        """What is its own; a question for each kind of thing, however much there is of it."""
        team, database, progress = picture.team, self._database, picture.progress
        recoveries = await RecoveryList(database).of_run(team, picture.iso_week, run.run_id, limit=SHOWN)
        asked = {names.own_escalation_id(run.workflow_id), *picture.awaited}
        asked |= set(progress.escalations) if progress else set()
        asked |= {one for recovery in recoveries for one in recovery.escalation_id.split(", ") if one}
        span = Span(start=picture.began_at - _CLOCKS, end=picture.ended_at + _CLOCKS)
        deliveries = await Deliveries(database).summaries(teams=[team], iso_week=picture.iso_week, limit=SHOWN)
        return replace(
            picture,
            recoveries=tuple(recoveries),
            deliveries=tuple(deliveries),
            attempts=tuple(await attempts_of(database, run, picture.bounds)),
            calls=tuple(await calls_of(database, run)),
            errors=tuple(await ErrorList(database).of_run(run, limit=SHOWN)),
            escalations=tuple(await Escalations(database).asked(sorted(asked), span, limit=SHOWN)),
        )

    async def _in_temporal(self, team: str, iso_week: str) -> tuple[list[OpenRun | EndedRun], str]:
        """What it has of the week; and why it could not be asked, where that is so."""
        try:
            return await self._temporal_runs.of_week(team, iso_week), ""
        except (RPCError, TimeoutError) as error:
            return [], f"Temporal does not answer: {error}" if str(error) else "Temporal does not answer"

    async def _is_gone(self, record: RunRecord) -> bool:
        try:
            return not await self._temporal_runs.keeps(record)
        except (RPCError, TimeoutError):
            return False  # nobody knows


def _tabs(open_runs: Sequence[OpenRun], over: Sequence[RunRecord]) -> tuple[Tab, ...]:
    return (
        *(Tab(one.workflow_id, one.run_id, one.started_at, RUNNING) for one in open_runs),
        *(Tab(one.workflow_id, one.run_id, one.started_at, one.status) for one in over),
    )


def _chosen(open_runs: Sequence[OpenRun], over: Sequence[RunRecord], run_id: str) -> OpenRun | RunRecord | None:
    """None where there is no such run."""
    every: list[OpenRun | RunRecord] = [*open_runs, *over]
    if run_id:
        return next((one for one in every if run_id in _ids(one)), None)
    of_edition = (one for one in every if one.workflow_id.startswith("changelog:"))
    return next(of_edition, every[0] if every else None)


def _ids(run: OpenRun | RunRecord) -> tuple[str, ...]:
    """One that was reset is found by both."""
    return (run.run_id, run.original_id) if isinstance(run, OpenRun) else (run.run_id,)
