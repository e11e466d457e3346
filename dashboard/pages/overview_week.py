"""The week's editions on the overview: a row for each team, what needs somebody first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from dashboard.picture import Picture
from dashboard.under_way import UnderWay
from dashboard.weeks import Weeks
from devsync.contracts.approval import ApprovalProgress, ApprovalState
from devsync.contracts.edition import EditionProgress, EditionStatus, Phase
from devsync.contracts.escalation import EscalationView, SubscriberState
from devsync.domain.escalation.machine import EscalationRecord, State
from devsync.domain.health.snapshot import DueEdition
from devsync.domain.spelling import service_name
from devsync.rendering.wording import listed
from devsync.storage.edition_list import EditionLine

_ON_RECORD: Final = {EditionStatus.FAILED: 2, EditionStatus.ABORTED: 3, EditionStatus.PARTIAL: 4}
_DOING: Final = {
    Phase.PLANNING: "reads the configuration",
    Phase.COLLECTING: "asks the sources",
    Phase.COMPOSING: "composes",
    Phase.APPROVING: "shows a preview",
    Phase.DELIVERING: "goes out to the channels",
    Phase.RECORDING: "is out, writes the records",
    Phase.DONE: "is out",
}


class Waiting(NamedTuple):
    """People whose answer an edition waits for."""

    escalation_id: str
    words: str


@dataclass(frozen=True)
class WeekRow:
    team: str
    iso_week: str
    line: EditionLine | None
    """What is on record."""
    due: DueEdition | None = None
    """Where it should be there, or soon, and is not."""
    due_at: datetime | None = None
    """As the team's file says."""
    run: UnderWay | None = None
    """What makes it, or makes it anew, or adds to it."""
    waiting: tuple[Waiting, ...] = ()
    is_late: bool = False
    """It is not on record, and its deadline has passed."""

    @property
    def word(self) -> str:
        """Where it stands: the status of what is on record, else whether somebody makes it."""
        if self.line is not None:
            return self.line.status.value
        if self.run is not None:
            return "being made"
        return "missing" if self.is_late else "due"

    @property
    def doing(self) -> str:
        """In a clause; empty where it is not known."""
        return doing(self.progress) if self.progress else ""

    @property
    def since(self) -> datetime | None:
        """When it began what it does; where that is not known, when the run did."""
        if self.progress and self.progress.phase_since:
            return self.progress.phase_since
        return self.run.started_at if self.run else None

    @property
    def approval(self) -> ApprovalProgress | None:
        """While reviewers are waited for."""
        approval = self.progress.approval if self.progress else None
        return approval if approval and approval.state is ApprovalState.WAITING else None

    @property
    def progress(self) -> EditionProgress | None:
        return self.run.progress if self.run else None


def week_rows(picture: Picture) -> list[WeekRow]:
    """What needs somebody first, then by name."""
    lines = {line.team: line for line in picture.lines or ()}
    due = {one.team: one for one in picture.outstanding}
    amendments_first = sorted(picture.being_made, key=lambda one: not one.is_amendment)
    runs = {one.team: one for one in amendments_first if _adds_to(lines.get(one.team), one)}
    waiting = _waiting(picture)
    rows = [
        WeekRow(
            team=team,
            iso_week=picture.weeks.of(team),
            line=lines.get(team),
            due=due.get(team),
            due_at=_due_at(picture, team) if team in due else None,
            run=(run := runs.get(team)),
            waiting=tuple(_known(waiting.get(team, {}), run)),
            is_late=team in due and due[team].deadline < picture.taken_at,
        )
        for team in {*lines, *due, *runs}
    ]
    return sorted(rows, key=lambda row: (_rank(row), row.team))


def doing(progress: EditionProgress) -> str:
    """What an edition that is being made does now."""
    healing = [service_name(one.service) for one in progress.recoveries if one.is_running]
    if healing:
        return f"recovers {listed(list(dict.fromkeys(healing)))}"
    if progress.phase is Phase.COLLECTING and progress.units_total:
        return f"asks the sources, {len(progress.units_done)} of {progress.units_total} answered"
    return _DOING[progress.phase]


def asked_words(record: EscalationRecord | None) -> str:
    """Who is asked by an escalation, or has taken it."""
    if record is None:
        return "people are asked"
    if record.state is State.ACKNOWLEDGED:
        return f"{record.holder} looks after it"
    if record.state is State.SNOOZED:
        return f"{record.holder} has snoozed it"
    return f"{record.assigned_to.target if record.assigned_to else record.level.replace('_', ' ')} is asked"


def _rank(row: WeekRow) -> int:
    """What nobody makes although it is late, what is late or waits for people, what is no good, what is to come."""
    if row.waiting or row.approval or (row.is_late and row.run is not None):
        return 1
    if row.is_late:
        return 0
    if row.line is not None:
        return _ON_RECORD.get(row.line.status, 7)
    return 5 if row.run is None else 6


def _adds_to(line: EditionLine | None, run: UnderWay) -> bool:
    """A run that has what it made on record is about to end: there is nothing to tell of it any more."""
    return line is None or run.is_amendment or run.started_at > line.composed_at


def _due_at(picture: Picture, team: str) -> datetime | None:
    known = picture.teams.get(team)
    return known.weekly_time.due_at(picture.weeks.of(team)) if known and known.schedule else None


def _waiting(picture: Picture) -> dict[str, dict[str, Waiting]]:
    """By team and escalation, of its week."""
    found: dict[str, dict[str, Waiting]] = {}
    for view in picture.escalations or ():
        for team in _waiting_teams(view, picture.weeks):
            found.setdefault(team, {})[view.escalation_id] = Waiting(view.escalation_id, asked_words(view.record))
    return found


def _waiting_teams(view: EscalationView, weeks: Weeks) -> Iterator[str]:
    for entry in view.subscribers:
        asker = entry.subscriber
        if entry.state is SubscriberState.WAITING and weeks.are_of(asker.team, asker.iso_week):
            yield asker.team


def _known(by_escalations: Mapping[str, Waiting], run: UnderWay | None) -> Sequence[Waiting]:
    """As the escalations tell, and what the edition alone does: one that has just begun is not listed yet."""
    by_edition = run.progress.asked if run and run.progress else {}
    return [
        *by_escalations.values(),
        *(Waiting(one, asked_words(None)) for one in by_edition if one not in by_escalations),
    ]
