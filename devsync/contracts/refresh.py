"""Messages of a refresh: the sources of a team's next edition, asked before it is due."""

from datetime import datetime

from devsync.domain.model import Model


class RefreshRequest(Model):
    """Input of SourceRefresh."""

    team: str


class PlanRefresh(Model):
    """Ask the team's file which window the next edition will cover, and what it will ask for."""

    team: str
    at: datetime


class Unrefreshed(Model):
    """A unit that was not collected, and why: nobody waits for it here."""

    unit: str
    reason: str


class RefreshResult(Model):
    """Result of SourceRefresh, and its answer to the query `progress` while it runs."""

    team: str
    iso_week: str = ""
    """The week of the edition that it was for."""
    units_total: int = 0
    collected: tuple[str, ...] = ()
    """Units with something new."""
    unchanged: tuple[str, ...] = ()
    """Units of which the source confirmed that what is remembered still holds."""
    skipped: tuple[Unrefreshed, ...] = ()
    """Units of services whose circuit breakers let no call through."""
    failed: tuple[Unrefreshed, ...] = ()
    problem: str = ""
    """Why nothing was asked: a team file that is wrong or gone."""
    api_calls: dict[str, int] = {}
    """Calls by service, of the attempts that succeeded."""
    refused_messages: tuple[str, ...] = ()
