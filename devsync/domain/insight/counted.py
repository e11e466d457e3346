"""What the records deliver for a question: counts and measures, already grouped by the database.

A million rows become some thousands of these; nothing here knows a single error. Every field is measured: a number that
nobody measured has no row.
"""

from typing import Annotated, Self

from pydantic import AwareDatetime, Field, FiniteFloat, model_validator

from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.model import Model

Count = Annotated[int, Field(ge=0)]
Measure = Annotated[FiniteFloat, Field(ge=0)]


def place(service: str, operation: str) -> str:
    """`github.collect_repository`, or `github`: a program may not have said at what it was."""
    return f"{service}.{operation}" if operation else service


class ErrorCount(Model):
    """Alike errors of one stretch of time: an hour, a day, or the whole window."""

    since: AwareDatetime
    """Its beginning; that of the asked window where the window begins within it."""
    category: ErrorCategory
    severity: ErrorSeverity
    service: str
    operation: str
    fingerprint: str
    count: Annotated[int, Field(ge=1)]
    message: str = ""
    """Of one of them, so that a fingerprint means something to people."""


class CallCount(Model):
    """How often one operation of one service was tried within the asked window."""

    service: str
    operation: str
    calls: Count
    """Attempts that ended, well or not."""
    failures: Count

    @model_validator(mode="after")
    def _failures_are_calls(self) -> Self:
        if self.failures > self.calls:
            raise ValueError("more failures than calls; count each failure as a call, too")
        return self


class OperationCount(CallCount):
    """And how long that took."""

    seconds_median: Measure
    seconds_p95: Measure
    """19 of 20 were not slower."""
    seconds_total: Measure
    """All of them, one after the other."""


class ApiCalls(Model):
    """Calls to one outside service, in the words in which they are told everywhere."""

    service: str
    asked: Count
    """They went out: answered or failed. One that was interrupted is none."""
    answered: Count
    failed: Count
    """No answer came, or an error."""
    refused: Count
    """By our own breaker, or since the service had asked for patience: they did not go out, and are not asked."""

    @model_validator(mode="after")
    def _asked_are_answered_or_failed(self) -> Self:
        if self.asked != self.answered + self.failed:
            raise ValueError("asked calls are those that were answered and those that failed")
        return self


class OperationCalls(ApiCalls):
    """Those of the activities of one operation, and how long they took."""

    operation: str
    seconds_median: Measure | None
    """None, here and below: none went out."""
    seconds_p95: Measure | None
    seconds_total: Measure


class HourlyAnswer(Model):
    """How soon a service answered within one hour."""

    hour: AwareDatetime
    service: str
    calls: Annotated[int, Field(ge=1)]
    seconds: Measure
    """19 of 20 calls were not slower."""


class StageCount(Model):
    """One phase of the editions of the asked window: `collect`, `compose`, `render`, `deliver`."""

    stage: str
    editions: Count
    seconds_median: Measure
    seconds_p95: Measure
    seconds_total: Measure
