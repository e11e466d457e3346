"""What every part of an edition's run shares: how far it is, what it tells, what it refuses, and how it may end."""

from typing import Any, NamedTuple, TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from devsync.contracts import names
from devsync.contracts.edition import (
    EditionPlan,
    EditionProgress,
    EditionRequest,
    EditionResult,
    EditionStatus,
    Phase,
)
from devsync.domain.model import Model
from workflows.edition.phases import PhaseTimes
from workflows.edition.results import result_so_far
from workflows.edition.story import edition_story
from workflows.shared.counting import count_edition
from workflows.shared.messages import understood
from workflows.shared.signals import with_refusal

M = TypeVar("M", bound=Model)


class Ending(NamedTuple):
    """Why the run brings no edition although nothing failed: somebody said so."""

    status: EditionStatus
    why: str


class EditionRun:
    """The part without phases: a workflow inherits it, directly or by what people may say to it."""

    def __init__(self, request: EditionRequest) -> None:
        self._request = request
        self._started_at = workflow.now()
        self._times = PhaseTimes(self._started_at)
        self._planned: EditionPlan | None = None
        self._ending: Ending | None = None
        self._must_deliver = request.deliver and not request.is_dry_run
        self._is_going_out = False
        self._progress = EditionProgress(will_deliver=self._must_deliver)

    # What is told.

    def refuse(self, what: str) -> None:
        """Records what was not taken."""
        self._update(refused_messages=with_refusal(self._progress.refused_messages, what, workflow.now()))

    def _note(self, *notes: str) -> None:
        self._update(notes=(*self._progress.notes, *notes))

    def _enter(self, phase: Phase) -> None:
        now = workflow.now()
        self._times.enter(phase, now)
        self._update(phase=phase, phase_since=now, seconds=self._times.seconds(now))

    def _update(self, **changes: Any) -> None:
        self._progress = self._progress.model_copy(update=changes)
        workflow.set_current_details(edition_story(self._request, self._progress))

    def _show_status(self, status: str) -> None:
        workflow.upsert_search_attributes([names.EDITION_STATUS.value_set(status)])

    # What people say.

    def _from_person(self, name: str, raw: RawValue, kind: type[M]) -> M | None:
        """None where it makes no sense; it is refused then."""
        return understood(name, raw, kind, self.refuse, of_person=True)

    # How it ends.

    async def _end(self, status: EditionStatus, why: str) -> None:
        """Of everything that is under way: this does not return."""
        self._ending = Ending(status, why)
        await workflow.wait_condition(lambda: False)

    def _so_far(self, status: EditionStatus) -> EditionResult:
        seconds = self._times.seconds(workflow.now())
        return result_so_far(self._request, self._progress, workflow.info(), status, seconds)

    def _conclude(self, result: EditionResult) -> None:
        self._update(result=result)
        self._show_status(result.status.value)
        if not self._request.is_dry_run:
            count_edition(result)

    @property
    def _concluded(self) -> EditionResult:
        if self._progress.result is None:
            raise ApplicationError("the run is over and has no result: a mistake of ours", non_retryable=True)
        return self._progress.result
