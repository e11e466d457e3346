"""What a schedule starts: works out which week is due and sees to it that the week's edition runs."""

from collections.abc import Sequence
from datetime import datetime

from temporalio import workflow
from temporalio.common import RawValue, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from devsync.contracts import activities, names
from devsync.contracts.due import DueOutcome, DueRequest, DueWeek, EditionDue, FindDueWeek
from devsync.contracts.edition import EditionRequest, EditionResult
from devsync.domain.changelog.due import lateness
from devsync.domain.instants import in_utc
from devsync.runtime.policies import BOOTSTRAP, call
from workflows.edition.story import due_story
from workflows.shared.signals import signal_if_open, with_refusal

REQUESTED_BY = "schedule"


@workflow.defn(name=names.EDITION_TRIGGER)
class EditionTrigger:
    """One firing of a team's schedule, in time, caught up or triggered by hand.

    The week follows from when the firing was due, never from the clock: a firing that waited for a server, a worker
    or a mended configuration still means its own week. The edition's workflow id is the lock, so that any number
    of firings and runs by hand make one edition of a week.
    """

    @workflow.init
    def __init__(self, request: DueRequest) -> None:
        self._request = request
        self._due: EditionDue | None = None
        self._refused: tuple[str, ...] = ()

    @workflow.signal(dynamic=True, description="Any signal is recorded as refused; the firing goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._refused = with_refusal(self._refused, f"signal {name!r}", workflow.now())
        self._tell()

    @workflow.run
    async def run(self, request: DueRequest) -> EditionDue:
        scheduled_at = _scheduled_at()
        workflow.upsert_search_attributes([names.TEAM.value_set(request.team)])
        self._tell()
        week = await call(
            activities.FIND_DUE_WEEK,
            FindDueWeek(team=request.team, scheduled_at=scheduled_at),
            BOOTSTRAP,
            summary=f"Which week was due at {in_utc(scheduled_at)}? Until config/ can be read",
        )
        workflow.upsert_search_attributes([names.ISO_WEEK.value_set(week.iso_week)])
        run_id = await _start_edition(request, week, scheduled_at)
        self._due = EditionDue(
            team=request.team,
            iso_week=week.iso_week,
            scheduled_at=scheduled_at,
            outcome=DueOutcome.STARTED if run_id else DueOutcome.ALREADY_RUNNING,
            edition_id=names.edition_id(request.team, week.iso_week),
            edition_run_id=run_id,
            late_by=lateness(scheduled_at, workflow.now(), week.jitter),
        )
        self._tell()
        return self._due

    def _tell(self) -> None:
        workflow.set_current_details(due_story(self._request, _scheduled_at(), self._due, self._refused))


def _scheduled_at() -> datetime:
    scheduled_at = workflow.info().typed_search_attributes.get(names.SCHEDULED_START)
    if scheduled_at is None:
        raise ApplicationError(
            "no schedule started this run, so no week is due; use `python starter.py run TEAM` or "
            "`python starter.py schedule trigger TEAM`",
            type="NotScheduled",
            non_retryable=True,
        )
    return scheduled_at


async def _start_edition(request: DueRequest, week: DueWeek, scheduled_at: datetime) -> str:
    """The id of the run that was started; empty when one of the same week runs already and now delivers.

    The child is abandoned on purpose (the trigger ends at once), so its start is awaited. A closed edition is
    started again: it becomes the next revision, or posts nothing when nothing has changed.
    """
    edition_id = names.edition_id(request.team, week.iso_week)
    while True:
        try:
            edition = await workflow.start_child_workflow(
                names.WEEKLY_CHANGELOG,
                EditionRequest(
                    team=request.team, iso_week=week.iso_week, scheduled_at=scheduled_at, requested_by=REQUESTED_BY
                ),
                id=edition_id,
                task_queue=names.EDITIONS_QUEUE,
                result_type=EditionResult,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=f"Changelog of {request.team} for {week.iso_week}",
            )
        except WorkflowAlreadyStartedError:
            # The run may be a backfill that posts nothing; without being asked it would cost the team its week.
            if await signal_if_open(edition_id, "deliver"):
                return ""
            continue  # it closed in between: start the next run
        return edition.first_execution_run_id or ""
