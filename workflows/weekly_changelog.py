"""One edition of one team's weekly changelog, from plan to record."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.amendment import AmendmentRequest
    from devsync.contracts.approval import ApprovalPlan, ApprovalProgress
    from devsync.contracts.collection import UnitCollected
    from devsync.contracts.delivery import ChannelPlan, DeliveryOutcome
    from devsync.contracts.edition import (
        ChannelResult,
        EditionComposed,
        EditionPlan,
        EditionProgress,
        EditionRendered,
        EditionRequest,
        EditionResult,
        EditionStatus,
        KeptEdition,
        Phase,
        PlanEdition,
        PreviousEdition,
    )
    from devsync.contracts.escalation import EscalationDecided
    from devsync.contracts.people import Escalate
    from devsync.contracts.recovery import RecoveryReport, RecoveryRequest
    from devsync.domain.changelog.deadline import Deadline
    from devsync.domain.changelog.due import told
    from devsync.domain.changelog.edits import Edits
    from devsync.domain.changelog.telling import Telling
    from devsync.domain.model import Model
    from devsync.domain.recovery.decision import Decision
    from devsync.domain.recovery.healing import RecoveryOutcome
    from devsync.runtime.policies import BOOTSTRAP, call
    from workflows import escalating, making, previews
    from workflows.amending import ASKED_AGAIN, begin_amendment, end_amendment
    from workflows.approval import Approval
    from workflows.approving import Approving
    from workflows.collecting import collect
    from workflows.delivering import until_delivered
    from workflows.failures import failure_of, reason_of
    from workflows.messages import decision as read_from_person
    from workflows.phases import PhaseTimes
    from workflows.recovering import Answered, report_of, running_summary, start_recovery, without_people
    from workflows.recovery_book import Place, RecoveryBook
    from workflows.recovery_records import is_recovery_recorded
    from workflows.rendering import rendered_somehow
    from workflows.results import channel_results, is_everywhere, made_edition, record_of, result_so_far
    from workflows.signals import signal_if_open, with_refusal
    from workflows.story import edition_story
    from workflows.units import Answer, Ask, asks_of
    from workflows.waiting import is_done_unless

M = TypeVar("M", bound=Model)

LAST_RECORD_TIME = timedelta(minutes=1)
"""A run that made no edition records why, and does not outlive a database that is away: its week must be free again."""


class Made(NamedTuple):
    """An edition that is composed, of what, and which revision of its week it is."""

    answered: Answered
    composed: EditionComposed
    revision: int
    edits: Edits


class Ending(NamedTuple):
    """Why the run brings no edition although nothing failed: somebody said so."""

    status: EditionStatus
    why: str


@workflow.defn(name=names.WEEKLY_CHANGELOG)
class WeeklyChangelog(Approving):
    """Collects what happened in one ISO week, composes the edition and brings it to the team's channels.

    One source down never ends an edition: a recovery heals it, or something stands in for it, or it leaves a named gap.
    The deadline is an instant, worked out once; waiting for services, people and channels stops there. Our own steps
    are tried for days: a late edition beats none.
    """

    @workflow.init
    def __init__(self, request: EditionRequest) -> None:
        super().__init__()
        self._request = request
        self._started_at = workflow.now()
        self._times = PhaseTimes(self._started_at)
        self._planned: EditionPlan | None = None
        self._recoveries = RecoveryBook()
        self._outcomes: dict[str, DeliveryOutcome] = {}
        self._ending: Ending | None = None
        self._must_deliver = request.deliver and not request.is_dry_run
        self._is_going_out = False
        self._has_delivered = False
        self._progress = EditionProgress(will_deliver=self._must_deliver)

    @workflow.run
    async def run(self, request: EditionRequest) -> EditionResult:
        self._be_findable()
        try:
            await is_done_unless(self._make_and_deliver(), lambda: self._ending is not None)
            if self._ending is not None:
                await self._record_without_edition(self._ending.status, cancelled_because=self._ending.why)
        except (asyncio.CancelledError, FailureError) as error:
            if not self._has_delivered:  # an edition that is out stays what it is
                await self._record_the_failure(error)
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._concluded

    async def _make_and_deliver(self) -> None:
        plan = await self._plan()
        previous, answered = await asyncio.gather(making.find_previous(plan), self._collect(plan))
        made = await self._compose(plan, answered, previous, Edits())
        while True:
            made = await self._approve(plan, made, previous)
            rendered = await self._render(plan, made, plan.channels, self._telling(plan, made))
            channels = await self._deliver(plan, made, rendered)
            result = self._result(made, rendered, channels)
            await self._heal_later(plan, made, result, previous)
            await self._record(plan, made, result)
            if not self._owes_delivery():
                return
            self._show_status("running")

    # What people and other workflows may ask and say.

    @workflow.query(description="How far the edition is, what is missing, and its result once it is delivered")
    def progress(self) -> EditionProgress:
        return self._progress

    @workflow.signal(description="A channel's Delivery tells its outcome; sent by that workflow, not by people")
    def delivery_reported(self, outcome: DeliveryOutcome) -> None:
        self._outcomes[outcome.channel] = outcome

    @workflow.signal(description="Also deliver a run that was started only to compose and store; no argument")
    def deliver(self) -> None:
        if self._request.is_dry_run:
            self.refuse("signal 'deliver' to a dry run")
            return
        self._must_deliver = True
        self._update(will_deliver=True)
        if self._owes_delivery():
            self._update(result=None)  # that it had ended with, had nobody asked for more

    @workflow.signal(description='Ask people about this run: {"by": "anna", "reason": "…", "level": "…"}')
    async def escalate(self, raw: RawValue) -> None:
        asked = self._from_person("escalate", raw, Escalate)
        if asked is not None:
            await self._ask_people(asked)

    @workflow.signal(description="An escalation tells its decision; sent by that workflow, not by people")
    async def decided(self, said: EscalationDecided) -> None:
        await self._follow(said)

    @workflow.signal(dynamic=True, description="Any other signal is recorded as refused; the run goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self.refuse(f"signal {name!r}")

    # The phases, in order.

    def _be_findable(self) -> None:
        workflow.upsert_search_attributes(
            [
                names.TEAM.value_set(self._request.team),
                names.ISO_WEEK.value_set(self._request.iso_week),
                names.EDITION_STATUS.value_set("running"),
            ]
        )

    def _show_status(self, status: str) -> None:
        workflow.upsert_search_attributes([names.EDITION_STATUS.value_set(status)])

    async def _plan(self) -> EditionPlan:
        self._enter(Phase.PLANNING)
        plan = await call(
            activities.PLAN_EDITION,
            PlanEdition(
                team=self._request.team,
                iso_week=self._request.iso_week,
                scheduled_at=self._request.scheduled_at,
                started_at=self._started_at,
            ),
            BOOTSTRAP,
            summary=f"Plan {self._request.team} {self._request.iso_week} from the configuration",
        )
        begin = max(self._request.scheduled_at or self._started_at, self._started_at)
        self._deadline = Deadline.of(begin, plan.deliver_by, plan.delivery_reserve)
        self._planned = plan
        self._update(deadline=self._deadline.at, notes=plan.notes)
        return plan

    async def _collect(self, plan: EditionPlan) -> Answered:
        self._enter(Phase.COLLECTING)
        asks = asks_of(plan, workflow.info())
        self._update(units_total=len(asks))
        return await collect(plan, asks, self._deadline, self._heard, self._recover)

    async def _compose(self, plan: EditionPlan, answered: Answered, previous: PreviousEdition, edits: Edits) -> Made:
        self._enter(Phase.COMPOSING)
        now = workflow.now()
        patient_until = now + self._deadline.time_to_collect(now)
        composed = await making.compose(plan, answered.units, answered.gaps, edits, patient_until)
        unchanged = previous.revision > 0 and previous.digest == composed.digest
        revision = previous.revision if unchanged else previous.revision + 1
        self._update(item_count=composed.item_count, gaps=composed.gaps, revision=revision)
        if composed.unknown_edits:
            self._note(f"approval: the edition has no {', '.join(composed.unknown_edits)}")
        return Made(answered, composed, revision, edits)

    async def _approve(self, plan: EditionPlan, made: Made, previous: PreviousEdition) -> Made:
        """Waits for reviewers, where the team has some; what they edit is composed and shown to them again."""
        if plan.approval is None or not self._must_deliver:
            return made
        now = workflow.now()
        until = min(now + plan.approval.wait, now + self._deadline.time_to_collect(now))
        approval = self._approval = Approval(plan.approval, until)
        while not approval.is_over:
            self._enter(Phase.APPROVING)
            await self._show_preview(plan, plan.approval, approval, made)
            if not await previews.is_answered(plan, plan.approval, approval, made.edits, self._note):
                approval.time_is_up()
            if approval.edits != made.edits:
                made = await self._compose(plan, made.answered, previous, approval.edits)
        await self._show_preview(plan, plan.approval, approval, made)
        if not approval.is_agreed:
            await self._end(EditionStatus.REJECTED, f"{approval.progress.by}: {approval.progress.note}")
        return made

    async def _render(
        self, plan: EditionPlan, made: Made, channels: Sequence[ChannelPlan], telling: Telling
    ) -> EditionRendered:
        rendering = making.rendering_of(plan, channels, made.answered.units, made.composed, made.revision, telling)
        now = workflow.now()
        until = now + self._deadline.time_to_deliver(now)
        rendered = await rendered_somehow(plan, rendering, until, self._recover)
        if rendered.left_out:
            self._note(f"renderings: no {', '.join(rendered.left_out)}; too large to carry while the store was away")
        return rendered

    async def _deliver(self, plan: EditionPlan, made: Made, rendered: EditionRendered) -> tuple[ChannelResult, ...]:
        self._say_if_late()
        self._enter(Phase.DELIVERING)
        if not self._must_deliver:
            return ()
        self._is_going_out = True
        asked = [channel for channel in plan.channels if not channel.only_as_fallback]
        await making.hand_over(
            plan, asked, made.composed, rendered, revision=made.revision, replace=self._request.replace
        )
        request_for = making.requests_for(
            plan, made.composed, rendered, revision=made.revision, replace=self._request.replace
        )
        if not await until_delivered(
            plan, asked, made.revision, self._outcomes, self._deadline, request_for, self._recover
        ):
            workflow.logger.warning("deadline reached before every channel was done")
        self._has_delivered = True
        results = channel_results(plan, made.revision, self._outcomes)
        self._update(channels=results)
        return results

    async def _heal_later(
        self, plan: EditionPlan, made: Made, result: EditionResult, previous: PreviousEdition
    ) -> None:
        """What is missing is asked for again by an amendment, which also takes our places in escalations."""
        missing = tuple(unit for unit in made.answered.failed if unit.ask is not None)
        note = f"the edition is {result.status.value}"
        if self._has_delivered and missing:
            await begin_amendment(
                AmendmentRequest(
                    plan=plan,
                    units=made.answered.units,
                    missing=missing,
                    edits=made.edits,
                    result=result,
                    until=self._deadline.at + plan.amend_for,
                )
            )
            await escalating.leave(self._places(but_of=ASKED_AGAIN), is_healed=is_everywhere(result), note=note)
            return
        await escalating.leave(self._places(), is_healed=not missing and is_everywhere(result), note=note)
        if self._has_delivered and previous.revision:
            await end_amendment(plan.team, plan.iso_week)

    async def _record(self, plan: EditionPlan, made: Made, result: EditionResult) -> None:
        """Until it is on record, or the run is told to deliver after all: what comes of that is recorded, too."""
        self._enter(Phase.RECORDING)
        self._conclude(result)
        kept = None if self._request.is_dry_run else KeptEdition(window=plan.window, edition=made.composed.edition)
        recording = call(
            activities.RECORD_EDITION,
            record_of(self._request, self._progress, result, kept, self._started_at),
            plan.policies,
            summary="Write the run and the edition to the records",
        )
        if await is_done_unless(recording, self._owes_delivery):
            await self._record_recoveries(plan)
            self._enter(Phase.DONE)

    async def _record_recoveries(self, plan: EditionPlan) -> None:
        """Those that could not: they had only a moment for it."""
        for report in self._recoveries.unrecorded:
            await is_recovery_recorded(plan.team, plan.iso_week, report, plan.policies)

    # The ends without an edition.

    async def _end(self, status: EditionStatus, why: str) -> None:
        """Of everything that is under way: this does not return."""
        self._ending = Ending(status, why)
        await workflow.wait_condition(lambda: False)

    async def _record_the_failure(self, error: BaseException) -> None:
        """A delivery that had started is its own workflow and goes on."""
        if is_cancelled_exception(error):
            who = workflow.cancellation_reason() or "no reason given"
            await self._record_without_edition(EditionStatus.CANCELLED, cancelled_because=who)
        else:
            await self._record_without_edition(EditionStatus.FAILED, failed_because=reason_of(error))

    async def _record_without_edition(self, status: EditionStatus, **why: str) -> None:
        self._update(**why)
        result = self._so_far(status)
        self._conclude(result)
        try:
            await call(
                activities.RECORD_EDITION,
                record_of(self._request, self._progress, result, None, self._started_at),
                self._planned.policies if self._planned else {},
                summary=f"Record that it was {status.value}",
                time_left=LAST_RECORD_TIME,
            )
        except ActivityError as unrecorded:
            workflow.logger.warning("%s, and not on record: %s", status.value, failure_of(unrecorded).message)
        await escalating.leave(self._places(), is_healed=False, note=f"the edition is {status.value}")

    # Recovering, and asking people.

    async def _recover(self, request: RecoveryRequest) -> RecoveryReport:
        if not self._must_deliver:
            request = without_people(request)  # nobody is asked about what nobody waits for
        recovery = await start_recovery(request, self._recoveries.next_number(request.service, request.phase))
        self._recoveries.begins(running_summary(recovery.id, request))
        self._tell_of_recoveries()
        report = await report_of(request, recovery)
        self._recoveries.ended(report)
        self._tell_of_recoveries()
        for unit in report.healed:
            self._note(*(f"{unit.unit}: {note}" for note in unit.notes))
        if report.outcome is RecoveryOutcome.ABORTED and not self._is_going_out:
            await self._end(EditionStatus.ABORTED, f"{report.decided_by}: {report.note or 'no reason given'}")
        return report

    def _tell_of_recoveries(self) -> None:
        escalations = dict.fromkeys((*self._progress.escalations, *self._recoveries.escalations))
        self._update(recoveries=self._recoveries.summaries, escalations=tuple(escalations))

    def _places(self, *, but_of: Collection[str] = ()) -> list[Place]:
        return self._recoveries.places(self._progress.escalations, workflow.info().workflow_id, but_of=but_of)

    async def _ask_people(self, asked: Escalate) -> None:
        if self._progress.result is not None:
            self.refuse("signal 'escalate': the run is over")
            return
        plan = self._planned
        joining = escalating.about_edition(
            self._request, asked, plan.escalation if plan else "default", self._progress.deadline
        )
        try:
            escalation = await escalating.join(joining, plan.policies if plan else {}, f"{asked.by} asks people")
        except ActivityError as error:
            self.refuse(f"signal 'escalate': {failure_of(error).message}")
            return
        if escalation:
            self._update(escalations=tuple(dict.fromkeys((*self._progress.escalations, escalation))))

    async def _follow(self, said: EscalationDecided) -> None:
        """What people decide about the run is decided for all its recoveries."""
        if said.decision is None or said.escalation_id not in self._progress.escalations:
            return
        if said.decision is Decision.ABORT:
            if self._is_going_out:
                self.refuse(f"decision 'abort' of {said.by}: the edition is going out already")
            else:
                self._ending = Ending(EditionStatus.ABORTED, f"{said.by}: {said.note or 'no reason given'}")
            return
        answer = {"by": said.by, "decision": said.decision.value, "note": said.note}
        for recovery in self._recoveries.running:
            await signal_if_open(recovery, "resolve", answer)

    # Approval.

    def tell_of_approval(self, approval: ApprovalProgress) -> None:
        self._update(approval=approval)

    async def _show_preview(self, plan: EditionPlan, asked: ApprovalPlan, approval: Approval, made: Made) -> None:
        self.tell_of_approval(approval.progress)
        banner = previews.banner_of(plan, approval.progress)
        preview = await self._render(plan, made, asked.reviewers, Telling(banner=banner))
        await previews.show(plan, asked, made.composed, preview, made.revision)

    # What asking the sources tells us.

    def _heard(self, ask: Ask, answer: Answer) -> None:
        if isinstance(answer, UnitCollected):
            self._update(units_done=(*self._progress.units_done, ask.unit))
            self._note(*(f"{ask.unit}: {note}" for note in answer.notes))

    # Small parts.

    def _owes_delivery(self) -> bool:
        """A run that only composed was told to deliver after it had passed that phase."""
        return self._must_deliver and not self._has_delivered

    def _telling(self, plan: EditionPlan, made: Made) -> Telling:
        is_healed_later = self._must_deliver and any(unit.ask is not None for unit in made.answered.failed)
        return Telling(asks_until=self._deadline.at + plan.amend_for if is_healed_later else None)

    def _so_far(self, status: EditionStatus) -> EditionResult:
        seconds = self._times.seconds(workflow.now())
        return result_so_far(self._request, self._progress, workflow.info(), status, seconds)

    def _result(self, made: Made, rendered: EditionRendered, channels: tuple[ChannelResult, ...]) -> EditionResult:
        return made_edition(
            self._so_far(EditionStatus.COMPLETE),
            made.answered.units,
            made.composed,
            rendered,
            channels,
            self._outcomes.values(),
        )

    def _conclude(self, result: EditionResult) -> None:
        self._update(result=result)
        self._show_status(result.status.value)

    @property
    def _concluded(self) -> EditionResult:
        if self._progress.result is None:
            raise ApplicationError("the run is over and has no result: a mistake of ours", non_retryable=True)
        return self._progress.result

    def _say_if_late(self) -> None:
        late = self._deadline.missed_by(workflow.now())
        if late is not None:
            self._note(f"schedule: ready {told(late)} after its deadline")

    def _note(self, *notes: str) -> None:
        self._update(notes=(*self._progress.notes, *notes))

    def _from_person(self, name: str, raw: RawValue, kind: type[M]) -> M | None:
        try:
            return read_from_person(raw, kind)
        except ApplicationError as refused:
            self.refuse(f"signal {name!r}: {refused.message}")
            return None

    def refuse(self, what: str) -> None:
        self._update(refused_messages=with_refusal(self._progress.refused_messages, what, workflow.now()))

    def _enter(self, phase: Phase) -> None:
        self._times.enter(phase, workflow.now())
        self._update(phase=phase)

    def _update(self, **changes: Any) -> None:
        self._progress = self._progress.model_copy(update=changes)
        workflow.set_current_details(edition_story(self._request, self._progress))
