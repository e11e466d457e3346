"""How an edition's run has what failed recovered, asks people about itself, and follows what they decide."""

from collections.abc import Collection, Mapping

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError

from devsync.contracts import names
from devsync.contracts.delivery import IS_THERE, DeliveryOutcome
from devsync.contracts.edition import EditionPlan, EditionRequest, EditionStatus
from devsync.contracts.escalation import EscalationDecided, HeldPlace
from devsync.contracts.people import Escalate
from devsync.contracts.recovery import PeopleAsked, RecoveryReport, RecoveryRequest
from devsync.domain.escalation.ending import POLICY
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from workflows.delivery.channels import goes_on_alone
from workflows.delivery.people import tell_that_it_ended
from workflows.edition.recoveries import RecoveryBook, is_decided_by_people
from workflows.edition.recovering import report_of, running_summary, start_recovery, without_people
from workflows.edition.run import EditionRun, Ending
from workflows.escalation.escalating import about_edition
from workflows.escalation.places import Places, leave
from workflows.shared.failures import failure_of
from workflows.shared.messages import understood
from workflows.shared.signals import signal_if_open


class AskingPeople(EditionRun):
    """Its recoveries join escalations; so does the run itself, where a person wants others to be asked."""

    def __init__(self, request: EditionRequest) -> None:
        super().__init__(request)
        self._recoveries = RecoveryBook()
        self._places = Places()
        self._has_left = False
        """Its places in escalations are given up: it needs no answer any more."""

    @workflow.signal(description='Ask people about this run: {"by": "anna", "reason": "…", "level": "…"}')
    async def escalate(self, raw: RawValue) -> None:
        asked = self._from_person("escalate", raw, Escalate)
        if asked is not None:
            await self._ask_people(asked)

    @workflow.signal(description="An escalation tells its decision; sent by that workflow, not by people")
    async def decided(self, raw: RawValue) -> None:
        """What people decide about the run is decided for all its recoveries; where nobody answers, these go on."""
        said = understood("decided", raw, EscalationDecided, self.refuse)
        if said is None or not self._places.hears(said, self.refuse):
            return
        self._update(answered=(*self._progress.answered, said.escalation_id))
        if said.decision is None:
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
        if not self._recoveries.running:
            self.refuse(f"decision {said.decision.value!r} of {said.by}: nothing is being recovered")
        for recovery in self._recoveries.running:
            await signal_if_open(recovery, "resolve", answer)

    @workflow.signal(description="A recovery waits for people from now on; sent by that workflow, not by people")
    def people_asked(self, raw: RawValue) -> None:
        asked = understood("people_asked", raw, PeopleAsked, self.refuse)
        if asked is not None:
            self._recoveries.asks(asked)
            self._tell_of_recoveries()

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
        joining = about_edition(self._request, asked, plan.escalation if plan else "default", self._progress.deadline)
        self._update(answered=tuple(one for one in self._progress.answered if one != joining.escalation_id))
        try:
            joined = await self._places.join(joining, plan.policies if plan else {}, f"{asked.by} asks people")
        except ActivityError as error:
            self.refuse(f"signal 'escalate': {failure_of(error).message}")
            return
        if not (escalation := joined.escalation_id):
            return
        self._update(escalations=tuple(dict.fromkeys((*self._progress.escalations, escalation))))
        if self._has_left:
            await self._places.leave(is_healed=False, note="the run was over before people were asked")

    async def _hand_to_deliveries(self, plan: EditionPlan, outcomes: Mapping[str, DeliveryOutcome]) -> None:
        """Of each channel that lacks the edition, people hear from its Delivery from now on, on the pages of its
        recoveries where they are open. For a Delivery that is over it is said here."""
        for channel in plan.channels:
            outcome = outcomes.get(channel.key)
            needs_nothing = outcome is not None and (outcome.state in IS_THERE or outcome.was_stopped)
            if channel.only_as_fallback or needs_nothing:
                continue
            recoveries = self._recoveries.of_channel(channel.key)
            places = [
                HeldPlace(escalation_id=escalation, workflow_id=recovery.workflow_id)
                for recovery in recoveries
                for escalation in recovery.escalations
            ]
            delivery = names.delivery_id(plan.team, plan.iso_week, channel.key)
            if not await goes_on_alone(delivery, places):
                if outcome is None or any(map(is_decided_by_people, recoveries)):
                    continue
                is_told = outcome.has_told_people or any(recovery.has_told_the_end for recovery in recoveries)
                if not is_told and not await tell_that_it_ended(
                    Places(), outcome, channel, places, plan.escalation, plan.policies
                ):
                    continue
            self._recoveries.given_up |= {(place.escalation_id, place.workflow_id) for place in places}

    async def _leave_escalations(self, *, is_healed: bool, note: str, but_of: Collection[str] = ()) -> None:
        """`but_of`: not the places of recoveries of these phases, which somebody else takes."""
        self._has_left = True
        places = self._recoveries.places(self._progress.escalations, workflow.info().workflow_id, but_of=but_of)
        # A recovery or a delivery may have given one up; the page may be another one by now.
        await leave(places, is_healed=is_healed, note=note, may_be_absent=True)
