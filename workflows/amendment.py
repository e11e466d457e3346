"""Heals a partial edition that is out: asks again for what is missing, and adds what comes."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.amendment import AmendmentProgress, AmendmentRequest
    from devsync.contracts.breaker import ServiceReleased
    from devsync.contracts.collection import UnitCollected
    from devsync.contracts.delivery import DeliveryOutcome
    from devsync.contracts.edition import EditionComposed, KeptEdition, RecordEdition
    from devsync.contracts.escalation import EscalationDecided
    from devsync.contracts.people import Stop
    from devsync.contracts.recovery import RecoveryReport, RecoveryRequest
    from devsync.domain.changelog.telling import Amended, Telling
    from devsync.domain.recovery.decision import Decision
    from devsync.runtime.policies import call
    from workflows import escalating, making
    from workflows.amending import ASKED_AGAIN
    from workflows.asking_again import ask_again
    from workflows.failures import reason_of
    from workflows.messages import decision as read_from_person
    from workflows.recovering import report_of, start_recovery, with_stand_ins, without_people
    from workflows.rendering import rendered_somehow
    from workflows.results import channel_results, is_reported, made_edition
    from workflows.signals import with_refusal
    from workflows.story import amendment_story

FIRST_RECOVERY = 100
"""Its recoveries are numbered from there: those of the week's editions come before."""

CHANNELS_TIME = timedelta(minutes=5)
"""So long a revision waits for what becomes of it in the channels before it is recorded; their deliveries go on."""


