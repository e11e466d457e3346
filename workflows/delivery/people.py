"""What people are told of a channel: that it is still tried, and what they can do once it is not."""

from collections.abc import Callable, Sequence

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import names
from devsync.contracts.delivery import (
    ENDED_BADLY,
    IS_THERE,
    ChannelPlan,
    DeliveryOutcome,
    DeliveryRequest,
    DeliveryState,
)
from devsync.contracts.escalation import EscalationDecided, HeldPlace, JoinEscalation, Subscriber
from devsync.contracts.policies import Policies
from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.domain.recovery import asking
from devsync.domain.recovery.decision import Decision
from workflows.delivery.work import DeliveryWork
from workflows.escalation.escalating import service_of
from workflows.escalation.places import Places, leave
from workflows.shared.failures import reason_of


def trouble_of(outcome: DeliveryOutcome) -> Failure:
    """Why the channel does not have it, in the words of its Delivery."""
    failure = outcome.setback or Failure(category=ErrorCategory.DISTRIBUTION, message="", is_retryable=False)
    return failure.model_copy(
        update={
            "message": outcome.reason or failure.message,
            "may_have_taken_effect": outcome.state is DeliveryState.UNCERTAIN,
        }
    )


class DeliveryPeople:
    """Whom one Delivery hears and tells. What it says goes by how its work stands at that moment."""

    def __init__(self, work: DeliveryWork) -> None:
        self._work = work
        self._places = Places()
        self._left_with: DeliveryRequest | None = None
        """What was to be brought when the edition that looked after it was over."""
        self._kept: dict[HeldPlace, DeliveryRequest] = {}
        """Those of the recoveries of the channel, which are over, and what was to be brought then."""
        self._told_of: DeliveryRequest | None = None
        """What was to be brought when they were told, in places that were kept, that it ended badly."""
        self._earlier: tuple[str, ...] = ()
        """Escalations on which people may have been told how an earlier run ended."""

    @property
    def must_be_told(self) -> bool:
        """Whether they alone can have it tried again, and nobody else tells them."""
        return self.must_be_told_in_places or (self._has_ended_badly and not self._is_left_to_others)

    @property
    def must_be_told_in_places(self) -> bool:
        """Whether that is in the places of recoveries, also where the edition looks after the channel still: it may be
        terminated before it takes them, and nobody would be left."""
        return self._has_ended_badly and bool(self._kept)

    @property
    def have_been_told_in_places(self) -> bool:
        """Likewise; for certain."""
        return self._has_ended_badly and self._told_of is self._work.newest

    @property
    def need_nothing(self) -> bool:
        """Whether it is there, or somebody wants it so."""
        return self._work.state is not DeliveryState.PENDING and not self._has_ended_badly

    def recall(self, last: DeliveryOutcome | None) -> None:
        if last is not None and last.state in ENDED_BADLY:
            self._earlier = _pages_of(last)

    def are_ours_to_tell(self) -> None:
        self._left_with = self._work.newest

    def keep(self, held: Sequence[HeldPlace]) -> None:
        """Others' places, which are ours to take when nobody else looks after the channel, and when we are over."""
        self._kept |= dict.fromkeys(held, self._work.newest)

    async def follow(self) -> None:
        """While it goes on, in others' place: it hears what people decide, and says when nothing is to be done."""
        request = self._work.newest
        subject = f"not in {request.channel.told} yet, which is tried again"
        for place in self._taken():
            choices = (Decision.RETRY, Decision.SKIP)
            joining = _joining(self._work.outcome(), subject, request.escalation, place, choices=choices)
            await _joined(self._places, joining, request.policies, f"Follow {place.escalation_id}")

    def hears(self, said: EscalationDecided, refuse: Callable[[str], None]) -> bool:
        """Whether what an escalation has decided is for us. It is over then."""
        is_ours = self._places.hears(said, refuse)
        self._places.forget(said.escalation_id)
        return is_ours

    async def tell_that_it_ended(self) -> None:
        outcome, request = self._work.outcome(), self._work.newest
        mine = names.delivery_id(outcome.team, outcome.iso_week, outcome.channel)
        kept = self._to_take
        held = [*kept, *(HeldPlace(escalation_id=one, workflow_id=mine) for one in self._places.joined)]
        by = request.policies
        if await tell_that_it_ended(self._places, outcome, request.channel, held, request.escalation, by):
            self._told_of = request if kept else self._told_of
        else:
            await _leave_to_nobody(kept, is_healed=False, note="people could not be told how it ended")
        self._forget(kept)

    async def leave(self) -> None:
        """Also where an earlier run has asked for help."""
        outcome = self._work.outcome()
        is_healed, note = outcome.state in IS_THERE, f"{self._work.newest.channel.told}: {outcome.state.value}"
        mine = names.delivery_id(outcome.team, outcome.iso_week, outcome.channel)
        earlier = [(one, mine) for one in self._earlier if not self._places.has(one)]
        self._earlier = ()
        await self._places.leave(is_healed=is_healed, note=note)
        await leave(earlier, is_healed=is_healed, note=note, may_be_absent=True)
        await _leave_to_nobody(self._taken(), is_healed=is_healed, note=note)

    @property
    def _to_take(self) -> list[HeldPlace]:
        """While it is tried they are the edition's, unless that is gone, or another one by now. Then all are ours."""
        newest, is_others = self._work.newest, self._is_looked_after and self._work.state is DeliveryState.PENDING
        return [place for place, brought in self._kept.items() if not is_others or brought is not newest]

    def _taken(self) -> list[HeldPlace]:
        taken = self._to_take
        self._forget(taken)
        return taken

    def _forget(self, held: Sequence[HeldPlace]) -> None:
        for place in held:
            self._kept.pop(place, None)

    @property
    def _has_ended_badly(self) -> bool:
        return self._work.state in ENDED_BADLY and not self._work.was_stopped

    @property
    def _is_left_to_others(self) -> bool:
        """To the edition; or it only stands in, so that the first channel's delivery says what is missing; or it is
        nothing that people miss."""
        newest = self._work.newest
        return self._is_looked_after or bool(newest.stands_in_for) or not newest.escalation

    @property
    def _is_looked_after(self) -> bool:
        return self._work.newest.is_looked_after and self._work.newest is not self._left_with


