"""One run of a team's week as its page shows it; no I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.edition import EditionProgress, Phase
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.escalation.machine import State
from devsync.domain.insight.counted import ApiCalls
from devsync.domain.recovery.decision import Decision
from devsync.storage.attempts import AttemptCount
from devsync.storage.deliveries import DeliverySummary
from devsync.storage.escalations import EscalationLine
from devsync.storage.recoveries import RecordedRecovery
from devsync.storage.runs import RunRecord
from devsync.storage.statistics import ErrorGroup

_KINDS: Final = {"changelog": "edition", "preview": "dry run", "amendment": "amendment"}
"""By how a workflow's id begins."""

RUNNING: Final = "running"
TERMINATED: Final = "terminated"
"""As Temporal says it; no edition ends so on record."""
AFTERWARDS: Final = "afterwards"
"""In the place of a phase: a channel's delivery goes on when the run is over."""
_RECORDED: Final = timedelta(seconds=5)
"""What begins this long after its end is still the run's own: its record, by clocks that need not be equal."""


@dataclass(frozen=True)
class OpenRun:
    """A run of which Temporal says that it is not over."""

    workflow_id: str
    run_id: str
    started_at: datetime
    progress: EditionProgress | AmendmentProgress | None
    """None: no worker answers, or its answer cannot be read."""
    unreadable: str = ""
    """Why not."""
    original_id: str = ""
    """By which it is on record: a reset keeps it."""


class EndedRun(RunRecord):
    """A run that is not on record, as Temporal tells of it: somebody terminated it, or the database was away."""

    terminated_because: str = ""


@dataclass(frozen=True)
class Stretch:
    """A part of a run's time, in seconds since the run began."""

    name: str
    begin: float
    seconds: float
    is_now: bool = False


@dataclass(frozen=True)
class Tab:
    """One of the week's runs."""

    workflow_id: str
    run_id: str
    started_at: datetime
    status: str

    @property
    def kind(self) -> str:
        return _KINDS.get(self.workflow_id.partition(":")[0], "run")


class Asking(NamedTuple):
    """People whose answer an open run waits for."""

    escalation_id: str
    choices: tuple[Decision, ...]
    level: str
    """Who was asked last; empty where that is not on record yet."""


