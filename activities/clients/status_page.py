"""What a service's own status page says, in Statuspage's form (its documentation: "Status API", version 2)."""

import json
from typing import Any, NamedTuple

from activities.clients.bounded import WebReader
from devsync.domain.changelog.texts import one_line
from devsync.runtime.classification import MalformedAnswer

INDICATORS = ("none", "minor", "major", "critical")
"""Best first; of a page, and of an incident, there called impact."""

_SUMMARY = "/api/v2/summary.json"
_LONGEST_TEXT = 200
_OPERATIONAL = "operational"

Json = dict[str, Any]


class PageStatus(NamedTuple):
    indicator: str
    description: str
    """The page's own sentence: `Partial System Outage`."""
    incident: str = ""
    """The worst of those that are open; empty where none is."""
    incident_url: str = ""
    components: tuple[str, ...] = ()
    """Those that are not operational, by name."""


def read_status(reader: WebReader, page: str) -> PageStatus:
    """Raises what WebReader.read raises, and MalformedAnswer for a page in another form."""
    return status_in(reader.read(f"{page.rstrip('/')}{_SUMMARY}", "application/json"))


def status_in(summary: bytes) -> PageStatus:
    """What a summary says, each text in one line and within bounds. Raises MalformedAnswer."""
    try:
        return _status(json.loads(summary))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedAnswer("status", f"GET {_SUMMARY}", "no summary as Statuspage gives it") from error


def _status(summary: Json) -> PageStatus:
    status = summary["status"]
    if status["indicator"] not in INDICATORS:
        raise ValueError(status["indicator"])
    incidents = sorted(summary.get("incidents") or (), key=_badness, reverse=True)
    worst: Json = incidents[0] if incidents else {}
    components = [_text(one["name"]) for one in summary.get("components") or () if one.get("status") != _OPERATIONAL]
    return PageStatus(
        indicator=status["indicator"],
        description=_text(status["description"]),
        incident=_text(worst.get("name") or ""),
        incident_url=_web_address(worst.get("shortlink") or ""),
        components=tuple(components),
    )


def _badness(incident: Json) -> int:
    impact = incident.get("impact")
    return INDICATORS.index(impact) if impact in INDICATORS else 0


def _text(value: object) -> str:
    return one_line(str(value))[:_LONGEST_TEXT]


def _web_address(value: object) -> str:
    """A link for people: what is none, or could be more than a link, is left out."""
    address = str(value)
    is_one = address.startswith(("https://", "http://")) and address.isprintable() and " " not in address
    return address if is_one and len(address) <= _LONGEST_TEXT else ""
