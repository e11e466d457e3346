"""One edition of one team's weekly changelog, from plan to record."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.collection import CollectProject, CollectRepository, UnitCollected
    from devsync.contracts.delivery import ChannelPlan, DeliveryOutcome, DeliveryRequest, DeliveryState
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
        Phase,
        PlanEdition,
        PreviousEdition,
        RecordEdition,
        RenderEdition,
    )
    from devsync.domain.changelog.edition import Gap
    from devsync.runtime.policies import BOOTSTRAP, call
    from workflows.channels import bring_to_channel
    from workflows.failures import failure_of, gap_of
    from workflows.story import edition_story

CANCELLATION_RECORD_TIME = timedelta(minutes=1)
"""A cancelled run records who cancelled it, and does not outlive a database that is away."""


@workflow.defn(name=names.WEEKLY_CHANGELOG)
class WeeklyChangelog:
    """Collects what happened in one ISO week, composes the edition and brings it to the team's channels.

    One source down never ends an edition: it leaves a named gap. The deadline is an instant, worked out once;
    waiting for anything stops there.
    """

    @workflow.init
    def __init__(self, request: EditionRequest) -> None:
        self._request = request
        self._started_at = workflow.now()
        self._phase_began = self._started_at
        self._seconds: dict[str, float] = {}
        self._must_deliver = request.deliver and not request.is_dry_run
        self._progress = EditionProgress(will_deliver=self._must_deliver)
        self._outcomes: dict[str, DeliveryOutcome] = {}

    @workflow.run
    async def run(self, request: EditionRequest) -> EditionResult:
        self._be_findable()
        plan = await self._plan()
        try:
            units, gaps = await self._collect(plan)
            composed, revision = await self._compose(plan, units, gaps)
            rendered = await self._render(plan, composed, revision)
            channels = await self._deliver(plan, composed, rendered, revision)
        except (asyncio.CancelledError, ActivityError) as error:
            if is_cancelled_exception(error):
                await self._record_cancellation(plan)
            raise
        result = self._result(composed, rendered, revision, units, channels)
        await self._record(plan, composed, result)
        if self._must_deliver and not self._has_delivered:  # asked for while the records were written
            channels = await self._deliver(plan, composed, rendered, revision)
            result = self._result(composed, rendered, revision, units, channels)
            await self._record(plan, composed, result)
        return result

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
        due = max(self._request.scheduled_at or self._started_at, self._started_at)
        self._deadline = due + plan.deliver_by
        self._update(units_total=len(plan.repositories) + len(plan.projects), deadline=self._deadline, notes=plan.notes)
        return plan

    async def _collect(self, plan: EditionPlan) -> tuple[list[UnitCollected], list[Gap]]:
        self._enter(Phase.COLLECTING)
        self._previous = asyncio.create_task(self._find_previous(plan))
        outcomes = await asyncio.gather(
            *(self._collect_repository(plan, repository) for repository in plan.repositories),
            *(self._collect_project(plan, project) for project in plan.projects),
        )
        units = [outcome for outcome in outcomes if isinstance(outcome, UnitCollected)]
        gaps = [outcome for outcome in outcomes if isinstance(outcome, Gap)]
        return units, gaps

    async def _collect_repository(self, plan: EditionPlan, repository: str) -> UnitCollected | Gap:
        message = CollectRepository(
            collection_id=self._collection_id(),
            team=plan.team,
            repository=repository,
            window=plan.window,
            api=plan.github_api,
        )
        return await self._collect_unit(plan, activities.COLLECT_REPOSITORY, message, names.repository_unit(repository))

    async def _collect_project(self, plan: EditionPlan, project: str) -> UnitCollected | Gap:
        message = CollectProject(
            collection_id=self._collection_id(), team=plan.team, project=project, window=plan.window
        )
        return await self._collect_unit(plan, activities.COLLECT_PROJECT, message, names.project_unit(project))

    async def _collect_unit(
        self,
        plan: EditionPlan,
        contract: activities.ActivityContract[Any, UnitCollected],
        message: CollectRepository | CollectProject,
        unit: str,
    ) -> UnitCollected | Gap:
        try:
            collected = await call(
                contract,
                message,
                plan.policies,
                summary=f"Collect {unit}",
                time_left=self._time_left() - plan.delivery_reserve,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            gap = gap_of(unit, contract.service, failure_of(error))
            self._update(gaps=(*self._progress.gaps, gap))
            return gap
        notes = tuple(f"{unit}: {note}" for note in collected.notes)
        self._update(units_done=(*self._progress.units_done, unit), notes=(*self._progress.notes, *notes))
        return collected

    async def _find_previous(self, plan: EditionPlan) -> PreviousEdition:
        return await call(
            activities.FIND_PREVIOUS,
            FindPreviousEdition(
                team=plan.team, iso_week=plan.iso_week, run_id=workflow.info().original_execution_run_id
            ),
            plan.policies,
            summary="Look for an earlier revision of this week",
        )

    async def _compose(
        self, plan: EditionPlan, units: list[UnitCollected], gaps: list[Gap]
    ) -> tuple[EditionComposed, int]:
        self._enter(Phase.COMPOSING)
        composed = await call(
            activities.COMPOSE_EDITION,
            ComposeEdition(plan=plan, units=tuple(units), gaps=tuple(gaps)),
            plan.policies,
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
            plan.policies,
            summary=f"Render revision {revision} in every format",
        )

    async def _deliver(
        self, plan: EditionPlan, composed: EditionComposed, rendered: EditionRendered, revision: int
    ) -> tuple[ChannelResult, ...]:
        self._enter(Phase.DELIVERING)
        self._has_delivered = self._must_deliver
        if not self._must_deliver:
            return ()
        asked = [channel for channel in plan.channels if not channel.only_as_fallback]
        ours = [channel for channel in asked if channel.kind == "slack"]
        await asyncio.gather(
            *(bring_to_channel(self._delivery(plan, channel, composed, rendered, revision)) for channel in ours)
        )
        try:
            await workflow.wait_condition(
                lambda: all(self._is_reported(channel, revision) for channel in ours),
                timeout=max(self._time_left(), timedelta(seconds=1)),
                timeout_summary="The deadline: a channel that is not done by then is queued",
            )
        except TimeoutError:
            workflow.logger.warning("deadline reached before every channel was done")
        results = tuple(self._channel_result(channel, revision) for channel in asked)
        self._update(channels=results)
        return results

    async def _record(self, plan: EditionPlan, composed: EditionComposed, result: EditionResult) -> None:
        self._update(result=result)
        self._enter(Phase.RECORDING)
        workflow.upsert_search_attributes([names.EDITION_STATUS.value_set(result.status.value)])
        await call(
            activities.RECORD_EDITION,
            RecordEdition(
                result=result,
                window=plan.window,
                composed=composed,
                requested_by=self._request.requested_by,
                started_at=self._started_at,
                ended_at=workflow.now(),
                keep_edition=not self._request.is_dry_run,
            ),
            plan.policies,
            summary="Write the run and the edition to the records",
        )
        self._enter(Phase.DONE)

    async def _record_cancellation(self, plan: EditionPlan) -> None:
        """Nothing was posted unless a delivery had started; that one is its own workflow and goes on."""
        who = workflow.cancellation_reason() or "no reason given"
        result = EditionResult(
            team=plan.team,
            iso_week=plan.iso_week,
            status=EditionStatus.CANCELLED,
            revision=0,
            completeness=0,
            item_count=0,
            unclassified_ratio=0,
            workflow_id=workflow.info().workflow_id,
            run_id=workflow.info().original_execution_run_id,
            seconds=self._timed(),
        )
        self._update(result=result, cancelled_because=who)
        workflow.upsert_search_attributes([names.EDITION_STATUS.value_set(result.status.value)])
        await call(
            activities.RECORD_EDITION,
            RecordEdition(
                result=result,
                window=plan.window,
                requested_by=self._request.requested_by,
                cancelled_because=who,
                started_at=self._started_at,
                ended_at=workflow.now(),
                keep_edition=False,
            ),
            plan.policies,
            summary=f"Record the cancellation: {who}",
            time_left=CANCELLATION_RECORD_TIME,
        )

    # Small parts.

    def _collection_id(self) -> str:
        info = workflow.info()
        # Stable when an operator resets the run: the pages collected before the reset are still good.
        return names.collection_id(info.workflow_id, info.original_execution_run_id)

    def _delivery(
        self,
        plan: EditionPlan,
        channel: ChannelPlan,
        composed: EditionComposed,
        rendered: EditionRendered,
        revision: int,
    ) -> DeliveryRequest:
        return DeliveryRequest(
            team=plan.team,
            iso_week=plan.iso_week,
            channel=channel,
            revision=revision,
            rendering=rendered.formats["slack"],
            part_digests=rendered.slack_part_digests,
            completeness=composed.completeness,
            missing=tuple(gap.unit for gap in composed.gaps),
            replace=self._request.replace,
            policies={contract.name: plan.policies[contract.name] for contract in activities.DELIVERY_ACTIVITIES},
            schedule=plan.delivery_schedule,
            reply_to=workflow.info().workflow_id,
        )

    def _is_reported(self, channel: ChannelPlan, revision: int) -> bool:
        outcome = self._outcomes.get(channel.key)
        return outcome is not None and outcome.revision >= revision

    def _channel_result(self, channel: ChannelPlan, revision: int) -> ChannelResult:
        if channel.kind != "slack":
            return ChannelResult(
                channel=channel.target,
                kind=channel.kind,
                state=DeliveryState.FAILED,
                reason=f"this version cannot send to {channel.kind} channels yet",
            )
        if not self._is_reported(channel, revision):
            return ChannelResult(
                channel=channel.target,
                kind=channel.kind,
                state=DeliveryState.QUEUED,
                reason="not there at the deadline; its delivery goes on",
            )
        outcome = self._outcomes[channel.key]
        return ChannelResult(
            channel=channel.target,
            kind=channel.kind,
            state=outcome.state,
            message_id=outcome.message_id or None,
            reason=outcome.reason,
        )

    def _result(
        self,
        composed: EditionComposed,
        rendered: EditionRendered,
        revision: int,
        units: list[UnitCollected],
        channels: tuple[ChannelResult, ...],
    ) -> EditionResult:
        calls: dict[str, int] = {}
        by_road: dict[str, int] = {}
        for unit in units:
            service = unit.unit.split(":", 1)[0]
            calls[service] = calls.get(service, 0) + unit.api_calls
            for road, count in unit.calls_by_road.items():
                by_road[f"{service}.{road}"] = by_road.get(f"{service}.{road}", 0) + count
        if posting := sum(outcome.api_calls for outcome in self._outcomes.values()):
            calls[names.SLACK] = posting
        return EditionResult(
            team=self._request.team,
            iso_week=self._request.iso_week,
            status=EditionStatus.PARTIAL if composed.gaps else EditionStatus.COMPLETE,
            revision=revision,
            completeness=composed.completeness,
            item_count=composed.item_count,
            unclassified_ratio=composed.unclassified_ratio,
            gaps=composed.gaps,
            workflow_id=workflow.info().workflow_id,
            run_id=workflow.info().original_execution_run_id,
            channels=channels,
            api_calls=calls,
            calls_by_road=by_road,
            notes=self._progress.notes,
            seconds=self._timed(),
            edition=composed.edition,
            renderings=rendered.formats,
            digest=composed.digest,
        )

    def _refuse(self, what: str) -> None:
        refused = f"{what} at {workflow.now():%Y-%m-%d %H:%M:%S} UTC"
        self._update(refused_messages=(*self._progress.refused_messages, refused))

    def _time_left(self) -> timedelta:
        return self._deadline - workflow.now()

    def _enter(self, phase: Phase) -> None:
        now = workflow.now()
        spent = (now - self._phase_began).total_seconds()
        left = self._progress.phase.value
        self._seconds[left] = self._seconds.get(left, 0.0) + spent
        self._phase_began = now
        self._update(phase=phase)

    def _timed(self) -> dict[str, float]:
        now = workflow.now()
        current = self._progress.phase.value
        spent = {
            **self._seconds,
            current: self._seconds.get(current, 0.0) + (now - self._phase_began).total_seconds(),
        }
        return {
            "total": round((now - self._started_at).total_seconds(), 3),
            **{phase: round(seconds, 3) for phase, seconds in spent.items()},
        }

    def _update(self, **changes: Any) -> None:
        self._progress = self._progress.model_copy(update=changes)
        workflow.set_current_details(edition_story(self._request, self._progress))
