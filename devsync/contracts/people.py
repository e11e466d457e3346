"""What people say to a run of ours, by hand in the Web UI, by the temporal CLI or by ours: one JSON object each."""

from typing import Annotated

from pydantic import StringConstraints

from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision

Person = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000)]


class Pressed(Model):
    """Of an answer by button: where the button stood, and which press it was. A press counts once."""

    page: str
    """Of the escalation; a button of an earlier one is over with it."""
    id: str


class Escalate(Model):
    """Argument of `escalate` to an edition, a recovery or an escalation: `{"by": "anna", "reason": "it is urgent"}`."""

    by: Person
    reason: Words = ""
    level: Words = ""
    """Whom to ask; without it the policy decides, and of a running escalation the next level is asked."""


class Resolve(Model):
    """Argument of `resolve` to a recovery or an escalation: `{"by": "anna", "decision": "retry", "note": "…"}`.

    An escalation hands it to all who wait and offer it.
    """

    by: Person
    decision: Decision | None = None
    """Needed where somebody waits for one."""
    note: Words = ""
    pressed: Pressed | None = None


class Stop(Model):
    """Argument of `stop` to an amendment: `{"by": "anna", "reason": "nobody needs it any more"}`."""

    by: Person
    reason: Words = ""
