"""Where pages of the dashboard are, for messages that lead there: paths, which whoever sends one makes absolute."""

from typing import Final
from urllib.parse import quote, urlencode

from devsync.domain.insight.span import Span
from devsync.domain.instants import in_iso

OVERVIEW: Final = "/"
ALERTS: Final = "/alerts"
INSIGHT: Final = "/insight"
SCHEDULES: Final = "/schedules"
OPEN: Final = "Open in the dashboard"
"""What the link is called everywhere."""


def edition_page(team: str, iso_week: str) -> str:
    """Its permalink: the newest revision."""
    return f"/teams/{_part(team)}/editions/{_part(iso_week)}"


def approval_page(team: str, iso_week: str) -> str:
    """What reviewers are asked about an edition, and what they said."""
    return f"{edition_page(team, iso_week)}/approval"


def escalation_page(escalation_id: str) -> str:
    return f"/escalations/{_part(escalation_id)}"


def alert_page(key: str) -> str:
    """Among the others, where it is open; else the list of them all."""
    return f"{ALERTS}#{_part(key)}"


def breaker_page(service: str) -> str:
    """Of that service; of all where it is empty."""
    return f"/breakers/{_part(service)}" if service else "/breakers"


def run_page(team: str, iso_week: str) -> str:
    """How its edition was made, or is being made."""
    return f"/teams/{_part(team)}/runs/{_part(iso_week)}"


def schedule_page(team: str) -> str:
    return f"/teams/{_part(team)}/schedule"


def errors_page(service: str = "", over: Span | None = None) -> str:
    """Those of a service, and what is counted within exactly that time."""
    return _filtered("/errors", service=service, **(within(over) if over else {}))


def within(over: Span) -> dict[str, str]:
    """What stands in the address of a page that is about exactly that time."""
    return {"from": in_iso(over.start), "until": in_iso(over.end)}


def deliveries_page(team: str = "", iso_week: str = "") -> str:
    return _filtered("/deliveries", team=team, week=iso_week)


def delivery_page(team: str, iso_week: str, channel: str) -> str:
    return f"/teams/{_part(team)}/deliveries/{_part(iso_week)}/{_part(channel)}"


def address_of(page: str, dashboard: str) -> str:
    """Absolute; a path only on a dashboard, at an address without a slash at its end: empty where that is empty."""
    if not page.startswith("/"):
        return page
    return f"{dashboard}{page}" if dashboard else ""


def _filtered(path: str, **filters: str) -> str:
    """A filter that is empty stands in no address."""
    query = urlencode({name: value for name, value in filters.items() if value}, safe=":")
    return f"{path}?{query}" if query else path


def _part(text: str) -> str:
    return quote(text, safe="")
