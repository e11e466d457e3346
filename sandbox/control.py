"""The control API: what scripts, benchmarks and operators of the sandbox ask and change over HTTP, as JSON.

Who opens its root in a browser gets a page with the same (`control_page`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import orjson
from aiohttp import web
from pydantic import ValidationError

from sandbox.changes import WORLD_CHANGE, ImpossibleChange, WorldChange
from sandbox.control_page import ControlPage, wants_html
from sandbox.faults import Fault, FaultBook
from sandbox.port import ServicePort
from sandbox.request_log import RequestLog
from sandbox.world import World


class ControlApi:
    """`/requests`, `/faults`, `/world`, `/world/changes` and `/services/{service}/pause|resume`."""

    def __init__(
        self,
        world: World,
        log: RequestLog,
        faults: FaultBook,
        ports: Mapping[str, ServicePort],
        urls: Callable[[], dict[str, str]],
        change: Callable[[WorldChange], None],
    ) -> None:
        self._world = world
        self._log = log
        self._faults = faults
        self._ports = ports
        self._urls = urls
        self._change = change
        self._page = ControlPage(world, log, faults, ports, urls)

    def build_app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                *self._page.routes(),
                web.get("/", self._show_services),
                web.get("/requests", self._list_requests),
                web.delete("/requests", self._clear_requests),
                web.get("/faults", self._list_faults),
                web.post("/faults", self._add_fault),
                web.delete("/faults", self._clear_faults),
                web.delete(r"/faults/{id:\d+}", self._clear_fault),
                web.get("/world", self._show_world),
                web.post("/world/changes", self._change_world),
                web.post("/services/{service}/{action:pause|resume}", self._switch_port),
            ]
        )
        return app

    async def _show_services(self, request: web.Request) -> web.Response:
        if wants_html(request):
            return self._page.render()
        services = {
            service: {"url": url, "is_open": self._ports[service].is_open}
            for service, url in self._urls().items()
            if service in self._ports
        }
        return _json({"services": services})

    async def _list_requests(self, request: web.Request) -> web.Response:
        """Filters: service, method, path (regular expression), status, faulted=true|false, conditional=true|false.

        summary=true: no list.
        """
        query = request.query
        try:
            records = self._log.select(
                query.get("service"),
                method=query.get("method"),
                path=query.get("path"),
                status=int(query["status"]) if "status" in query else None,
                faulted=query["faulted"] == "true" if "faulted" in query else None,
                conditional=query["conditional"] == "true" if "conditional" in query else None,
            )
        except (ValueError, re.error) as error:
            return _json({"error": f"No such filter: {error}"}, status=400)
        answer: dict[str, object] = {
            "count": len(records),
            "counts": self._log.counts(records),
            "max_in_flight": self._log.max_in_flight,
        }
        if query.get("summary") != "true":
            answer["requests"] = [record.as_json() for record in records]
        return _json(answer)

    async def _clear_requests(self, request: web.Request) -> web.Response:
        self._log.clear()
        return web.Response(status=204)

    async def _list_faults(self, request: web.Request) -> web.Response:
        return _json({"faults": self._faults.listing()})

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            fault = Fault.model_validate_json(await request.read())
        except ValidationError as error:
            return _json({"error": "This is no fault.", "details": _details(error)}, status=400)
        if fault.service not in self._ports:
            return _json({"error": f'There is no service "{fault.service}".', "services": list(self._ports)}, 400)
        return _json({"id": self._faults.add(fault)}, status=201)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)

    async def _clear_fault(self, request: web.Request) -> web.Response:
        try:
            self._faults.clear(int(request.match_info["id"]))
        except KeyError:
            return _json({"error": f"There is no fault {request.match_info['id']}."}, status=404)
        return web.Response(status=204)

    async def _show_world(self, request: web.Request) -> web.Response:
        return _json({"week": self._world.week, "teams": self._world.teams})

    async def _change_world(self, request: web.Request) -> web.Response:
        """One change of `sandbox.changes`, told apart by its `kind`."""
        try:
            change = WORLD_CHANGE.validate_json(await request.read())
            self._change(change)
        except ValidationError as error:
            return _json({"error": "This is no change.", "details": _details(error)}, status=400)
        except ImpossibleChange as impossible:
            return _json({"error": f"This cannot happen here: {impossible}."}, status=409)
        return web.Response(status=204)

    async def _switch_port(self, request: web.Request) -> web.Response:
        service = request.match_info["service"]
        if service not in self._ports:
            return _json({"error": f'There is no service "{service}".', "services": list(self._ports)}, 404)
        port = self._ports[service]
        if request.match_info["action"] == "pause":
            port.close()
        else:
            port.open()
        return _json({"service": service, "is_open": port.is_open})


def _details(error: ValidationError) -> list[str]:
    return [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")
