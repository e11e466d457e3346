"""What has been said to a recovery: by people, by its escalation, by a breaker. No commands.

Signals come as raw values, so that a refusal can say what is wrong with one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from temporalio import workflow
from temporalio.common import RawValue

from devsync.contracts.delivery import DeliveryOutcome
from devsync.contracts.escalation import EscalationDecided
from devsync.contracts.people import Escalate, Resolve
from devsync.contracts.recovery import PeopleAsked
from devsync.domain.escalation.ending import POLICY, ending
from devsync.domain.escalation.policy import is_known, unknown_person
from devsync.domain.instants import in_utc
from devsync.domain.model import Model
from devsync.domain.recovery import asking
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import Healing
from workflows.escalation.places import Places
from workflows.shared.messages import understood
from workflows.shared.signals import with_refusal

M = TypeVar("M", bound=Model)

_LETS_BE = frozenset({Decision.SKIP, Decision.ABORT})


class Decided(NamedTuple):
    decision: Decision | None
    """None: nothing is left to decide."""
    by: str
    note: str = ""
    is_answer: bool = True
    """To what people were asked, also where the policy gave it for them: no other escalation needs to."""
    escalation_id: str = ""
    """The escalation that told it; empty: it was decided here."""
    lets_be: bool = False
    """A person said so: to go on without what is missing, also later."""

    @classmethod
    def by_nobody(cls, decision: Decision, deadline: datetime) -> "Decided":
        return cls(decision, f"policy: nobody answered by {in_utc(deadline)}", is_answer=False)

    @property
    def told(self) -> str:
        return ending(self.decision, self.by)


class Hearing:
    def __init__(self, healing: Healing) -> None:
        self._healing = healing
        self.wanted: Escalate | None = None
        """A person wants others to be told, and they are not yet."""
        self.pending: Decided | None = None
        """A decision that is still to be followed."""
        self.escalations: tuple[str, ...] = ()
        """Ids of those that were joined, one a cause; the decision of any counts."""
        self.escalation_level = ""
        """Where the last one that was joined begins."""
        self.asked: PeopleAsked | None = None
        """What whoever the recovery is for knows of them."""
        self.places = Places()
        self.is_released = False
        """Somebody knows that a try is worth its while now."""
        self.outcomes: dict[str, DeliveryOutcome] = {}
        """What the channels' deliveries have reported, by their keys."""
        self.still_to_come: tuple[str, ...] = ()
        """Steps of the plan, the one under way included, that may bring something that stands in."""
        self.by_hand = ""
        """How people can do it by themselves."""
        self.is_over = False
        self.refused: tuple[str, ...] = ()

    # What was said.

    def escalate(self, raw: RawValue) -> None:
        said = self._read("escalate", raw, Escalate)
        if said is not None:
            self.wanted = said

    def resolve(self, raw: RawValue) -> None:
        said = self._read("resolve", raw, Resolve)
        if said is None:
            return
        choices = asking.choices(self._healing)
        if not is_known(said.by, self.places.people):
            self.refuse(f"signal 'resolve': by: {unknown_person(said.by, self.places.people)}")
        elif said.decision is None:
            self.refuse(f"signal 'resolve': decision: is missing; there are {', '.join(choices)}")
        elif said.decision not in choices:
            self.refuse(f"signal 'resolve': {self._why_no_fallback}; there are {', '.join(choices)}")
        else:
            self._take("resolve", Decided(said.decision, said.by, said.note, lets_be=said.decision in _LETS_BE))

    def decided(self, raw: RawValue) -> None:
        said = self._read("decided", raw, EscalationDecided, of_person=False)
        if said is None:
            return
        if not self.places.hears(said, self.refuse):
            return
        if said.decision is None:
            self.is_released = True  # they say that the cause has healed
        else:
            decision = asking.possible(said.decision, self._healing)
            lets_be = said.decision in _LETS_BE and said.by != POLICY
            told = Decided(decision, said.by, said.note, escalation_id=said.escalation_id, lets_be=lets_be)
            self._take("decided", told)

    # What becomes of it.

    def has_joined(self, escalation_id: str, level: str) -> None:
        self.escalations = tuple(dict.fromkeys((*self.escalations, escalation_id)))
        self.escalation_level = level

    def forget_outcomes(self, channels: Sequence[str]) -> None:
        """What comes from now on counts."""
        self.outcomes = {key: outcome for key, outcome in self.outcomes.items() if key not in channels}

    @property
    def _why_no_fallback(self) -> str:
        if not self.still_to_come:
            return "nothing stands in"
        steps = ", ".join(self.still_to_come)
        return f"nothing stands in yet; use_fallback is possible when one of these steps has something: {steps}"

    def refuse(self, what: str) -> None:
        self.refused = with_refusal(self.refused, what, workflow.now())

    def _read(self, name: str, raw: RawValue, kind: type[M], *, of_person: bool = True) -> M | None:
        if self.is_over:
            self.refuse(f"signal {name!r}: the recovery is over")
            return None
        return understood(name, raw, kind, self.refuse, of_person=of_person)

    def _take(self, name: str, decided: Decided) -> None:
        if self.pending is not None:
            self.refuse(f"signal {name!r} of {decided.by}: {self.pending.told}, before")
        else:
            self.pending = decided
