"""One edition of one team's weekly changelog, from plan to record."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

from devsync.contracts import activities, names
from devsync.contracts.amendment import AmendmentRequest
from devsync.contracts.collection import UnitCollected
from devsync.contracts.delivery import DeliveryOutcome
from devsync.contracts.edition import (
    ChannelResult,
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
from devsync.domain.changelog.deadline import Deadline
from devsync.domain.changelog.due import duration_words
from devsync.domain.changelog.edits import Edits
from devsync.domain.changelog.telling import Telling
from devsync.runtime.policies import BOOTSTRAP, call
from workflows.delivery.channels import hand_over
from workflows.edition import making
from workflows.edition.amending import ASKED_AGAIN, begin_amendment, end_amendment, newest_for_good
from workflows.edition.collecting import collect
from workflows.edition.delivering import until_delivered
from workflows.edition.making import Made
from workflows.edition.missing import missing_of
from workflows.edition.recovering import Answered
from workflows.edition.rendering import rendered_somehow
from workflows.edition.results import channel_results, made_edition, record_of
from workflows.edition.reviewing import Reviewing
from workflows.edition.units import Answer, Ask, asks_of
from workflows.recovery.records import record_recovery
from workflows.shared.failures import failure_of, reason_of
from workflows.shared.messages import understood
from workflows.shared.waiting import do_unless

LAST_RECORD_TIME = timedelta(minutes=1)
"""A run that made no edition records why, and does not outlive a database that is away: its week must be free again."""


@workflow.defn(name=names.WEEKLY_CHANGELOG)
class WeeklyChangelog(Reviewing):
    """Collects what happened in one ISO week, composes the edition and brings it to the team's channels.

    One source down never ends an edition: a recovery heals it, or something stands in for it, or it leaves a named gap.
    The deadline is an instant, worked out once; waiting for services, people and channels stops there. Our own steps
    are tried for days: a late edition beats none.
    """

    @workflow.init
    def __init__(self, request: EditionRequest) -> None:
        super().__init__(request)
        self._outcomes: dict[str, DeliveryOutcome] = {}
        self._has_delivered = False
        self._has_failed = False
        self._amended: PreviousEdition | None = None
        """What an amendment of the week had made when this run took its place."""

    @workflow.run
    async def run(self, request: EditionRequest) -> EditionResult:
        self._be_findable()
        try:
            await do_unless(self._make_and_deliver(), lambda: self._ending is not None)
            if self._ending is not None:
                await self._record_without_edition(self._ending.status, cancelled_because=self._ending.why)
        except (asyncio.CancelledError, FailureError) as error:
            self._has_failed = True
            if not self._has_delivered:  # an edition that is out stays what it is
                await self._record_the_failure(error)
            await workflow.wait_condition(workflow.all_handlers_finished)
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._concluded

    async def _make_and_deliver(self) -> None:
        plan = await self._plan()
        previous, answered = await asyncio.gather(making.find_previous(plan), self._collect(plan))
        if not self._request.is_dry_run:
            previous = await newest_for_good(plan, previous, lambda: self._amended)
        made = await self._compose(plan, answered, previous, Edits())
        while True:
            made = await self._approve(plan, made, previous)
            rendered = await self._render(plan, made)
            channels = await self._deliver(plan, made, rendered)
            await self._until_reminders_are_said()
            result = self._result(made, rendered, channels)
            await self._heal_later(plan, made, result, previous)
            await self._record(plan, made, result)
            await workflow.wait_condition(lambda: workflow.all_handlers_finished() or self._owes_delivery())
            if not self._owes_delivery():
                return
            self._show_status("running")
            self._has_left = False

    # What people and other workflows may ask and say.

    @workflow.query(description="How far the edition is, what is missing, and its result once it is delivered")
    def progress(self) -> EditionProgress:
        return self._progress

    @workflow.signal(description="A channel's Delivery tells its outcome; sent by that workflow, not by people")
    def delivery_reported(self, raw: RawValue) -> None:
        outcome = understood("delivery_reported", raw, DeliveryOutcome, self.refuse)
        if outcome is None:
            return
        self._outcomes[outcome.channel] = outcome
        if self._approval is not None and not self._approval.is_over:
            self._approval.heard(outcome)
            self._update(approval=self._approval.progress)

    @workflow.signal(description="The week's amendment makes no revision any more; sent by it, not by people")
    def amendment_stands_by(self, raw: RawValue) -> None:
        newest = understood("amendment_stands_by", raw, PreviousEdition, self.refuse)
        if newest is not None:
            self._amended = newest

    @workflow.signal(description="Does nothing; a recovery that was cancelled asks whether we are open, not people")
    def still_there(self) -> None:
        pass

    @workflow.signal(description="Also deliver a run that was started only to compose and store; no argument")
    def deliver(self) -> None:
        if self._request.is_dry_run:
            self.refuse("signal 'deliver' to a dry run")
            return
        if self._has_failed or self._ending is not None:
            self.refuse("signal 'deliver': the run ends without an edition")
            return
        self._must_deliver = True
        self._update(will_deliver=True)
        if self._owes_delivery():
            self._update(result=None)  # that it had ended with, had nobody asked for more

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
        self._deadline = self._deadline.or_late(workflow.now())
        return await collect(plan, asks, self._deadline, self._heard, self._recover)

    async def _compose(self, plan: EditionPlan, answered: Answered, previous: PreviousEdition, edits: Edits) -> Made:
        self._enter(Phase.COMPOSING)
        now = workflow.now()
        patient_until = now + self._deadline.time_to_recover(now)
        composed = await making.compose(plan, answered.units, answered.gaps, edits, patient_until)
        unchanged = previous.revision > 0 and previous.digest == composed.digest
        revision = previous.revision if unchanged else previous.revision + 1
        if self._request.is_dry_run:
            revision = 0  # it makes none
        self._update(item_count=composed.item_count, gaps=composed.gaps, revision=revision)
        if composed.unknown_edits:
            self._note(f"approval: the edition has no {', '.join(composed.unknown_edits)}")
        missing = missing_of(composed.gaps, answered.failed, asks_of(plan, workflow.info()))
        return Made(answered, composed, missing, revision, edits)

    async def _render(self, plan: EditionPlan, made: Made) -> EditionRendered:
        """Meanwhile the preview says how it was answered."""
        now = workflow.now()
        until = now + self._deadline.time_to_render(now)
        telling = self._telling(plan, made)
        rendering = making.rendering_of(plan, plan.channels, made.answered.units, made.composed, made.revision, telling)
        rendered, _ = await asyncio.gather(
            rendered_somehow(plan, rendering, until, self._recover), self._close_preview(until)
        )
        if rendered.left_out:
            self._note(f"renderings: no {', '.join(rendered.left_out)}; too large to carry while the store was away")
        return rendered

    async def _deliver(self, plan: EditionPlan, made: Made, rendered: EditionRendered) -> tuple[ChannelResult, ...]:
        self._say_if_late()
        self._deadline = self._deadline.or_late(workflow.now())
        self._enter(Phase.DELIVERING)
        if not self._must_deliver:
            return ()
        self._is_going_out = True
        asked = [channel for channel in plan.channels if not channel.only_as_fallback]
        request_for = making.requests_for(
            plan,
            made.composed,
            rendered,
            revision=made.revision,
            replace=self._request.replace,
            is_looked_after=True,
        )
        await hand_over(asked, request_for)
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
        missing = made.missing
        if self._has_delivered:
            await self._hand_to_deliveries(plan, self._outcomes)
        note = f"the edition is {result.status.value}"
        if self._has_delivered and missing:
            await begin_amendment(
                AmendmentRequest(
                    plan=plan,
                    units=tuple(unit for unit in made.answered.units if unit.unit not in made.composed.unread),
                    missing=missing,
                    edits=made.edits,
                    result=result,
                    until=self._deadline.at + plan.amend_for,
                )
            )
            await self._leave_escalations(is_healed=result.is_everywhere, note=note, but_of=ASKED_AGAIN)
            return
        await self._leave_escalations(is_healed=not missing and result.is_everywhere, note=note)
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
        if await do_unless(recording, self._owes_delivery):
            await self._record_recoveries(plan)
            self._enter(Phase.DONE)

    async def _record_recoveries(self, plan: EditionPlan) -> None:
        """Those that could not: they had only a moment for it."""
        for report in self._recoveries.unrecorded:
            await record_recovery(plan.team, plan.iso_week, report, plan.policies)

    # The ends without an edition.

    async def _record_the_failure(self, error: BaseException) -> None:
        """A delivery that had started is its own workflow and goes on, alone."""
        if is_cancelled_exception(error):
            who = workflow.cancellation_reason() or "no reason given"
            await self._record_without_edition(EditionStatus.CANCELLED, cancelled_because=who)
        else:
            await self._record_without_edition(EditionStatus.FAILED, failed_because=reason_of(error))

    async def _record_without_edition(self, status: EditionStatus, **why: str) -> None:
        self._update(**why)
        self._withdraw_preview(f"the edition is {status.value}: {next(iter(why.values()), '')}")
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
        await self._close_preview(workflow.now() + LAST_RECORD_TIME)
        await self._until_reminders_are_said()
        if self._is_going_out and self._planned is not None:
            await self._hand_to_deliveries(self._planned, self._outcomes)
        await self._leave_escalations(is_healed=False, note=f"the edition is {status.value}")

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
        is_healed_later = self._must_deliver and made.missing
        return Telling(asks_until=self._deadline.at + plan.amend_for if is_healed_later else None)

    def _result(self, made: Made, rendered: EditionRendered, channels: tuple[ChannelResult, ...]) -> EditionResult:
        return made_edition(
            self._so_far(EditionStatus.COMPLETE),
            made.answered.units,
            made.composed,
            rendered,
            channels,
            self._outcomes.values(),
        )

    def _say_if_late(self) -> None:
        late = self._deadline.missed_by(workflow.now())
        if late is not None:
            self._note(f"schedule: ready {duration_words(late)} after its deadline")
