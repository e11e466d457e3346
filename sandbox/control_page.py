"""The control address in a browser: what stands in here, where it can be looked at, and what can be made to fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiohttp import web
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape
from pydantic import ValidationError

from sandbox.faults import WHAT_HAPPENS, Fault, FaultBook
from sandbox.port import ServicePort
from sandbox.request_log import RequestLog
from sandbox.world import World

_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "web"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


class _Told(NamedTuple):
    """What a stand-in is, and where a person can look at it."""

    name: str
    what: str
    looks: Mapping[str, str] = {}
    """Paths, by what is seen there."""


_SERVICES: Final[Mapping[str, _Told]] = {
    "github": _Told("GitHub", "REST and GraphQL; links of a changelog lead here"),
    "jira": _Told("JIRA", "its REST and Agile APIs; links of a changelog lead here"),
    "slack": _Told("Slack", "the Web API; buttons work", {"channels and messages": "/"}),
    "smtp": _Told("A mail server", "SMTP, and the inbox of everybody", {"mails": "/"}),
    "webhook": _Told("A receiver of webhooks", "takes what is signed", {"events": "/"}),
    "status": _Told("Status pages", "what recovery asks first", {"GitHub's": "/github", "JIRA's": "/jira"}),
    "git": _Told("Git mirrors", "the same repositories by git over HTTP"),
    "feed": _Told("Atom feeds", "GitHub's public feeds of commits and releases"),
    "calendar": _Told("A calendar", "the team's, as iCal"),
    "openid": _Told("An OpenID provider", "for the dashboard's sign-in"),
}

_COMMON: Final[Mapping[str, Mapping[str, object]]] = {
    "GitHub answers 503": {"kind": "status", "service": "github", "status": 503},
    "GitHub limits our rate": {"kind": "rate_limit", "service": "github", "retry_after_seconds": 30},
    "GitHub is slow": {"kind": "latency", "service": "github", "latency_ms": 2000, "jitter": 0.3},
    "JIRA shows a proxy's error page": {"kind": "html", "service": "jira", "status": 502},
    "JIRA says nothing": {"kind": "empty", "service": "jira"},
    "Slack takes a post, and its answer never comes": {
        "kind": "committed_timeout", "service": "slack", "route": "chat.postMessage", "seconds": 60, "count": 1,
    },
}  # fmt: skip
"""What people try first, each a request to `/faults`."""


class ControlPage:
    """`/` for browsers, and the forms on it. Programs speak JSON to the control API instead."""

    def __init__(
        self,
        world: World,
        log: RequestLog,
        faults: FaultBook,
        ports: Mapping[str, ServicePort],
        urls: Callable[[], dict[str, str]],
    ) -> None:
        self._world = world
        self._log = log
        self._faults = faults
        self._ports = ports
        self._urls = urls

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/page/faults", self._add_fault),
            web.post("/page/faults/clear", self._clear_faults),
            web.post("/page/services/{action:pause|resume}", self._switch_port),
        ]

    def render(self, problem: str = "") -> web.Response:
        urls = self._urls()
        html = _PAGES.get_template("control.html.jinja").render(
            control=urls["control"],
            services=[
                {
                    "id": service,
                    "told": _SERVICES.get(service, _Told(service, "")),
                    "url": urls[service],
                    "is_open": port.is_open,
                    "requests": len(self._log.select(service)),
                }
                for service, port in self._ports.items()
            ],
            faults=[one | {"what": _in_code(WHAT_HAPPENS[one["kind"]]), "set": _set(one)} for one in self._listing()],
            common={name: fault for name, fault in _COMMON.items() if fault["service"] in self._ports},
            example=json.dumps(_COMMON["GitHub answers 503"]),
            kinds={kind.value: _in_code(what) for kind, what in WHAT_HAPPENS.items()},
            week=self._world.week,
            teams=[team.team for team in self._world.teams],
            problem=problem,
        )
        status = 400 if problem else 200
        return web.Response(text=html, status=status, content_type="text/html", headers={"Cache-Control": "no-store"})

    async def _add_fault(self, request: web.Request) -> web.Response:
        fields = await _filled_in(request)
        try:
            fault = Fault.model_validate(fields)
        except ValidationError as error:
            first = error.errors()[0]
            where = f"{first['loc'][0]}: " if first["loc"] else ""
            return self.render(f"That is no fault: {where}{first['msg'].removeprefix('Value error, ')}")
        if fault.service not in self._ports:
            return self.render(f'There is no service "{fault.service}".')
        self._faults.add(fault)
        return _back()

    async def _clear_faults(self, request: web.Request) -> web.Response:
        """The one that the form names, else all. One that is gone already is no matter."""
        number = (await _filled_in(request)).get("id", "")
        known = {int(str(one["id"])) for one in self._listing()}
        if not number:
            self._faults.clear()
        elif number.isdecimal() and int(number) in known:
            self._faults.clear(int(number))
        return _back()

    async def _switch_port(self, request: web.Request) -> web.Response:
        service = (await _filled_in(request)).get("service", "")
        if service not in self._ports:
            return self.render(f'There is no service "{service}".')
        port = self._ports[service]
        if request.match_info["action"] == "pause":
            port.close()
        else:
            port.open()
        return _back()

    def _listing(self) -> list[dict[str, Any]]:
        return self._faults.listing()


def wants_html(request: web.Request) -> bool:
    """Browsers say so; programs say nothing, or JSON."""
    return "text/html" in request.headers.get("Accept", "")


async def _filled_in(request: web.Request) -> dict[str, str]:
    """The fields that are not empty. Another site's page fills in no form here."""
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        raise web.HTTPForbidden(text="The form is of another site.")
    form = await request.post()
    return {name: value.strip() for name, value in form.items() if isinstance(value, str) and value.strip()}


def _back() -> web.Response:
    """A page that is loaded again does nothing twice."""
    return web.Response(status=303, headers={"Location": "/"})


def _set(fault: Mapping[str, Any]) -> str:
    """What of a fault was chosen: `status 503, count 3`."""
    usual = {name: field.default for name, field in Fault.model_fields.items()}
    chosen = {name: fault[name] for name in usual if name not in {"kind", "service"} and fault[name] != usual[name]}
    return ", ".join(f"{name} {value}" for name, value in chosen.items())


def _in_code(text: str) -> Markup:
    """What stands between backticks is something that is typed."""
    return Markup().join(_parts(text))


def _parts(text: str) -> Iterator[Markup]:
    for number, part in enumerate(text.split("`")):
        yield Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
