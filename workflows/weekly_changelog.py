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
    )
    from devsync.contracts.policies import Policies
    from devsync.domain.changelog.deadline import Deadline
    from devsync.domain.changelog.due import told
    from devsync.domain.changelog.edition import Gap
    from devsync.runtime.policies import BOOTSTRAP, call
    from workflows.channels import bring_to_channel, delivery_request
    from workflows.failures import failure_of, gap_of, reason_of
    from workflows.phases import PhaseTimes
    from workflows.results import channel_result, is_reported, made_edition
    from workflows.story import edition_story
    from workflows.units import Answer, Ask, asks_of, was_silent

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
        self._must_deliver = request.deliver and not request.is_dry_run
        self._has_delivered = False
        self._progress = EditionProgress(will_deliver=self._must_deliver)

    @workflow.run
    async def run(self, request: EditionRequest) -> EditionResult:
        self._be_findable()
        try:
            plan = await self._plan()
            units, gaps = await self._collect(plan)
            composed, revision = await self._compose(plan, units, gaps)
            rendered = await self._render(plan, composed, revision)
            while True:
                channels = await self._deliver(plan, rendered, revision)
                result = self._result(units, composed, rendered, channels)
                await self._record(plan, result)
                if not self._owes_delivery():
                    return result
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

    @workflow.signal(description="Also deliver a run that was started only to compose and store; no argument")
    def deliver(self) -> None:
        if self._request.is_dry_run:
            self._refuse("signal 'deliver' to a dry run")
            return
        self._must_deliver = True
        self._update(will_deliver=True)

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
        units_total = len(plan.repositories) + len(plan.projects)
        self._update(units_total=units_total, deadline=self._deadline.at, notes=plan.notes)
        return plan

    async def _collect(self, plan: EditionPlan) -> tuple[list[UnitCollected], list[Gap]]:
        self._enter(Phase.COLLECTING)
        self._previous = asyncio.create_task(self._find_previous(plan))
        asks = asks_of(plan, self._collection_id())
        answers = await self._ask_all(asks)
        silent = [ask for ask in asks if was_silent(answers[ask.unit])]
        if silent and self._deadline.may_collect_again(workflow.now()):
            # All workers were away until the time was up. They are back, or this would not run.
            answers |= await self._ask_all(silent)
        units = [answer for answer in answers.values() if isinstance(answer, UnitCollected)]
        return units, list(self._missing.values())

    async def _ask_all(self, asks: Sequence[Ask]) -> dict[str, Answer]:
        """By unit."""
        answers = await asyncio.gather(*(self._ask(ask) for ask in asks))
        return {ask.unit: answer for ask, answer in zip(asks, answers, strict=True)}

    async def _ask(self, ask: Ask) -> Answer:
        try:
            collected = await call(
                ask.contract,
                ask.message,
                self._policies,
                summary=f"Collect {ask.unit}",
                time_left=self._deadline.time_to_collect(workflow.now()),
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            failure = failure_of(error)
            self._missing[ask.unit] = gap_of(ask.unit, ask.service, failure)
            self._update(gaps=tuple(self._missing.values()))
            return failure
        self._missing.pop(ask.unit, None)
        notes = tuple(f"{ask.unit}: {note}" for note in collected.notes)
        self._update(
            units_done=(*self._progress.units_done, ask.unit),
            gaps=tuple(self._missing.values()),
            notes=(*self._progress.notes, *notes),
        )
        return collected

    async def _find_previous(self, plan: EditionPlan) -> PreviousEdition:
        info = workflow.info()
        return await call(
            activities.FIND_PREVIOUS,
            FindPreviousEdition(
                team=plan.team,
                iso_week=plan.iso_week,
                workflow_id=info.workflow_id,
                run_id=info.original_execution_run_id,
            ),
            self._policies,
            summary="Look for an earlier revision of this week",
        )

    async def _compose(
        self, plan: EditionPlan, units: list[UnitCollected], gaps: list[Gap]
    ) -> tuple[EditionComposed, int]:
        self._enter(Phase.COMPOSING)
        composed = await call(
            activities.COMPOSE_EDITION,
            ComposeEdition(plan=plan, units=tuple(units), gaps=tuple(gaps)),
            self._policies,
            summary=f"Compose {len(units)} units, {len(gaps)} missing",
        )
        previous = await self._previous
        unchanged = previous.revision > 0 and previous.digest == composed.digest
        revision = previous.revision if unchanged else previous.revision + 1
        self._update(item_count=composed.item_count, gaps=composed.gaps, revision=revision)
        return composed, revision

    async def _render(self, plan: EditionPlan, composed: EditionComposed, revision: int) -> EditionRendered:
        return await call(
            activities.RENDER_EDITION,
            RenderEdition(team=plan.team, edition=composed.edition, revision=revision),
            self._policies,
            summary=f"Render revision {revision} in every format",
        )

    async def _deliver(self, plan: EditionPlan, rendered: EditionRendered, revision: int) -> tuple[ChannelResult, ...]:
        self._enter(Phase.DELIVERING)
        self._say_if_late()
        if not self._must_deliver:
            return ()
        asked = [channel for channel in plan.channels if not channel.only_as_fallback]
        ours = [channel for channel in asked if channel.kind == names.SLACK]
        me = workflow.info().workflow_id
        requests = [delivery_request(plan, channel, rendered, revision, reply_to=me) for channel in ours]
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

    async def _record(self, plan: EditionPlan, result: EditionResult) -> None:
        """Until it is on record, or the run is told to deliver after all: what comes of that is recorded, too."""
        self._enter(Phase.RECORDING)
        self._conclude(result)
        recording = asyncio.create_task(
            call(
                activities.RECORD_EDITION,
                self._record_of(result, None if self._request.is_dry_run else KeptEdition(window=plan.window)),
                self._policies,
                summary="Write the run and the edition to the records",
            )
        )
        await workflow.wait_condition(lambda: recording.done() or self._owes_delivery())
        if not recording.done():
            recording.cancel()
            return
        await recording
        self._enter(Phase.DONE)

    async def _record_the_end(self, error: BaseException) -> None:
        """Of a run that brings no edition. A delivery that had started is its own workflow and goes on."""
        is_cancelled = is_cancelled_exception(error)
        status = EditionStatus.CANCELLED if is_cancelled else EditionStatus.FAILED
        who = (workflow.cancellation_reason() or "no reason given") if is_cancelled else ""
        result = self._result_so_far(status)
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

    # Small parts.

    def _owes_delivery(self) -> bool:
        """A run that only composed was told to deliver after it had passed that phase."""
        return self._must_deliver and not self._has_delivered

    def _collection_id(self) -> str:
        info = workflow.info()
        # Stable when an operator resets the run: the pages collected before the reset are still good.
        return names.collection_id(info.workflow_id, info.original_execution_run_id)

    def _result(
        self,
        units: list[UnitCollected],
        composed: EditionComposed,
        rendered: EditionRendered,
        channels: tuple[ChannelResult, ...],
    ) -> EditionResult:
        so_far = self._result_so_far(EditionStatus.COMPLETE)
        return made_edition(so_far, units, composed, rendered, channels, self._outcomes.values())

    def _result_so_far(self, status: EditionStatus) -> EditionResult:
        return EditionResult(
            team=self._request.team,
            iso_week=self._request.iso_week,
            status=status,
            revision=self._progress.revision,
            completeness=0,
            item_count=0,
            unclassified_ratio=0,
            workflow_id=workflow.info().workflow_id,
            run_id=workflow.info().original_execution_run_id,
            notes=self._progress.notes,
            seconds=self._times.seconds(workflow.now()),
        )

    def _record_of(self, result: EditionResult, kept: KeptEdition | None) -> RecordEdition:
        return RecordEdition(
            result=result,
            kept=kept,
            requested_by=self._request.requested_by,
            cancelled_because=self._progress.cancelled_because,
            started_at=self._started_at,
            ended_at=workflow.now(),
        )

    def _conclude(self, result: EditionResult) -> None:
        self._update(result=result)
        workflow.upsert_search_attributes([names.EDITION_STATUS.value_set(result.status.value)])

    def _say_if_late(self) -> None:
        late = self._deadline.missed_by(workflow.now())
        if late is not None and self._progress.result is None:  # not one that was told to deliver long after
            self._update(notes=(*self._progress.notes, f"schedule: ready {told(late)} after its deadline"))

    def _refuse(self, what: str) -> None:
        refused = f"{what} at {workflow.now():%Y-%m-%d %H:%M:%S} UTC"
        self._update(refused_messages=(*self._progress.refused_messages, refused))

    def _enter(self, phase: Phase) -> None:
        self._times.enter(phase, workflow.now())
        self._update(phase=phase)

    def _update(self, **changes: Any) -> None:
        self._progress = self._progress.model_copy(update=changes)
        workflow.set_current_details(edition_story(self._request, self._progress))
