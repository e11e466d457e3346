"""What people say to a run of ours, by hand in the Web UI, by the temporal CLI or by ours: one JSON object each."""

from typing import Annotated

from pydantic import StringConstraints

from devsync.domain.model import Model

Person = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000)]


class AskPeople(Model):
    """Argument of `escalate` to a running edition: `{"by": "anna", "reason": "half of it is missing"}`."""

    by: Person
    reason: Words = ""
    level: str | None = None
    """Where to begin; without it the policy decides."""


class Stop(Model):
    """Argument of `stop` to an amendment: `{"by": "anna", "reason": "nobody needs it any more"}`."""

    by: Person
    reason: Words = ""
