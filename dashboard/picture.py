"""What all pages show of this moment: taken once for everybody, however many look.

Taken while somebody looks, every few seconds; with nobody there nothing is asked. Each viewer sees their part of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from temporalio.client import Client

from dashboard.asking import asked
from dashboard.firing import BEING_ASKED, NEW_SECONDS, PATIENCE_SECONDS, Firing, firing
from dashboard.history import History, history
from dashboard.outlook import Asked, Outlook, outlook
from dashboard.own_part import concerns, own_part
from dashboard.shared import Shared
from dashboard.under_way import UnderWay, UnderWayWatch
from dashboard.viewer import Viewer
from dashboard.weeks import Weeks
from devsync.contracts.escalation import EscalationView
from devsync.domain.health.bands import Health, assess
from devsync.domain.health.healed import Healed, LastEnds, healed, of_now
from devsync.domain.health.snapshot import DueEdition, Snapshot
from devsync.domain.health.thresholds import Thresholds
from devsync.runtime.escalations import EscalationOperations
from devsync.runtime.health import take_snapshot
from devsync.runtime.machine import MachineWatch
from devsync.settings.live import LiveConfiguration
from devsync.settings.team import TeamConfig
from devsync.storage.connection import StorageError
from devsync.storage.database import Database
from devsync.storage.edition_list import EditionLine, EditionList
from devsync.storage.performance import Performance

EVERY_SECONDS: Final = 3.0
KEPT_SECONDS: Final = 60.0
USABLE_SECONDS: Final = 900.0
"""What looks back over weeks changes slowly, and takes longer: an older one is shown while the new one is made."""
_A_LITTLE: Final = 0.05


@dataclass(frozen=True, eq=False)
class Picture:
    """None: could not be read, and `away` says why."""

    taken_at: datetime
    weeks: Weeks
    """That the editions of these days are about."""
    snapshot: Snapshot
    thresholds: Thresholds
    lines: tuple[EditionLine, ...] | None
    """Of these weeks."""
    escalations: tuple[EscalationView, ...] | None
    under_way: tuple[UnderWay, ...] | None = ()
    """Of all weeks."""
    firing: Firing = BEING_ASKED
    away: tuple[str, ...] = ()
    ends: Mapping[str, LastEnds] = field(default_factory=dict)
    """By service, of the window."""
    teams: Mapping[str, TeamConfig] = field(default_factory=dict)
    """As their files had them."""

    @property
    def asked(self) -> tuple[EscalationView, ...]:
        """Those whose answer somebody waits for, or may: of one that no worker answers for it is not known."""
        return tuple(one for one in self.escalations or () if one.is_waited_for or one.record is None)

    def seen_by(self, viewer: Viewer) -> Picture:
        """Without what belongs to other teams."""
        if viewer.sees_every_team:
            return self
        lines = self.lines and tuple(line for line in self.lines if viewer.may_see(line.team))
        escalations = self.escalations and tuple(
            own_part(one, viewer) for one in self.escalations if concerns(one, viewer)
        )
        under_way = self.under_way and tuple(one for one in self.under_way if viewer.may_see(one.team))
        due = self.snapshot.due and tuple(one for one in self.snapshot.due if viewer.may_see(one.team))
        runs = self.snapshot.editions and tuple(one for one in self.snapshot.editions if viewer.may_see(one.team))
        return replace(
            self,
            lines=lines,
            escalations=escalations,
            under_way=under_way,
            firing=self.firing.seen_by(viewer),
            snapshot=self.snapshot.model_copy(update={"due": due, "editions": runs}),
        )

    @property
    def outstanding(self) -> tuple[DueEdition, ...]:
        """Of these weeks, what fell due and is neither on record nor called off."""
        there = {line.team for line in self.lines or ()}
        return tuple(
            one
            for one in self.snapshot.due or ()
            if self.weeks.are_of(one.team, one.iso_week)
            and one.team not in there
            and not (one.delivered_at or one.called_off)
        )

    @property
    def being_made(self) -> tuple[UnderWay, ...]:
        """Editions of these weeks, and amendments of what is on record of them."""
        return tuple(one for one in self.under_way or () if self.weeks.are_of(one.team, one.iso_week))

    @property
    def weeks_told(self) -> tuple[str, ...]:
        """Of whoever has an edition on record, due or being made: one, but at the turn of the week."""
        told: list[EditionLine | DueEdition | UnderWay] = [*(self.lines or ()), *self.outstanding, *self.being_made]
        return self.weeks.among({one.team for one in told})

    @property
    def made_elsewhen(self) -> int:
        """How many editions of other weeks are being made."""
        return sum(
            not one.is_amendment and not self.weeks.are_of(one.team, one.iso_week) for one in self.under_way or ()
        )

    @property
    def health(self) -> Health:
        """Of the window, as everybody counts it: the monitor, the CLI, the API."""
        return assess(self.snapshot, self.thresholds)

    @property
    def healed(self) -> tuple[Healed, ...]:
        return healed(self.snapshot, self.ends, self.thresholds)

    @property
    def health_now(self) -> Health:
        """What is over counts no more, though it is still within the window."""
        return assess(of_now(self.snapshot, self.healed), self.thresholds)


@dataclass
class Watch:
    """Takes pictures; `now` and `pictures` may be asked by any number of pages at once."""

    database: Database
    temporal: Client
    configuration: LiveConfiguration
    _machine: MachineWatch = field(default_factory=MachineWatch)

    def __post_init__(self) -> None:
        self._pictures: Shared[None, Picture] = Shared(lambda _: self._picture(datetime.now(UTC)), EVERY_SECONDS)
        self._histories: Shared[None, History] = Shared(
            lambda _: history(self.database, datetime.now(UTC)), KEPT_SECONDS, USABLE_SECONDS
        )
        self._under_way = UnderWayWatch(self.temporal)
        self._firing: Shared[None, Firing] = Shared(lambda _: firing(self.temporal), NEW_SECONDS, KEPT_SECONDS)
        self._outlooks: Shared[Asked, Outlook] = Shared(self._outlook, KEPT_SECONDS, USABLE_SECONDS)

    async def now(self) -> Picture:
        """At most EVERY_SECONDS old."""
        return await self._pictures.of(None)

    async def history(self) -> History | None:
        """At most USABLE_SECONDS old, as outlooks are; None where it cannot be read."""
        try:
            return await self._histories.of(None)
        except StorageError:
            return None

    @property
    def history_at_hand(self) -> History | None:
        """What was read lately: nobody waits for it. None where nothing was."""
        return self._histories.at_hand(None)

    async def outlook(self, asked: Asked) -> Outlook:
        """Raises DatabaseUnavailable and NotMigrated."""
        return await self._outlooks.of(asked)

    async def pictures(self) -> AsyncIterator[Picture]:
        """One after the other, for as long as somebody takes them."""
        while True:
            yield await self.now()
            await asyncio.sleep(EVERY_SECONDS + _A_LITTLE)  # so that the next one is a new one

    async def _outlook(self, asked: Asked) -> Outlook:
        return await outlook(self.database, await self.configuration.now(), asked, datetime.now(UTC))

    async def _picture(self, now: datetime) -> Picture:
        configuration = await self.configuration.now()
        weeks = Weeks.at(now, configuration.teams)
        away: list[str] = []
        snapshot, (under_way, lines), escalations, fires = await asyncio.gather(
            take_snapshot(self.database, self.temporal, configuration, now, watch=self._machine),
            self._editions(weeks, away),
            asked(EscalationOperations(self.temporal).open_ones(), away),
            self._firing.soon(None, PATIENCE_SECONDS),
        )
        ends = None
        if snapshot.services is not None:  # else the database is away, which is waited for once
            ends = await asked(Performance(self.database).last_ends(snapshot.window), away)
        return Picture(
            taken_at=now,
            weeks=weeks,
            snapshot=snapshot,
            thresholds=configuration.monitoring.limits,
            lines=None if lines is None else tuple(lines),
            escalations=None if escalations is None else tuple(escalations),
            under_way=under_way,
            firing=fires or BEING_ASKED,
            away=tuple(dict.fromkeys([*snapshot.unread.values(), *away])),
            ends=ends or {},
            teams=configuration.teams,
        )

    async def _editions(
        self, weeks: Weeks, away: list[str]
    ) -> tuple[tuple[UnderWay, ...] | None, list[EditionLine] | None]:
        """In this order: a run that ends in between is on record by then."""
        under_way = await asked(self._under_way.now(weeks), away)
        lines = await asked(EditionList(self.database).newest(teams=None, iso_weeks=weeks.all, limit=1_000), away)
        return under_way, lines and [line for line in lines if weeks.are_of(line.team, line.iso_week)]
