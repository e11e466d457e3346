"""Collects a team's calendar: who is away and which days are marked in the two weeks after a window."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio import activity

from activities.calendar.ics import read_calendar
from activities.clients.calendar import CalendarClient
from activities.collecting_again import collected_again
from activities.remembering import form_of
from devsync.contracts.activities import COLLECT_CALENDAR, COLLECT_CALENDARS_AGAIN
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import CollectCalendar, UnitCollected
from devsync.contracts.names import calendar_unit
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.changelog.upcoming import coming_days
from devsync.settings.configuration import load_team
from devsync.settings.problems import ConfigError
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.collected import CollectedUnits, RememberedUnit, Validator
from devsync.storage.connection import DatabaseUnavailable


class CalendarActivities:
    def __init__(self, client: CalendarClient, config_dir: Path, store: ArtifactStore, units: CollectedUnits) -> None:
        self._client = client
        self._config_dir = config_dir
        self._store = store
        self._units = units

    def all(self) -> list[Callable[..., Any]]:
        return [self.collect, self.collect_again]

    @activity.defn(name=COLLECT_CALENDAR.name)
    async def collect(self, message: CollectCalendar) -> UnitCollected:
        """Asks for the calendar, which may answer that nothing has changed since it was read for the same window.

        Raises ConfigError where the team's file names no calendar any more, and what `CalendarClient.read` raises.
        """
        address = await asyncio.to_thread(_address, self._config_dir, message.team)
        known = await self._recall(message, address)
        validator = known.validators[0] if known else None
        answer = await self._client.read(
            address,
            etag=validator.etag if validator else "",
            last_modified=validator.says if validator else "",
        )
        if known is not None and answer.content is None:
            return _collected(message, known.artifact, known.counts, known.notes, is_unchanged=True)
        first, end = coming_days(message.window)
        data, notes = await asyncio.to_thread(read_calendar, answer.content or b"", first, end, message.window.timezone)
        artifact = await self._store.put(data.model_dump_json().encode(), kind="collected", team=message.team)
        counts = {"absences": len(data.absences), "milestones": len(data.milestones)}
        collected = _collected(message, artifact, counts, notes)
        await self._remember(message, collected, _validator(address, answer.etag, answer.last_modified))
        return collected

    @activity.defn(name=COLLECT_CALENDARS_AGAIN.name)
    async def collect_again(self, request: StepRequest) -> StepResult:
        """The calendars that failed, once more."""
        return await collected_again(request, CollectCalendar, self.collect)

    async def _recall(self, message: CollectCalendar, address: str) -> RememberedUnit | None:
        """What was read from this very address."""
        unit = calendar_unit(message.team)
        try:
            known = await self._units.recall(team=message.team, unit=unit, window=message.window, form=form_of(unit))
        except DatabaseUnavailable as error:
            activity.logger.warning("the calendar is read without its memory: %s", error)
            return None
        is_same = known is not None and len(known.validators) == 1 and known.validators[0].path == _name_of(address)
        return known if is_same else None

    async def _remember(self, message: CollectCalendar, collected: UnitCollected, validator: Validator) -> None:
        if collected.artifact.inline is not None:
            return
        remembered = RememberedUnit(
            artifact=collected.artifact,
            validators=(validator,) if validator.etag or validator.says else (),
            counts=collected.counts,
            notes=collected.notes,
            collected_at=collected.collected_at,
        )
        try:
            await self._units.remember(
                team=message.team,
                unit=collected.unit,
                window=message.window,
                form=form_of(collected.unit),
                remembered=remembered,
            )
        except DatabaseUnavailable as error:
            activity.logger.warning("the calendar is not remembered: %s", error)


def _address(config_dir: Path, name: str) -> str:
    team = load_team(config_dir, name).team
    if team.calendar is None or team.calendar.ics is None:
        raise ConfigError([f"the file of {name} names no calendar.ics any more"])
    return team.calendar.ics


def _validator(address: str, etag: str, last_modified: str) -> Validator:
    return Validator(path=_name_of(address), etag=etag, says=last_modified)


def _name_of(address: str) -> str:
    """Tells addresses apart without telling them: who knows one can read the calendar."""
    return f"sha256:{hashlib.sha256(address.encode()).hexdigest()}"


def _collected(
    message: CollectCalendar,
    artifact: ArtifactRef,
    counts: dict[str, int],
    notes: tuple[str, ...],
    *,
    is_unchanged: bool = False,
) -> UnitCollected:
    return UnitCollected(
        unit=calendar_unit(message.team),
        artifact=artifact,
        api_calls=1,
        counts=counts,
        notes=notes,
        is_unchanged=is_unchanged,
        collected_at=datetime.now(UTC),
    )
