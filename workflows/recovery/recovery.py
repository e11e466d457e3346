"""Follows a recovery plan: step by step until everything has something, then people, then the deadline."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import names
from devsync.contracts.breaker import ServiceReleased
from devsync.contracts.delivery import DeliveryOutcome, DeliveryRequest
from devsync.contracts.recovery import RecoveryReport, RecoveryRequest, StepResult
from devsync.domain.recovery import asking, builtin
from devsync.domain.recovery.climbing import time_for, why_skipped
from devsync.domain.recovery.decision import BY_ITSELF, Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import PlanStep, StepState
from workflows.recovery.course import Course, StepEnd
from workflows.recovery.delivery_step import DeliveryStep
from workflows.recovery.delivery_steps import NOTHING_TO_DO, deliver_otherwise, let_be, listen_to
from workflows.recovery.hearing import Decided, Hearing
from workflows.recovery.leaving_channels import keep_places, leave_channel_of_a_terminated_edition
from workflows.recovery.people import NOBODY_TOLD, join_escalation
from workflows.recovery.records import record_recovery
from workflows.recovery.steps import StepFailed, call_step, named, wait_for_breaker
from workflows.recovery.story import by_hand, recovery_story
from workflows.shared.messages import understood
from workflows.shared.waiting import do_unless

RECORD_TIME = timedelta(seconds=10)
"""How long a recovery tries to record itself while an edition waits for it, which records it later with its own."""


@workflow.defn(name=names.RECOVERY)
class Recovery:
    """All failed units of one service and phase of one edition.

    A step that heals what is left ends the plan; one that fails hides none below it; only what is left goes to the
    next. What stands in does not keep a unit from being healed after all. Whatever happens, it is over by its deadline,
    and its report says what became of each unit.
    """

    @workflow.init
    def __init__(self, request: RecoveryRequest) -> None:
        self._request = request
        self._plan = request.plan
        self._again = builtin.retry_step(request.plan, request.service, request.phase)
        self._course = Course(request)
        self._healing = self._course.healing
        self._hearing = Hearing(self._healing)
        self._started_at = workflow.now()
        self._ended_at: datetime | None = None
        self._doing = "beginning"
        self._next: Sequence[PlanStep] = request.plan.steps
        self._is_calling = False
        self._decided: Decided | None = None
        self._note = ""
        self._outcome: RecoveryOutcome | None = None
        self._has_told_the_end = False
        self._is_recorded = False

    @property
    def owner_run_id(self) -> str:
        return self._request.owner_run_id

    @workflow.run
    async def run(self, request: RecoveryRequest) -> RecoveryReport:
        self._be_findable()
        calling = asyncio.create_task(self._keep_calling_people())
        try:
            await listen_to(request.deliveries)
            await self._climb()
            await self._settle()
            await self._until_people_are_called(calling)
            await self._conclude()
        except (asyncio.CancelledError, ActivityError) as error:
            if is_cancelled_exception(error):
                calling.cancel()
                await asyncio.gather(calling, return_exceptions=True)  # it may be about to join one
                await leave_channel_of_a_terminated_edition(request, self._course, self._hearing)
                await self._hearing.places.leave(is_healed=False, note="the recovery was cancelled")
            raise
        finally:
            calling.cancel()
        await self._record()
        return self._report()

    # What people and other workflows may ask and say.

    @workflow.signal(description='Tell people now: {"by": "anna", "reason": "…", "level": "…"}; the last two optional')
    def escalate(self, raw: RawValue) -> None:
        self._hearing.escalate(raw)
        self._tell()

    @workflow.signal(
        description='Decide: {"by": "anna", "decision": "retry", "note": "…"}; retry, use_fallback, skip or abort'
    )
    def resolve(self, raw: RawValue) -> None:
        self._hearing.resolve(raw)
        self._tell()

    @workflow.signal(description="What the escalation came to; sent by that workflow, not by people")
    def decided(self, raw: RawValue) -> None:
        self._hearing.decided(raw)
        self._tell()

    @workflow.signal(description="Calls to a service go out again before its time; sent by its breaker, not by people")
    def service_released(self, raw: RawValue) -> None:
        released = understood("service_released", raw, ServiceReleased, self._refuse)
        if released is not None and released.service == self._request.service:
            self._hearing.is_released = True

    @workflow.signal(description="A channel's Delivery tells its outcome; sent by that workflow, not by people")
    def delivery_reported(self, raw: RawValue) -> None:
        outcome = understood("delivery_reported", raw, DeliveryOutcome, self._refuse)
        if outcome is None:
            return
        self._hearing.outcomes[outcome.channel] = outcome
        if not self._hearing.is_over:
            self._course.hear(outcome)

    @workflow.signal(dynamic=True, description="Any other signal is recorded as refused; the run goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._refuse(f"signal {name!r}")

    @workflow.query(description="What stands for each unit, the steps so far, and the outcome once it is over")
    def progress(self) -> RecoveryReport:
        return self._report()

    @workflow.update(
        description="Answers when it is over, whether or not it is on record by then; asked by the program it is for",
        unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON,
    )
    async def conclusion(self) -> RecoveryReport:
        await workflow.wait_condition(lambda: self._outcome is not None)
        return self._report()

    # The phases, in order.

    def _be_findable(self) -> None:
        failures = self._course.failures(self._healing.not_live)
        categories = [failure.category.value for failure in sorted(failures, key=lambda one: -one.severity.rank)]
        workflow.upsert_search_attributes(
            [
                *(names.TEAM.value_set(team) for team in [self._request.team] if team),
                *(names.ISO_WEEK.value_set(week) for week in [self._request.iso_week] if week),
                names.SERVICE.value_set(self._request.service),
                *(names.ERROR_CATEGORY.value_set(category) for category in categories[:1]),
            ]
        )

    async def _climb(self) -> None:
        """Down the plan, until every unit has something or a person has decided how it goes on."""
        for number, step in enumerate(self._plan.steps, 1):
            if await self._follow_decisions():
                break
            self._next = self._plan.steps[number:]
            self._hearing.still_to_come = tuple(
                coming.id for coming in (step, *self._next) if not self._course.is_again(coming)
            )
            now = workflow.now()
            why = why_skipped(step, self._course.situation(now)) or self._course.why_useless(step)
            if why:
                self._course.record(step, StepState.SKIPPED, StepEnd(message=why), now, now)
            else:
                await self._do(step, self._healing.missing)
        self._next, self._hearing.still_to_come = (), ()

    async def _follow_decisions(self) -> bool:
        """Tries again as often as people say so. True where no further step is needed: they have decided, or
        nothing is missing."""
        while self._is_told_to_retry():
            await self._retry_as_decided()
        return self._hearing.pending is not None or not self._healing.missing

    async def _settle(self) -> None:
        """Where something is not live: people are told and, where the plan asks them, go on with their decision."""
        while self._healing.not_live:
            self._decided = await self._decision()
            if self._decided is None or self._decided.decision is not Decision.RETRY:
                return
            await self._retry_as_decided()

    async def _conclude(self) -> None:
        decided = self._decided
        if decided is not None and decided.decision is Decision.SKIP:
            self._course.leave_out_stand_ins()
        is_aborted = decided is not None and decided.decision is Decision.ABORT
        self._outcome = RecoveryOutcome.ABORTED if is_aborted else self._healing.outcome
        self._hearing.is_over = True
        self._ended_at = workflow.now()
        self._tell()
        if decided is not None and decided.lets_be:  # last: that a channel was let be must not count as healed
            await let_be(self._deliveries_left(), decided.told)
        if not self._healing.not_live:
            await self._hearing.places.leave(is_healed=True, note="everything is live")
        elif decided is not None and decided.is_answer:
            await self._hearing.places.leave(is_healed=False, note=decided.told, but=decided.escalation_id)
        else:
            self._has_told_the_end = await keep_places(self._request, self._course, self._hearing)

    def _deliveries_left(self) -> list[DeliveryRequest]:
        left = self._healing.not_live
        return [delivery for delivery in self._request.deliveries if delivery.channel.key in left]

    async def _record(self) -> None:
        request, is_waited_for = self._request, workflow.info().parent is not None
        self._is_recorded = await record_recovery(
            request.team,
            request.iso_week,
            self._report(),
            request.policies,
            time_left=RECORD_TIME if is_waited_for else None,
        )

    # One step.

    async def _do(self, step: PlanStep, units: tuple[str, ...]) -> None:
        """Runs it within its time; a decision cuts it short."""
        started_at = workflow.now()
        self._tell(f"{step.id}, for {named(units)}")
        if not await do_unless(self._work(step, units, started_at), lambda: self._hearing.pending is not None):
            why = self._hearing.pending.told if self._hearing.pending else ""
            end = StepEnd(attempts=1, message=f"cut short: {why}")
            self._course.record(step, StepState.FAILED, end, started_at, workflow.now())
        self._tell("going on")

    async def _work(self, step: PlanStep, units: tuple[str, ...], started_at: datetime) -> None:
        timeout = time_for(step, started_at, self._request.deadline, is_last=not self._next)
        try:
            done = await self._done(step, units, timeout)
            end = done or StepEnd(message=NOTHING_TO_DO.get(step.activity, ""))
            state = StepState.SUCCEEDED if done else StepState.SKIPPED
        except StepFailed as failed:
            end, state = failed.end, failed.state
        if set(units) <= set(end.healed):
            state = StepState.RESOLVED
        self._course.record(step, state, end, started_at, workflow.now())

    async def _done(self, step: PlanStep, units: tuple[str, ...], timeout: timedelta) -> StepEnd | None:
        """None where there was nothing that the step could do. Raises StepFailed."""
        until = workflow.now() + timeout
        if step.activity == builtin.WAIT_FOR_BREAKER:
            return await wait_for_breaker(self._course, self._hearing, self._again, until)
        if step.activity == builtin.ASK_PERSON:
            return await self._ask_to_do_it_by_hand()
        if step.activity in builtin.BUILTIN:
            on = DeliveryStep(self._request, self._course, self._hearing, step, units, until)
            return await deliver_otherwise(on)
        return await call_step(self._course, step, units, timeout)

    async def _ask_to_do_it_by_hand(self) -> StepEnd:
        self._hearing.by_hand = by_hand(self._request)
        self._note = await join_escalation(self._request, self._course, self._hearing, is_waiting=True)
        return StepEnd(attempts=1, message=self._note or f"people are asked to do it by hand: {self._hearing.by_hand}")

    # Decisions.

    async def _decision(self) -> Decided | None:
        """A person's, or the policy's at the deadline; None where none is needed.

        While it is waited for, what failed is tried again and again: what heals by itself needs none.
        """
        if self._hearing.pending is None and not await self._ask_if_needed():
            return None
        retries = 0
        while self._hearing.pending is None:
            left = self._request.deadline - workflow.now()
            if left <= timedelta(0) or self._note == NOBODY_TOLD:
                return self._default()
            self._tell(f"people are asked; the next try in {asking.wait_before_retry(retries)}")
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: self._hearing.pending is not None or self._hearing.is_released or not self._needs_answer,
                    timeout=min(asking.wait_before_retry(retries), left),
                    timeout_summary="The next try, while people are asked",
                )
            if self._hearing.pending is None and self._needs_answer and workflow.now() < self._request.deadline:
                self._hearing.is_released = False
                await self._do(self._again, self._healing.not_live)
                retries += 1
            if self._hearing.pending is None and not self._needs_answer:
                return Decided(None, BY_ITSELF, is_answer=False)
        return self._hearing.pending

    async def _ask_if_needed(self) -> bool:
        """Asks people where a decision is needed, and tells them where the plan only wants them to know. True where
        they are asked."""
        is_asked = self._needs_answer
        is_told = asking.is_needed(self._plan.escalates.tell, self._healing) or self._course.wants_people
        if is_asked or (is_told and not self._hearing.escalations):
            self._note = await join_escalation(self._request, self._course, self._hearing, is_waiting=is_asked)
        return is_asked

    @property
    def _needs_answer(self) -> bool:
        return asking.is_needed(self._plan.escalates.ask, self._healing)

    def _default(self) -> Decided:
        decision = asking.default_decision(self._plan.escalates, self._healing)
        if self._note == NOBODY_TOLD:
            return Decided(decision, f"policy: {NOBODY_TOLD}", is_answer=False)
        return Decided.by_nobody(decision, self._request.deadline)

    def _is_told_to_retry(self) -> bool:
        return self._hearing.pending is not None and self._hearing.pending.decision is Decision.RETRY

    async def _retry_as_decided(self) -> None:
        self._decided, self._hearing.pending = self._hearing.pending, None
        await self._do(self._again, self._healing.not_live)

    async def _keep_calling_people(self) -> None:
        """Whenever a person wants others to be told now."""
        while True:
            await workflow.wait_condition(lambda: self._hearing.wanted is not None)
            wanted, self._hearing.wanted, self._is_calling = self._hearing.wanted, None, True
            if self._healing.not_live:
                self._note = await join_escalation(
                    self._request, self._course, self._hearing, is_waiting=True, wanted=wanted
                )
            self._is_calling = False
            self._tell()

    async def _until_people_are_called(self, calling: "asyncio.Task[None]") -> None:
        await workflow.wait_condition(
            lambda: calling.done() or not (self._is_calling or self._hearing.wanted is not None)
        )
        if calling.done():
            calling.result()  # a bug there must not go unseen

    # Small parts.

    def _refuse(self, what: str) -> None:
        self._hearing.refuse(what)
        self._tell()

    def _tell(self, doing: str = "") -> None:
        self._doing = doing or self._doing
        workflow.set_current_details(recovery_story(self._request, self._report(), self._doing, self._next))

    def _report(self) -> RecoveryReport:
        info, decided = workflow.info(), self._decided
        rendered = self._course.rendered or StepResult()
        return RecoveryReport(
            plan=self._plan.name,
            service=self._request.service,
            phase=self._request.phase,
            outcome=self._outcome,
            healed=self._course.collected,
            healed_without_data=self._course.healed_without_data,
            renderings=rendered.renderings,
            part_digests=rendered.part_digests,
            digests=rendered.digests,
            missing=self._course.missing,
            steps=self._course.records,
            decision=decided.decision if decided else None,
            decided_by=decided.by if decided else "",
            note=(decided.note if decided else "") or self._note,
            escalations=self._hearing.escalations,
            escalation_level=self._hearing.escalation_level,
            has_told_the_end=self._has_told_the_end,
            answers=self._course.answers,
            workflow_id=info.workflow_id,
            run_id=info.run_id,
            owner_run_id=self._request.owner_run_id,
            started_at=self._started_at,
            ended_at=self._ended_at,
            is_recorded=self._is_recorded,
            refused_messages=self._hearing.refused,
        )