@workflow.defn(name=names.AMENDMENT)
class Amendment:
    """Asks at growing intervals, and at once when a service's breaker lets calls through again or a person says so.

    Each try that heals something makes the next revision, which updates in place what stands in the channels. It ends
    when nothing is missing, when its time is up, when somebody stops it, or when a newer run of the week is whole.
    """

    @workflow.init
    def __init__(self, request: AmendmentRequest) -> None:
        self._request = request
        self._newest = request
        self._units = {unit.unit: unit for unit in request.units}
        self._missing = {unit.unit: unit for unit in request.missing}
        self._escalations: dict[str, str] = {}
        """By id: the service that each is about."""
        self._outcomes: dict[str, DeliveryOutcome] = {}
        self._is_due = False
        self._ended = ""
        self._progress = AmendmentProgress(
            revision=request.result.revision, missing=request.missing, until=request.until
        )

    @workflow.run
    async def run(self, request: AmendmentRequest) -> AmendmentProgress:
        plan = request.plan
        workflow.upsert_search_attributes([names.TEAM.value_set(plan.team), names.ISO_WEEK.value_set(plan.iso_week)])
        try:
            await self._inherit_escalations()
            while not self._ended or self._newest is not self._request:
                await self._take_over_the_newest()
                await self._wait()
                await self._try_once()
        except (asyncio.CancelledError, FailureError) as error:
            why = workflow.cancellation_reason() or "no reason given"
            self._ended = f"cancelled: {why}" if is_cancelled_exception(error) else reason_of(error)
            await self._leave_escalations()
            raise
        await self._leave_escalations()
        self._tell(ended=self._ended)
        return self._progress

    # What people and other workflows may ask and say.

    @workflow.query(description="What is still missing, what was healed, and until when it is asked for")
    def progress(self) -> AmendmentProgress:
        return self._progress

    @workflow.signal(description="A newer edition of the week that is partial, too; sent by it, not by people")
    def take_over(self, request: AmendmentRequest) -> None:
        self._newest = request

    @workflow.signal(description="A newer edition of the week is whole; sent by it, not by people")
    def superseded(self) -> None:
        self._ended = self._ended or "a newer edition of the week is whole"

    @workflow.signal(description="Calls to a service go out again; sent by its breaker, not by people")
    def service_released(self, released: ServiceReleased) -> None:
        self._is_due = self._is_due or any(unit.service == released.service for unit in self._missing.values())

    @workflow.signal(description='Ask again now: {"by": "anna"}')
    def try_now(self, raw: RawValue) -> None:
        if self._understood("try_now", raw) is not None:
            self._is_due = True

    @workflow.signal(description='Ask no more; the edition stays as it is: {"by": "anna", "reason": "…"}')
    def stop(self, raw: RawValue) -> None:
        said = self._understood("stop", raw)
        if said is not None:
            self._ended = self._ended or f"stopped by {said.by}: {said.reason or 'no reason given'}"

    @workflow.signal(description="An escalation tells its decision; sent by that workflow, not by people")
    def decided(self, said: EscalationDecided) -> None:
        if said.decision is None or said.decision is Decision.RETRY:
            self._is_due = True  # without a decision: the cause has healed
        elif said.decision is Decision.SKIP:
            service = self._escalations.pop(said.escalation_id, "")
            self._missing = {name: unit for name, unit in self._missing.items() if unit.service != service}
            if not self._missing:
                self._ended = self._ended or f"skip decided by {said.by}: {said.note or 'no reason given'}"
            self._tell(missing=tuple(self._missing.values()))

    @workflow.signal(description="A channel's Delivery tells its outcome; sent by that workflow, not by people")
    def delivery_reported(self, outcome: DeliveryOutcome) -> None:
        self._outcomes[outcome.channel] = outcome

    @workflow.signal(dynamic=True, description="Any other signal is recorded as refused; the run goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._refuse(f"signal {name!r}")

    # The rounds.

    async def _take_over_the_newest(self) -> None:
        """What a later run of the week has collected replaces what the earlier one had."""
        if self._newest is self._request:
            return
        self._request = self._newest
        self._ended = ""
        self._units = {unit.unit: unit for unit in self._request.units}
        self._missing = {unit.unit: unit for unit in self._request.missing}
        self._tell(
            revision=max(self._progress.revision, self._request.result.revision),
            missing=self._request.missing,
            until=self._request.until,
        )
        await self._inherit_escalations()

    async def _wait(self) -> None:
        """At least as long as the first wait, doubled each time, and never past the end."""
        now = workflow.now()
        pause = min(self._request.first_wait * 2 ** min(self._progress.tries, 16), self._request.longest_wait)
        self._tell()
        try:
            await workflow.wait_condition(
                lambda: self._is_due or bool(self._ended) or self._newest is not self._request,
                timeout=max(min(pause, self._request.until - now), timedelta(0)),
                timeout_summary=f"Before asking again for {len(self._missing)} missing",
            )
        except TimeoutError:
            if workflow.now() >= self._request.until:
                self._ended = "the time is up"
        self._is_due = False

    async def _try_once(self) -> None:
        if self._ended or self._newest is not self._request:
            return
        self._tell(tries=self._progress.tries + 1)
        healed, failures = await ask_again(self._request.plan, tuple(self._missing.values()))
        self._missing = {
            name: unit.model_copy(update={"failure": failures.get(name, unit.failure)})
            for name, unit in self._missing.items()
        }
        if healed and self._newest is self._request and not self._ended:
            await self._amend(healed)
        if not self._missing:
            self._ended = "everything is there"

    async def _amend(self, healed: Sequence[UnitCollected]) -> None:
        """Makes the next revision and brings it to the channels."""
        plan = self._request.plan
        for unit in healed:
            self._units[unit.unit] = unit
            self._missing.pop(unit.unit, None)
        names_healed = tuple(unit.unit for unit in healed)
        self._tell(healed=(*self._progress.healed, *names_healed), missing=tuple(self._missing.values()))
        live = [unit for name, unit in self._units.items() if name not in self._missing]
        standing_in = [unit for name, unit in self._units.items() if name in self._missing]
        answered = with_stand_ins(live, tuple(self._missing.values()), standing_in)
        composed = await making.compose(
            plan, answered.units, answered.gaps, self._request.edits, workflow.now() + CHANNELS_TIME
        )
        previous = await making.find_previous(plan)
        if composed.digest in {previous.digest, self._request.result.digest}:
            return  # what came changes nothing
        revision = max(previous.revision, self._progress.revision) + 1
        telling = Telling(
            amended=Amended(units=names_healed, items_added=composed.item_count - self._request.result.item_count),
            asks_until=self._request.until if self._missing else None,
        )
        rendering = making.rendering_of(plan, plan.channels, answered.units, composed, revision, telling)
        rendered = await rendered_somehow(plan, rendering, workflow.now() + CHANNELS_TIME, self._recover)
        channels = [channel for channel in plan.channels if not channel.only_as_fallback]
        await making.hand_over(plan, channels, composed, rendered, revision=revision, replace=False)
        self._tell(revision=revision)
        await self._until_reported(revision)
        result = made_edition(
            self._request.result.model_copy(update={"revision": revision}),
            answered.units,
            composed,
            rendered,
            channel_results(plan, revision, self._outcomes),
            self._outcomes.values(),
        ).model_copy(update={"workflow_id": workflow.info().workflow_id, "run_id": workflow.info().run_id})
        amended = self._request.model_copy(update={"result": result})
        if self._newest is self._request:  # else a later run of the week has handed over meanwhile
            self._newest = amended
        self._request = amended
        await self._record(composed)

    async def _recover(self, request: RecoveryRequest) -> RecoveryReport:
        quiet = without_people(request)
        return await report_of(quiet, await start_recovery(quiet, FIRST_RECOVERY))

    async def _until_reported(self, revision: int) -> None:
        channels = [channel for channel in self._request.plan.channels if not channel.only_as_fallback]
        try:
            await workflow.wait_condition(
                lambda: all(is_reported(channel, revision, self._outcomes) for channel in channels),
                timeout=CHANNELS_TIME,
                timeout_summary=f"Until the channels have revision {revision}",
            )
        except TimeoutError:
            workflow.logger.info("revision %d is queued in some channel; its delivery goes on", revision)

    async def _record(self, composed: EditionComposed) -> None:
        result = self._request.result
        await call(
            activities.RECORD_EDITION,
            RecordEdition(
                result=result,
                kept=KeptEdition(window=self._request.plan.window, edition=composed.edition),
                requested_by="amendment",
                started_at=workflow.info().start_time,
                ended_at=workflow.now(),
            ),
            self._request.plan.policies,
            summary=f"Record revision {result.revision}: {result.status.value}",
        )

    # Escalations that the edition's recoveries had joined.

    async def _inherit_escalations(self) -> None:
        for recovery in self._request.result.recoveries:
            for escalation in recovery.escalations if recovery.phase in ASKED_AGAIN else ():
                try:
                    is_open = await escalating.take_place(
                        escalation, recovery, self._request.plan, tuple(self._missing.values()), self._request.until
                    )
                except ActivityError as error:
                    if is_cancelled_exception(error):
                        raise
                    workflow.logger.warning("%s goes on without us: %s", escalation, reason_of(error))
                    continue
                if is_open:
                    self._escalations[escalation] = recovery.service

    async def _leave_escalations(self) -> None:
        ours = workflow.info().workflow_id
        places = [(escalation, ours) for escalation in self._escalations]
        await escalating.leave(places, is_healed=not self._missing, note=self._ended)

    # Small parts.

    def _understood(self, name: str, raw: RawValue) -> Stop | None:
        try:
            return read_from_person(raw, Stop)
        except ApplicationError as refused:
            self._refuse(f"signal {name!r}: {refused.message}")
            return None

    def _refuse(self, what: str) -> None:
        self._tell(refused_messages=with_refusal(self._progress.refused_messages, what, workflow.now()))

    def _tell(self, **changes: Any) -> None:
        self._progress = self._progress.model_copy(update=changes)
        workflow.set_current_details(amendment_story(self._request, self._progress))
