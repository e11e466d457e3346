"""What an edition knows of its recoveries: those that run, what they came to, whom they asked. Issues no command."""

from collections.abc import Collection

from devsync.contracts.edition import RecoverySummary
from devsync.contracts.recovery import PeopleAsked, RecoveryReport
from devsync.domain.escalation.ending import POLICY
from devsync.domain.recovery.builtin import DELIVER
from devsync.domain.recovery.decision import Decision
from workflows.edition.recovering import summary_of

Place = tuple[str, str]
"""The id of an escalation, and of the workflow that is to leave it."""


class RecoveryBook:
    def __init__(self) -> None:
        self._by_id: dict[str, RecoverySummary] = {}
        self._asking: dict[str, PeopleAsked] = {}
        """By the id of a recovery, which may be told of before its start is."""
        self.unrecorded: list[RecoveryReport] = []
        """The database did not answer in the moment that they have for it."""
        self.given_up: set[Place] = set()
        """Which somebody else has taken."""

    def begins(self, recovery: RecoverySummary) -> None:
        self._by_id[recovery.workflow_id] = recovery

    def asks(self, asked: PeopleAsked) -> None:
        """It waits for people from now on."""
        self._asking[asked.recovery] = asked

    def ended(self, report: RecoveryReport) -> None:
        summary, asked = summary_of(report), self._asking.pop(report.workflow_id, None)
        if asked is not None:  # one that made no report has its places in escalations all the same
            joined = dict.fromkeys((*summary.escalations, *asked.escalations))
            summary = summary.model_copy(update={"escalations": tuple(joined)})
        self.begins(summary)
        if not report.is_recorded:
            self.unrecorded.append(report)

    @property
    def summaries(self) -> tuple[RecoverySummary, ...]:
        return tuple(map(self._with_people, self._by_id.values()))

    @property
    def running(self) -> list[str]:
        """Workflow ids."""
        return [one.workflow_id for one in self._by_id.values() if one.is_running]

    @property
    def escalations(self) -> list[str]:
        return [escalation for one in self.summaries for escalation in one.escalations]

    def of_channel(self, key: str) -> list[RecoverySummary]:
        return [one for one in self._by_id.values() if one.phase == DELIVER and key in one.units]

    def next_number(self, service: str, phase: str) -> int:
        """Of a recovery, from 1."""
        return 1 + sum((one.service, one.phase) == (service, phase) for one in self._by_id.values())

    def places(self, escalations: tuple[str, ...], edition_id: str, *, but_of: Collection[str] = ()) -> list[Place]:
        """Each escalation with the workflow that joined it, a recovery or the edition itself; but those of recoveries
        of these phases, and those that are given up."""
        own = [(escalation, edition_id) for escalation in escalations if escalation not in self.escalations]
        joined = [one for one in self._by_id.values() if one.phase not in but_of]
        places = [*((escalation, one.workflow_id) for one in joined for escalation in one.escalations), *own]
        return [place for place in places if place not in self.given_up]

    def _with_people(self, recovery: RecoverySummary) -> RecoverySummary:
        asked = self._asking.get(recovery.workflow_id) if recovery.is_running else None
        if asked is None:
            return recovery
        return recovery.model_copy(update={"escalations": asked.escalations, "choices": asked.choices})


def is_decided_by_people(recovery: RecoverySummary) -> bool:
    """Whether somebody has said how it goes on without what is missing."""
    is_end = recovery.decision not in {"", Decision.RETRY}
    return is_end and not recovery.decided_by.startswith(POLICY)
