"""Messages of a schedule's firing: which week is due, and what became of it."""

from datetime import datetime, timedelta
from enum import StrEnum

from devsync.domain.model import Model


class DueRequest(Model):
    """Input of EditionTrigger. When it was due stands in a search attribute that the schedule adds."""

    team: str


class FindDueWeek(Model):
    """Ask the team's file which week falls due at that instant."""

    team: str
    scheduled_at: datetime
    """When the schedule meant to fire, without jitter."""


class DueWeek(Model):
    iso_week: str
    jitter: timedelta = timedelta(0)
    """How much later than `scheduled_at` the schedule may start on purpose."""


class DueOutcome(StrEnum):
    STARTED = "started"
    ALREADY_RUNNING = "already running"
    """A run by hand, a backfill or another firing had the week already; it was asked to deliver."""


class EditionDue(Model):
    """Result of EditionTrigger."""

    team: str
    iso_week: str
    scheduled_at: datetime
    outcome: DueOutcome
    edition_id: str
    """The workflow id of the week's edition."""
    edition_run_id: str = ""
    """The run that was started; empty when one was there."""
    late_by: timedelta | None = None
    """From when it was due to when the edition was started; None in time."""
