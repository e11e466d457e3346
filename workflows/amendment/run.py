"""What an amendment knows, and what people and other workflows may ask it and tell it."""

from collections.abc import Iterable, Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress, AmendmentRequest, StandBy
from devsync.contracts.breaker import ServiceReleased
from devsync.contracts.delivery import DeliveryOutcome
from devsync.contracts.edition import EditionStatus, PreviousEdition
from devsync.contracts.escalation import EscalationDecided
from devsync.contracts.people import Stop
from devsync.contracts.recovery import FailedUnit, PeopleAsked
from devsync.domain.amendment_waits import AmendmentWaits
from devsync.domain.escalation.ending import ending
from devsync.domain.recovery.decision import Decision
from workflows.amendment.story import amendment_story
from workflows.edition.amending import ASKED_AGAIN
from workflows.edition.missing import is_lost
from workflows.escalation.escalating import take_place
from workflows.escalation.places import Places
from workflows.shared.failures import reason_of
from workflows.shared.messages import understood
from workflows.shared.signals import signal_if_open, with_refusal


class AmendmentRun:
    """The part without rounds: the workflow inherits it. What it hears changes what the next round does."""

    def __init__(self, request: AmendmentRequest) -> None:
        self._request = request
        self._newest = request
        self._units = {unit.unit: unit for unit in request.units}
        self._missing = {unit.unit: unit for unit in request.missing}
        self._escalations: dict[str, str] = {}
        """By id: the service that each is about."""
        self._places = Places()
        self._outcomes: dict[str, DeliveryOutcome] = {}
        self._given_up: tuple[str, ...] = ()
        """Missing units that are not asked for any more."""
        self._must_retell = False
        """The edition still promises to ask for them."""
        self._is_due = False
        self._waits = AmendmentWaits()
        self._handed_over_by = request.result.run_id
        self._is_standing_by = False
        """A run of the week makes the next revision."""
        self._is_publishing = False
        self._added: tuple[str, ...] = ()
        """Units that were healed and are in no revision yet."""
        self._ended = ""
        self._shown_status = ""
        self._progress = AmendmentProgress(
            revision=request.result.revision, digest=request.result.digest, missing=request.missing, until=request.until
        )

    # What people and other workflows may ask and say.

    @workflow.query(description="What is still missing, what was healed, and until when it is asked for")
    def progress(self) -> AmendmentProgress:
        return self._progress

    @workflow.signal(description="A newer edition of the week that is partial, too; sent by it, not by people")
    def take_over(self, raw: RawValue) -> None:
        request = understood("take_over", raw, AmendmentRequest, self._refuse)
        if request is not None:
            self._newest = request
            self._ended = ""

    @workflow.signal(description="A run of the week makes the next revision; sent by it, not by people")
    async def stand_by(self, raw: RawValue) -> None:
        asked = understood("stand_by", raw, StandBy, self._refuse)
        if asked is None:
            return
        self._is_standing_by = True
        await workflow.wait_condition(lambda: not self._is_publishing)
        newest = PreviousEdition(revision=self._progress.revision, digest=self._progress.digest)
        await signal_if_open(asked.reply_to, "amendment_stands_by", newest)

    @workflow.signal(description="A newer edition of the week is whole; sent by it, not by people")
    def superseded(self) -> None:
        self._ended = self._ended or "a newer edition of the week is whole"
        self._show_status(EditionStatus.COMPLETE)
        self._must_retell = False

    @workflow.signal(description="Calls to a service go out again; sent by its breaker, not by people")
    def service_released(self, raw: RawValue) -> None:
        released = understood("service_released", raw, ServiceReleased, self._refuse)
        if released is not None:
            self._is_due = self._is_due or any(unit.service == released.service for unit in self._wanted)

    @workflow.signal(description='Ask again now: {"by": "anna"}')
    def try_now(self, raw: RawValue) -> None:
        if self._from_person("try_now", raw) is not None:
            self._hurry()

    @workflow.signal(description='Ask no more; the edition says so: {"by": "anna", "reason": "…"}')
    def stop(self, raw: RawValue) -> None:
        said = self._from_person("stop", raw)
        if said is not None and not self._ended:
            self._give_up(self._wanted)
            self._must_retell = True
            self._ended = f"stopped by {said.by}: {said.reason or 'no reason given'}"

    @workflow.signal(description="An escalation tells its decision; sent by that workflow, not by people")
    def decided(self, raw: RawValue) -> None:
        said = understood("decided", raw, EscalationDecided, self._refuse)
        if said is None or not self._places.hears(said, self._refuse):
            return
        if said.decision is None or said.decision is Decision.RETRY:
            self._hurry()  # without a decision: the cause has healed
        elif said.decision is Decision.SKIP:
            service = self._escalations.pop(said.escalation_id, "")
            self._give_up(unit for unit in self._wanted if unit.service == service and not is_lost(unit))
            if not self._wanted:
                self._ended = self._ended or ending(said.decision, said.by, said.note)
            self._is_due = self._is_due or self._must_retell

    @workflow.signal(description="Its recovery waits for people from now on; sent by that workflow, not by people")
    def people_asked(self, raw: RawValue) -> None:
        asked = understood("people_asked", raw, PeopleAsked, self._refuse)
        if asked is not None:
            self._tell(asked=asked)

    @workflow.signal(description="A channel's Delivery tells its outcome; sent by that workflow, not by people")
    def delivery_reported(self, raw: RawValue) -> None:
        outcome = understood("delivery_reported", raw, DeliveryOutcome, self._refuse)
        if outcome is not None:
            self._outcomes[outcome.channel] = outcome

    @workflow.signal(dynamic=True, description="Any other signal is recorded as refused; the run goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._refuse(f"signal {name!r}")

    def _hurry(self) -> None:
        self._is_due = True
        self._waits.somebody_asks()

    def _give_up(self, units: Iterable[FailedUnit]) -> None:
        given_up = () if self._ended else tuple(unit.unit for unit in units)
        self._given_up += given_up
        self._must_retell = self._must_retell or bool(given_up)
        self._tell(given_up=self._given_up)

    @property
    def _wanted(self) -> tuple[FailedUnit, ...]:
        """What is missing and asked for."""
        return tuple(unit for unit in self._missing.values() if unit.unit not in self._given_up)

    @property
    def _is_replaced(self) -> bool:
        """A later run of the week has handed over its edition."""
        return self._newest is not self._request

    @property
    def _is_interrupted(self) -> bool:
        return bool(self._ended) or self._is_replaced

    # Escalations that the edition's recoveries had joined.

    async def _inherit_escalations(self) -> None:
        failed = [unit for unit in self._missing.values() if not is_lost(unit)]
        for recovery in self._request.result.recoveries:
            for escalation in recovery.escalations if recovery.phase in ASKED_AGAIN else ():
                self._escalations[escalation] = recovery.service  # it may decide before we know that we are there
                try:
                    is_open = await take_place(
                        self._places, escalation, recovery, self._request.plan, failed, self._request.until
                    )
                except ActivityError as error:
                    if is_cancelled_exception(error):
                        raise
                    workflow.logger.warning("%s goes on without us: %s", escalation, reason_of(error))
                    continue
                if not is_open:
                    self._escalations.pop(escalation, None)

    async def _leave_escalations(self) -> None:
        self._escalations = {}
        await self._places.leave(is_healed=not self._missing, note=self._ended)

    # Small parts.

    def _from_person(self, name: str, raw: RawValue) -> Stop | None:
        return understood(name, raw, Stop, self._refuse, of_person=True)

    def _refuse(self, what: str) -> None:
        self._tell(refused_messages=with_refusal(self._progress.refused_messages, what, workflow.now()))

    def _show_status(self, status: EditionStatus) -> None:
        """What the week is now, by which it is found: its run says for ever what it was when it was posted."""
        if status.value != self._shown_status:
            self._shown_status = status.value
            workflow.upsert_search_attributes([names.EDITION_STATUS.value_set(status.value)])

    def _tell(self, **changes: Any) -> None:
        self._progress = self._progress.model_copy(update=changes)
        workflow.set_current_details(amendment_story(self._request, self._progress))
