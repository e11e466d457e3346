"""How an edition's run has what failed recovered, asks people about itself, and follows what they decide."""

from collections.abc import Collection, Mapping

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from devsync.contracts.delivery import DeliveryOutcome, DeliveryState
    from devsync.contracts.edition import EditionPlan, EditionRequest, EditionStatus
    from devsync.contracts.escalation import EscalationDecided
    from devsync.contracts.people import Escalate
    from devsync.contracts.recovery import RecoveryReport, RecoveryRequest
    from devsync.domain.errors import ErrorCategory, Failure
    from devsync.domain.escalation.machine import POLICY
    from devsync.domain.recovery.builtin import DELIVER
    from devsync.domain.recovery.decision import Decision
    from devsync.domain.recovery.healing import RecoveryOutcome
    from workflows import escalating
    from workflows.edition_run import EditionRun, Ending
    from workflows.failures import failure_of
    from workflows.recovering import report_of, running_summary, start_recovery, without_people
    from workflows.recovery_book import RecoveryBook
    from workflows.signals import signal_if_open


class AskingPeople(EditionRun):
    """Its recoveries join escalations; so does the run itself, where a person wants others to be asked."""

    def __init__(self, request: EditionRequest) -> None:
        super().__init__(request)
        self._recoveries = RecoveryBook()
        self._has_left = False
        """Its places in escalations are given up: it needs no answer any more."""

    @workflow.signal(description='Ask people about this run: {"by": "anna", "reason": "…", "level": "…"}')
    async def escalate(self, raw: RawValue) -> None:
        asked = self._from_person("escalate", raw, Escalate)
        if asked is not None:
            await self._ask_people(asked)

    @workflow.signal(description="An escalation tells its decision; sent by that workflow, not by people")
    async def decided(self, said: EscalationDecided) -> None:
        """What people decide about the run is decided for all its recoveries; where nobody answers, these go on."""
        if said.decision is None or said.escalation_id not in self._progress.escalations:
            return
        if said.decision is Decision.ABORT:
            if self._is_going_out:
                self.refuse(f"decision 'abort' of {said.by}: the edition is going out already")
            else:
                self._ending = Ending(EditionStatus.ABORTED, f"{said.by}: {said.note or 'no reason given'}")
            return
        if said.by == POLICY:
            return
        answer = {"by": said.by, "decision": said.decision.value, "note": said.note}
        for recovery in self._recoveries.running:
            await signal_if_open(recovery, "resolve", answer)

    async def _recover(self, request: RecoveryRequest) -> RecoveryReport:
        """Ends the run where people decide so, and does not return then."""
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
        is_over = self._is_going_out or self._progress.result is not None
        if report.outcome is RecoveryOutcome.ABORTED and not is_over:
            await self._end(EditionStatus.ABORTED, f"{report.decided_by}: {report.note or 'no reason given'}")
        return report

    def _tell_of_recoveries(self) -> None:
        escalations = dict.fromkeys((*self._progress.escalations, *self._recoveries.escalations))
        self._update(recoveries=self._recoveries.summaries, escalations=tuple(escalations))

    async def _ask_people(self, asked: Escalate) -> None:
        if self._has_left:
            self.refuse("signal 'escalate': the run is over")
            return
        plan = self._planned
        joining = escalating.about_edition(
            self._request, asked, plan.escalation if plan else "default", self._progress.deadline
        )
        try:
            joined = await escalating.join(joining, plan.policies if plan else {}, f"{asked.by} asks people")
        except ActivityError as error:
            self.refuse(f"signal 'escalate': {failure_of(error).message}")
            return
        if not (escalation := joined.escalation_id):
            return
        self._update(escalations=tuple(dict.fromkeys((*self._progress.escalations, escalation))))
        if self._has_left:
            place = (escalation, workflow.info().workflow_id)
            await escalating.leave([place], is_healed=False, note="the run was over before people were asked")

    async def _hand_to_deliveries(self, plan: EditionPlan, outcomes: Mapping[str, DeliveryOutcome]) -> None:
        """A channel's Delivery that goes on follows what its recovery has joined: it hears what people decide, and
        says when there is nothing left to decide."""
        places = [
            (escalation, recovery, channel)
            for recovery in self._recoveries.summaries
            for channel in (plan.channels if recovery.phase == DELIVER else ())
            for escalation in recovery.escalations
            if channel.key in recovery.units
        ]
        for escalation, recovery, channel in places:
            outcome = outcomes.get(channel.key)
            if outcome is None or outcome.state is not DeliveryState.PENDING:
                continue
            why = outcome.setback or Failure(
                category=ErrorCategory.DISTRIBUTION, message=outcome.reason, is_retryable=True
            )
            if await escalating.hand_to_delivery(escalation, recovery, plan, channel, why):
                self._recoveries.given_up.add((escalation, recovery.workflow_id))

    async def _leave_escalations(self, *, is_healed: bool, note: str, but_of: Collection[str] = ()) -> None:
        """`but_of`: not the places of recoveries of these phases, which somebody else takes."""
        self._has_left = True
        places = self._recoveries.places(self._progress.escalations, workflow.info().workflow_id, but_of=but_of)
        await escalating.leave(places, is_healed=is_healed, note=note)
