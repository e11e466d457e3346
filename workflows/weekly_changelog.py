"""One edition of one team's weekly changelog, from plan to record."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.breaker import ServiceReleased
    from devsync.contracts.collection import UnitCollected
    from devsync.contracts.delivery import DeliveryOutcome
    from devsync.contracts.edition import (
        ChannelResult,
        ComposeEdition,
        EditionComposed,
        EditionPlan,
        EditionProgress,
        EditionRendered,
        EditionRequest,
        EditionResult,
        EditionStatus,
        FindPreviousEdition,
        KeptEdition,
        Phase,
        PlanEdition,
        PreviousEdition,
        RecordEdition,
        RenderEdition,
        ServiceWait,
    )
    from devsync.contracts.policies import Policies
    from devsync.domain.changelog.deadline import Deadline
    from devsync.domain.changelog.due import told
    from devsync.domain.changelog.edition import Gap
    from devsync.runtime.policies import BOOTSTRAP, call
    from workflows.carrying import fitting, left_for_renderings
    from workflows.channels import bring_to_channel, delivery_request
    from workflows.failures import failure_of, gap_of, reason_of
    from workflows.phases import PhaseTimes
    from workflows.results import channel_result, is_reported, made_edition, result_so_far
    from workflows.signals import with_refusal
    from workflows.story import edition_story
    from workflows.units import Answer, Ask, ask_all, asks_of, was_silent
    from workflows.waiting import is_done_unless

LAST_RECORD_TIME = timedelta(minutes=1)
"""A run that made no edition records why, and does not outlive a database that is away: its week must be free again."""


@workflow.defn(name=names.WEEKLY_CHANGELOG)
class WeeklyChangelog:
    """Collects what happened in one ISO week, composes the edition and brings it to the team's channels.

    One source down never ends an edition: it leaves a named gap. The deadline is an instant, worked out once; waiting
    for services and channels stops there. Our own steps are tried for days: a late edition beats none.
    """

    @workflow.init
    def __init__(self, request: EditionRequest) -> None:
        self._request = request
        self._started_at = workflow.now()
        self._times = PhaseTimes(self._started_at)
        self._policies: Policies = {}
        self._missing: dict[str, Gap] = {}
        self._outcomes: dict[str, DeliveryOutcome] = {}
        self._released: set[str] = set()
        self._must_deliver = request.deliver and not request.is_dry_run
        self._has_delivered = False
        self._progress = EditionProgress(will_deliver=self._must_deliver)

    @workflow.run
    async def run(self, request: EditionRequest) -> EditionResult:
        self._be_findable()
        try:
            plan = await self._plan()
            finding_previous = asyncio.create_task(self._find_previous(plan))
            units, gaps = await self._collect(plan)
            composed, revision = await self._compose(plan, units, gaps, finding_previous)
            rendered = await self._render(plan, units, composed, revision)
            self._say_if_late()
            while True:
                channels = await self._deliver(plan, composed, rendered, revision)
                so_far = self._so_far(EditionStatus.COMPLETE)
                result = made_edition(so_far, units, composed, rendered, channels, self._outcomes.values())
                await self._record(plan, composed, result)
                if not self._owes_delivery():
                    return result
                self._show_status("running")
        except (asyncio.CancelledError, FailureError) as error:
            if not self._has_delivered:  # an edition that is out stays what it is
                await self._record_the_end(error)
            raise

    # What people and other workflows may ask and say.

    @workflow.query(description="How far the edition is, what is missing, and its result once it is delivered")
    def progress(self) -> EditionProgress:
        return self._progress

    @workflow.signal(description="A channel's Delivery tells its outcome; sent by that workflow, not by people")
    def delivery_reported(self, outcome: DeliveryOutcome) -> None:
        self._outcomes[outcome.channel] = outcome

    @workflow.signal(description="Calls to a service go out again before its time; sent by its breaker, not by people")
    def service_released(self, released: ServiceReleased) -> None:
        self._released.add(released.service)

    @workflow.signal(description="Also deliver a run that was started only to compose and store; no argument")
    def deliver(self) -> None:
        if self._request.is_dry_run:
            self._refuse("signal 'deliver' to a dry run")
            return
        self._must_deliver = True
        self._update(will_deliver=True)
        if self._owes_delivery():
            self._update(result=None)  # that it had ended with, had nobody asked for more

    @workflow.signal(dynamic=True, description="Any other signal is recorded as refused; the run goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._refuse(f"signal {name!r}")

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
        self._policies = plan.policies
        self._update(units_total=len(plan.units), deadline=self._deadline.at, notes=plan.notes)
        return plan

    async def _collect(self, plan: EditionPlan) -> tuple[list[UnitCollected], list[Gap]]:
        self._enter(Phase.COLLECTING)
        asks = asks_of(plan, workflow.info())
        answers = await self._ask_all(asks)
        silent = [ask for ask in asks if was_silent(answers[ask.unit])]
        if silent and self._deadline.may_collect_again(workflow.now()):
            # All workers were away until the time was up. They are back, or this would not run.
            answers |= await self._ask_all(silent)
        units, too_large = fitting([answer for answer in answers.values() if isinstance(answer, UnitCollected)])
        return units, [*self._missing.values(), *too_large]

    async def _ask_all(self, asks: Sequence[Ask]) -> dict[str, Answer]:
        return await ask_all(asks, self._policies, self._deadline, self)

    async def _find_previous(self, plan: EditionPlan) -> PreviousEdition:
        return await call(
            activities.FIND_PREVIOUS,
            FindPreviousEdition(
                team=plan.team, iso_week=plan.iso_week, run_id=workflow.info().original_execution_run_id
            ),
            self._policies,
            summary="Look for an earlier revision of this week",
        )

    async def _compose(
        self,
        plan: EditionPlan,
        units: list[UnitCollected],
        gaps: list[Gap],
        finding_previous: "asyncio.Task[PreviousEdition]",
    ) -> tuple[EditionComposed, int]:
        self._enter(Phase.COMPOSING)
        now = workflow.now()
        composed = await call(
            activities.COMPOSE_EDITION,
            ComposeEdition(
                plan=plan,
                units=tuple(units),
                gaps=tuple(gaps),
                patient_until=now + self._deadline.time_to_collect(now),
            ),
            self._policies,
            summary=f"Compose {len(units)} units, {len(gaps)} missing",
        )
        previous = await finding_previous
        unchanged = previous.revision > 0 and previous.digest == composed.digest
        revision = previous.revision if unchanged else previous.revision + 1
        self._update(item_count=composed.item_count, gaps=composed.gaps, revision=revision)
        return composed, revision

    async def _render(
        self, plan: EditionPlan, units: list[UnitCollected], composed: EditionComposed, revision: int
    ) -> EditionRendered:
        rendered = await call(
            activities.RENDER_EDITION,
            RenderEdition(
                team=plan.team,
                edition=composed.edition,
                revision=revision,
                inline_budget=left_for_renderings(units, composed.edition),
            ),
            self._policies,
            summary=f"Render revision {revision} in every format",
        )
        if rendered.left_out:
            self._note(f"renderings: no {', '.join(rendered.left_out)}; too large to carry while the store was away")
        return rendered

    async def _deliver(
        self, plan: EditionPlan, composed: EditionComposed, rendered: EditionRendered, revision: int
    ) -> tuple[ChannelResult, ...]:
        self._enter(Phase.DELIVERING)
        if not self._must_deliver:
            return ()
        asked = [channel for channel in plan.channels if not channel.only_as_fallback]
        ours = [channel for channel in asked if channel.kind == names.SLACK]
        requests = [
            delivery_request(
                plan,
                channel,
                composed,
                rendered,
                revision=revision,
                replace=self._request.replace,
                reply_to=workflow.info().workflow_id,
            )
            for channel in ours
        ]
        await asyncio.gather(*(bring_to_channel(request) for request in requests))
        try:
            await workflow.wait_condition(
                lambda: all(is_reported(channel, revision, self._outcomes) for channel in ours),
                timeout=self._deadline.time_to_deliver(workflow.now()),
                timeout_summary="The deadline: a channel that is not done by then is queued",
            )
        except TimeoutError:
            workflow.logger.warning("deadline reached before every channel was done")
        self._has_delivered = True
        results = tuple(channel_result(channel, revision, self._outcomes) for channel in asked)
        self._update(channels=results)
        return results

    async def _record(self, plan: EditionPlan, composed: EditionComposed, result: EditionResult) -> None:
        """Until it is on record, or the run is told to deliver after all: what comes of that is recorded, too."""
        self._enter(Phase.RECORDING)
        self._conclude(result)
        kept = None if self._request.is_dry_run else KeptEdition(window=plan.window, edition=composed.edition)
        recording = call(
            activities.RECORD_EDITION,
            self._record_of(result, kept),
            self._policies,
            summary="Write the run and the edition to the records",
        )
        if await is_done_unless(recording, self._owes_delivery):
            self._enter(Phase.DONE)

    async def _record_the_end(self, error: BaseException) -> None:
        """Of a run that brings no edition. A delivery that had started is its own workflow and goes on."""
        is_cancelled = is_cancelled_exception(error)
        status = EditionStatus.CANCELLED if is_cancelled else EditionStatus.FAILED
        who = (workflow.cancellation_reason() or "no reason given") if is_cancelled else ""
        result = self._so_far(status)
        self._update(cancelled_because=who, failed_because="" if is_cancelled else reason_of(error))
        self._conclude(result)
        try:
            await call(
                activities.RECORD_EDITION,
                self._record_of(result, kept=None),
                self._policies,
                summary=f"Record that it was {status.value}",
                time_left=LAST_RECORD_TIME,
            )
        except ActivityError as unrecorded:
            workflow.logger.warning("%s, and not on record: %s", status.value, failure_of(unrecorded).message)

    # What asking the sources tells us.

    def answered(self, ask: Ask, answer: Answer) -> None:
        if isinstance(answer, UnitCollected):
            self._missing.pop(ask.unit, None)
            self._update(units_done=(*self._progress.units_done, ask.unit))
            self._note(*(f"{ask.unit}: {note}" for note in answer.notes))
        else:
            self._missing[ask.unit] = gap_of(ask.unit, ask.service, answer)
        self._update(gaps=tuple(self._missing.values()))

    def waits(self, service: str, wait: ServiceWait | None) -> None:
        others = tuple(other for other in self._progress.waits if other.service != service)
        self._update(waits=(*others, wait) if wait else others)
        if wait is None:
            self._released.discard(service)

    def is_released(self, service: str) -> bool:
        return service in self._released

    # Small parts.

    def _owes_delivery(self) -> bool:
        """A run that only composed was told to deliver after it had passed that phase."""
        return self._must_deliver and not self._has_delivered

    def _so_far(self, status: EditionStatus) -> EditionResult:
        seconds = self._times.seconds(workflow.now())
        return result_so_far(self._request, self._progress, workflow.info(), status, seconds)

    def _record_of(self, result: EditionResult, kept: KeptEdition | None) -> RecordEdition:
        return RecordEdition(
            result=result,
            kept=kept,
            requested_by=self._request.requested_by,
            cancelled_because=self._progress.cancelled_because,
            failed_because=self._progress.failed_because,
            started_at=self._started_at,
            ended_at=workflow.now(),
        )

    def _conclude(self, result: EditionResult) -> None:
        self._update(result=result)
        self._show_status(result.status.value)

    def _say_if_late(self) -> None:
        late = self._deadline.missed_by(workflow.now())
        if late is not None:
            self._note(f"schedule: ready {told(late)} after its deadline")

    def _note(self, *notes: str) -> None:
        self._update(notes=(*self._progress.notes, *notes))

    def _refuse(self, what: str) -> None:
        self._update(refused_messages=with_refusal(self._progress.refused_messages, what, workflow.now()))

    def _enter(self, phase: Phase) -> None:
        self._times.enter(phase, workflow.now())
        self._update(phase=phase)

    def _update(self, **changes: Any) -> None:
        self._progress = self._progress.model_copy(update=changes)
        workflow.set_current_details(edition_story(self._request, self._progress))
