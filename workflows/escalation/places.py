"""Where a run of ours has a place in escalations: it joins them, hears them, and leaves none behind."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta

from temporalio.workflow import ActivityCancellationType

from devsync.contracts import activities
from devsync.contracts.escalation import EscalationDecided, EscalationJoined, JoinEscalation, SubscriberLeft
from devsync.contracts.policies import Policies
from devsync.runtime.policies import call
from workflows.shared.signals import signal_if_open


class Places:
    """One for everybody who asks people.

    An escalation may decide before the activity that joined it has told us that we are there; and a page must not climb
    for a run that ended while it joined. So a place is held from the moment it is asked for.
    """

    def __init__(self) -> None:
        self._held: dict[str, str] = {}
        """By escalation: the workflow that has the place, us or whom we speak for. Asked for, perhaps not there yet."""
        self._known: dict[str, None] = {}
        """Those where we are for certain, in the order in which we came."""
        self.people: tuple[str, ...] = ()
        """Who may answer, as the policy said when we joined last; empty: whoever gives a name."""
        self._turn = asyncio.Lock()
        """What is said to escalations arrives in the order in which we say it."""

    @property
    def joined(self) -> tuple[str, ...]:
        """Ids of the escalations."""
        return tuple(self._known)

    def has(self, escalation: str) -> bool:
        return escalation in self._held

    def hears(self, said: EscalationDecided, refuse: Callable[[str], None]) -> bool:
        """Whether what an escalation has decided is for us; else it is recorded as refused."""
        if not self.has(said.escalation_id):
            refuse(f"signal 'decided' of {said.escalation_id or 'no escalation'}, which was not joined")
        return self.has(said.escalation_id)

    def forget(self, escalation: str) -> None:
        """It has said its last word: nobody need leave it."""
        self._held.pop(escalation, None)
        self._known.pop(escalation, None)

    async def join(
        self, joining: JoinEscalation, policies: Policies, summary: str, *, time_left: timedelta | None = None
    ) -> EscalationJoined:
        """Without an id where the policy tells nobody, or where it is over whose place is taken.

        Raises ActivityError; it may have been joined all the same then, and is left with the others. Who is cancelled
        meanwhile has left it.
        """
        asked, subscriber = joining.escalation_id, joining.subscriber.workflow_id
        async with self._turn:
            self._held[asked] = subscriber
            # The activity is waited for: what it has begun cannot be called back, only be left.
            joins = asyncio.create_task(
                call(
                    activities.JOIN_ESCALATION,
                    joining,
                    policies,
                    summary=summary,
                    time_left=time_left,
                    cancellation=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                )
            )
            try:
                joined = await asyncio.shield(joins)
            except asyncio.CancelledError:
                joins.cancel()
                await asyncio.gather(joins, return_exceptions=True)
                await self._leave([asked], is_healed=False, note="it was cancelled before it could wait")
                raise
            self.people = joined.people
            has_heard_all = not self.has(asked)
            self.forget(asked)
            if joined.escalation_id and not has_heard_all:
                self._held[joined.escalation_id] = subscriber
                self._known[joined.escalation_id] = None
            return joined

    async def leave(self, *, is_healed: bool, note: str, but: str = "") -> None:
        """All of them, but one that knows already: we need no answer any more."""
        async with self._turn:
            await self._leave([one for one in self._held if one != but], is_healed=is_healed, note=note)

    async def _leave(self, escalations: Iterable[str], *, is_healed: bool, note: str) -> None:
        places = [(escalation, self._held[escalation], escalation in self._known) for escalation in escalations]
        for escalation, _, _ in places:
            self.forget(escalation)
        for escalation, subscriber, is_there in places:
            await leave([(escalation, subscriber)], is_healed=is_healed, note=note, may_be_absent=not is_there)


async def leave(places: Iterable[tuple[str, str]], *, is_healed: bool, note: str, may_be_absent: bool = False) -> None:
    """Tells each escalation that a workflow of ours, which joined it, needs no answer any more."""
    for escalation, workflow_id in places:
        left = SubscriberLeft(workflow_id=workflow_id, is_healed=is_healed, note=note, may_be_absent=may_be_absent)
        await signal_if_open(escalation, "left", left)