@dataclass(frozen=True)
class RunPicture:
    """`open` is None of a run that is over, `record` of one that is not; both where there is no such run."""

    taken_at: datetime
    team: str
    iso_week: str
    zone: str
    """The team's."""
    tabs: tuple[Tab, ...]
    open: OpenRun | None = None
    record: RunRecord | None = None
    away: str = ""
    """Why nobody knows whether one is open; empty where it is known."""
    phases: tuple[Stretch, ...] = ()
    is_gone: bool = False
    """Of one that is over: Temporal has forgotten it, and all that stands here is on record."""
    attempts: tuple[AttemptCount, ...] = ()
    """Of the run, and of recoveries and deliveries for it; `stretch` counts in `phases`."""
    calls: tuple[ApiCalls, ...] = ()
    """Likewise, by service."""
    errors: tuple[ErrorGroup, ...] = ()
    recoveries: tuple[RecordedRecovery, ...] = ()
    """Those that are over."""
    reports: Mapping[str, RecoveryReport] = field(default_factory=dict)
    """Of those that are not, by workflow id, as far as they answer."""
    escalations: tuple[EscalationLine, ...] = ()
    deliveries: tuple[DeliverySummary, ...] = ()
    """Where the week stands in its channels, by whichever run."""

    @property
    def is_unrecorded(self) -> bool:
        return isinstance(self.record, EndedRun)

    @property
    def is_terminated(self) -> bool:
        """And has written nothing."""
        return self.record is not None and self.record.status == TERMINATED

    @property
    def tab(self) -> Tab | None:
        """Which of the week's runs it shows."""
        shown = self.open or self.record
        return next((one for one in self.tabs if shown and one.run_id == shown.run_id), None)

    @property
    def progress(self) -> EditionProgress | None:
        """Of an edition or a dry run that is being made."""
        return self.open.progress if self.open and isinstance(self.open.progress, EditionProgress) else None

    @property
    def amendment(self) -> AmendmentProgress | None:
        """Of an amendment that goes on."""
        return self.open.progress if self.open and isinstance(self.open.progress, AmendmentProgress) else None

    @property
    def awaited(self) -> Mapping[str, tuple[Decision, ...]]:
        """Escalations whose answer it waits for, with what can be decided there."""
        if self.amendment is None:
            return self.progress.asked if self.progress else {}
        asked = self.amendment.asked if not self.amendment.ended else None
        return dict.fromkeys(asked.escalations, asked.choices) if asked else {}

    @property
    def asking(self) -> tuple[Asking, ...]:
        levels = {one.workflow_id: one.level for one in self.escalations if one.state is not State.RESOLVED}
        return tuple(Asking(one, choices, levels.get(one, "")) for one, choices in self.awaited.items())

    @property
    def began_at(self) -> datetime:
        shown = self.open or self.record
        return shown.started_at if shown else self.taken_at

    @property
    def ended_at(self) -> datetime:
        """Of one that is open, now."""
        return self.record.ended_at if self.record else self.taken_at

    @property
    def seconds(self) -> float:
        return max((self.ended_at - self.began_at).total_seconds(), 0.001)

    @property
    def peak_memory_mb(self) -> float | None:
        return max((one.peak_memory_mb for one in self.attempts if one.peak_memory_mb is not None), default=None)

    @property
    def retries(self) -> int:
        return sum(one.retries for one in self.attempts)

    @property
    def bounds(self) -> list[datetime]:
        """Where one phase ends and the next begins; of a run that is over, its end as well."""
        over = [self.ended_at + _RECORDED] if self.record else []
        return [*(self.began_at + timedelta(seconds=phase.begin) for phase in self.phases[1:]), *over]

    def phase_of(self, attempt: AttemptCount) -> str:
        """In which it began; empty where nobody knows the run's phases."""
        if self.record and attempt.stretch == len(self.bounds):
            return AFTERWARDS
        return self.phases[attempt.stretch].name if self.phases else ""

    @property
    def tells_phases(self) -> bool:
        """Whether of any attempt: an amendment has no phases."""
        return any(map(self.phase_of, self.attempts))


def amending(progress: AmendmentProgress) -> str:
    """What an amendment does now, in a sentence."""
    if progress.ended:
        return f"It asks no more: {progress.ended}."
    if not progress.missing:
        return "Everything is there; it brings it to the channels."
    if {unit.unit for unit in progress.missing} <= set(progress.given_up):
        return "Nobody asks for what is missing any more; it tells so in the channels."
    if progress.asked is not None:
        return "It waits for people to decide what becomes of what is missing."
    return "It asks again for what is missing, and adds what comes to the edition that is out."


def phases_of_record(seconds: Mapping[str, float]) -> Iterator[Stretch]:
    """One after the other, as they are in every run; one that was entered twice has the sum."""
    begin = 0.0
    for phase in Phase:
        if phase.value in seconds and phase is not Phase.DONE:
            yield Stretch(phase.value, begin, seconds[phase.value])
            begin += seconds[phase.value]


def phases_of_progress(progress: EditionProgress, now: datetime) -> Iterator[Stretch]:
    """Up to now. None where a worker of an older build answers, which does not tell."""
    if progress.phase_since is None:
        return
    here = max((now - progress.phase_since).total_seconds(), 0.0)
    spent = {**progress.seconds, progress.phase.value: progress.seconds.get(progress.phase.value, 0.0) + here}
    for stretch in phases_of_record(spent):
        yield Stretch(stretch.name, stretch.begin, stretch.seconds, is_now=stretch.name == progress.phase.value)