async def tell_that_it_ended(
    places: Places, outcome: DeliveryOutcome, channel: ChannelPlan, held: Sequence[HeldPlace], policy: str, by: Policies
) -> bool:
    """On the pages that are held, where one is open still; else on one of its own, or of the service. False where
    people could not be told, or the policy tells nobody: the places are not ours then."""
    subject, summary = _ended(outcome, channel), f"Tell people: {outcome.state.value}"
    are_told = False
    for place in held:
        joining = _joining(outcome, subject, policy, place, remedy=_remedy(outcome))
        are_told = await _joined(places, joining, by, summary) or are_told
    return are_told or await _joined(places, _joining(outcome, subject, policy, remedy=_remedy(outcome)), by, summary)


async def _leave_to_nobody(held: Sequence[HeldPlace], *, is_healed: bool, note: str) -> None:
    places = [(place.escalation_id, place.workflow_id) for place in held]
    await leave(places, is_healed=is_healed, note=note, may_be_absent=True)


def _pages_of(outcome: DeliveryOutcome) -> tuple[str, ...]:
    """The escalations on which people were told, if they were, how that delivery ended."""
    own = names.delivery_id(outcome.team, outcome.iso_week, outcome.channel)
    return names.own_escalation_id(own), names.service_escalation_id(outcome.kind)


def _joining(
    outcome: DeliveryOutcome,
    subject: str,
    policy: str,
    place: HeldPlace | None = None,
    *,
    choices: tuple[Decision, ...] = (),
    remedy: str = "",
) -> JoinEscalation:
    failure, mine = trouble_of(outcome), names.delivery_id(outcome.team, outcome.iso_week, outcome.channel)
    if place is not None:
        service = service_of(place.escalation_id, outcome.kind)
    else:
        is_one_place = outcome.kind not in names.UNGUARDED
        service = outcome.kind if asking.is_shared([failure], is_one_place=is_one_place, answers_others=False) else ""
    return JoinEscalation(
        service=service,
        failure=failure,
        severity=max(failure.severity, ErrorSeverity.MEDIUM, key=lambda one: one.rank),
        policy=policy,
        subscriber=Subscriber(
            workflow_id=mine,
            team=outcome.team,
            iso_week=outcome.iso_week,
            subject=f"{outcome.team} {outcome.iso_week}: {subject}",
            choices=choices,
            is_waiting=False,
            remedy=remedy,
        ),
        about=mine,
        replaces=place.workflow_id if place else "",
    )


async def _joined(places: Places, joining: JoinEscalation, policies: Policies, summary: str) -> bool:
    """Whether people know of it. That they cannot be told keeps no delivery from its end, which is on record."""
    try:
        return bool((await places.join(joining, policies, summary)).escalation_id)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.warning("people could not be told of %s: %s", joining.subscriber.subject, reason_of(error))
        return False


def _ended(outcome: DeliveryOutcome, channel: ChannelPlan) -> str:
    return {
        DeliveryState.UNCERTAIN: f"perhaps in {channel.told}, perhaps not",
        DeliveryState.DEAD: f"not in {channel.told}, and not tried any more",
    }.get(outcome.state, f"not in {channel.told}, which refused it")


def _remedy(outcome: DeliveryOutcome) -> str:
    replay = f"python starter.py delivery replay {outcome.team} {outcome.iso_week} {outcome.channel}"
    if outcome.state is DeliveryState.UNCERTAIN:
        return f"look whether it is there; when the channel can be asked: {replay} (posts only what is not there)"
    return f"when the cause is mended: {replay}"
