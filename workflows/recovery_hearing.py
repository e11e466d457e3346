"""What has been said to a recovery: by people, by its escalation, by a breaker. No commands.

Signals come as raw values, so that a refusal can say what is wrong with one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from devsync.contracts.delivery import DeliveryOutcome
from devsync.contracts.escalation import EscalationDecided
from devsync.contracts.recovery import EscalateRecovery, ResolveRecovery
from devsync.domain.model import Model
from devsync.domain.recovery import asking
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import Healing
from workflows.messages import decision as message_of
from workflows.signals import with_refusal

M = TypeVar("M", bound=Model)


class Decided(NamedTuple):
    decision: Decision | None
    """None: nothing is left to decide."""
    by: str
    note: str = ""
    must_tell_escalation: bool = False
    """It was decided here, and not by the escalation."""

    @classmethod
    def by_nobody(cls, decision: Decision, deadline: datetime) -> "Decided":
        return cls(decision, f"policy: nobody answered by {deadline:%H:%M} UTC")

    @property
    def told(self) -> str:
        return f"{self.by} decided: {self.decision}"


class Hearing:
    def __init__(self, healing: Healing) -> None:
        self._healing = healing
        self.wanted: EscalateRecovery | None = None
        """A person wants others to be told, and they are not yet."""
        self.pending: Decided | None = None
        """A decision that is still to be followed."""
        self.escalation_id = ""
        """The one that was joined."""
        self.asked_id = ""
        """The one that is being joined: its decision may come before we know that we have joined it."""
        self.is_released = False
        """Somebody knows that a try is worth its while now."""
        self.outcomes: dict[str, DeliveryOutcome] = {}
        """What the channels' deliveries have reported, by their keys."""
        self.by_hand = ""
        """How people can do it by themselves."""
        self.is_over = False
        self.refused: tuple[str, ...] = ()

    def escalate(self, raw: RawValue) -> None:
        said = self._read("escalate", raw, EscalateRecovery)
        if said is not None:
            self.wanted = said

    def resolve(self, raw: RawValue) -> None:
        said = self._read("resolve", raw, ResolveRecovery)
        if said is None:
            return
        choices = asking.choices(self._healing)
        if said.decision not in choices:
            self.refuse(f"signal 'resolve': nothing stands in; there are {', '.join(choices)}")
        else:
            self._take("resolve", Decided(said.decision, said.by, said.note or "", must_tell_escalation=True))

    def decided(self, raw: RawValue) -> None:
        said = self._read("decided", raw, EscalationDecided)
        if said is None:
            return
        if said.escalation_id not in {self.escalation_id, self.asked_id} - {""}:
            self.refuse(f"signal 'decided' of {said.escalation_id or 'no escalation'}, which was not joined")
        elif said.decision is None:
            self.is_released = True  # they say that the cause has healed
        else:
            self._take("decided", Decided(asking.possible(said.decision, self._healing), said.by, said.note))

    def forget_outcomes(self, channels: Sequence[str]) -> None:
        """What comes from now on counts."""
        self.outcomes = {key: outcome for key, outcome in self.outcomes.items() if key not in channels}

    def refuse(self, what: str) -> None:
        self.refused = with_refusal(self.refused, what, workflow.now())

    def _read(self, name: str, raw: RawValue, kind: type[M]) -> M | None:
        if self.is_over:
            self.refuse(f"signal {name!r}: the recovery is over")
            return None
        try:
            return message_of(raw, kind)
        except ApplicationError as error:
            self.refuse(f"signal {name!r}: {error.message}")
            return None

    def _take(self, name: str, decided: Decided) -> None:
        if self.pending is not None:
            self.refuse(f"signal {name!r} of {decided.by}: {self.pending.told}, before")
        else:
            self.pending = decided
