"""Statuspage's public API v2: the shapes are those of its documentation ("Status API") and of githubstatus.com."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from sandbox.service import Clock, Credentials
from sandbox.web_page import no_such_page, object_page
from sandbox.world import StatusReport, World

_PAGES = {"github": ("GitHub", ("Git Operations", "API Requests", "Pull Requests")), "jira": ("Jira", ("Search",))}
"""The name of each service on its page, and its components: the last one suffers."""

_DESCRIPTIONS = {
    "none": "All Systems Operational",
    "minor": "Partially Degraded Service",
    "major": "Partial System Outage",
    "critical": "Major System Outage",
}
_OF_A_COMPONENT = {
    "none": "operational",
    "minor": "degraded_performance",
    "major": "partial_outage",
    "critical": "major_outage",
}
_SINCE = datetime(2024, 1, 1, tzinfo=UTC)

Json = dict[str, object]


class StatusPages:
    def __init__(self, world: World) -> None:
        self._world = world

    async def api(self, request: web.Request) -> web.Response:
        service = request.match_info["service"]
        if service not in _PAGES:
            return web.json_response({"error": "Not found"}, status=404)
        parts = _parts(service, self._world.status.get(service, StatusReport()), _address(request, service))
        shown = {
            "summary": ("page", "components", "incidents", "scheduled_maintenances", "status"),
            "status": ("page", "status"),
            "components": ("page", "components"),
            "incidents": ("page", "incidents"),
            "incidents/unresolved": ("page", "incidents"),
        }.get(request.match_info["document"])
        if shown is None:
            return web.json_response({"error": "Not found"}, status=404)
        return web.json_response({name: parts[name] for name in shown})

    async def page(self, request: web.Request) -> web.Response:
        """For people: what the links of incidents lead to."""
        service = request.match_info["service"]
        if service not in _PAGES:
            return no_such_page()
        report = self._world.status.get(service, StatusReport())
        return object_page(f"{_PAGES[service][0]} status", _DESCRIPTIONS[report.indicator], report.incident)


def build_app(world: World, _credentials: Credentials, _clock: Clock) -> web.Application:
    pages = StatusPages(world)
    app = web.Application()
    app.add_routes(
        [
            web.get("/{service}/api/v2/{document:.+}.json", pages.api),
            web.get("/{service}", pages.page),
            web.get("/{service}/incidents/{id}", pages.page),
        ]
    )
    return app


def _address(request: web.Request, service: str) -> str:
    return f"{request.scheme}://{request.host}/{service}"


def _parts(service: str, report: StatusReport, address: str) -> dict[str, object]:
    name, components = _PAGES[service]
    page_id = f"{service}page"
    at = _timestamp(report.reported_at or _SINCE)
    states = dict.fromkeys(components, "operational") | {components[-1]: _OF_A_COMPONENT[report.indicator]}
    shown = [
        _component(f"{service}component{position}", component, state, position, page_id, at)
        for position, (component, state) in enumerate(states.items(), start=1)
    ]
    return {
        "page": {"id": page_id, "name": name, "url": address, "time_zone": "Etc/UTC", "updated_at": at},
        "components": shown,
        "incidents": [_incident(service, report, shown, page_id, address, at)] if report.incident else [],
        "scheduled_maintenances": [],
        "status": {"indicator": report.indicator, "description": _DESCRIPTIONS[report.indicator]},
    }


def _component(component_id: str, name: str, state: str, position: int, page_id: str, at: str) -> Json:
    return {
        "id": component_id,
        "name": name,
        "status": state,
        "created_at": _timestamp(_SINCE),
        "updated_at": at,
        "position": position,
        "description": None,
        "showcase": False,
        "start_date": None,
        "group_id": None,
        "page_id": page_id,
        "group": False,
        "only_show_if_degraded": False,
    }


def _incident(service: str, report: StatusReport, components: list[Json], page_id: str, address: str, at: str) -> Json:
    incident_id = f"{service}incident1"
    return {
        "id": incident_id,
        "name": report.incident,
        "status": "investigating",
        "created_at": at,
        "updated_at": at,
        "monitoring_at": None,
        "resolved_at": None,
        "impact": report.indicator,
        "shortlink": f"{address}/incidents/{incident_id}",
        "started_at": at,
        "page_id": page_id,
        "incident_updates": [],
        "components": components[-1:],
    }


def _timestamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
