"""Runs all stand-ins of a world in one event loop, each on a port of its own, with log, faults and control API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import cast

from aiohttp import web

from sandbox.changes import WorldChange
from sandbox.control import ControlApi
from sandbox.fault_effects import fault_middleware
from sandbox.faults import FaultBook
from sandbox.port import ServicePort
from sandbox.request_log import RequestLog
from sandbox.service import VARIABLES, Clock, Credentials, StandIn, system_clock
from sandbox.world import World

SERVICES = ("github", "jira", "slack", "git", "feed", "status", "calendar", "smtp", "webhook", "openid")
"""Each is the package `sandbox.<name>`, loaded when it is asked for."""

STATUS_PAGES = ("github", "jira")
"""The services that publish one in Statuspage's form."""


class Sandbox:
    """The running stand-ins. Everything on it is meant for the loop that runs them."""

    def __init__(self, world: World, credentials: Credentials, clock: Clock, services: Sequence[str]) -> None:
        self.world = world
        self._clock = clock
        self.credentials = credentials
        self.log = RequestLog(clock)
        self.faults = FaultBook(self.pause, self.resume)
        self._stand_ins: dict[str, StandIn] = {service: _stand_in(service) for service in services}
        self.apps: dict[str, web.Application] = {
            service: stand_in.build_app(world, credentials, clock) for service, stand_in in self._stand_ins.items()
        }
        for service, app in self.apps.items():
            faults = fault_middleware(service, self.faults, clock, self.pause, wording=self._wording(service))
            app.middlewares[:0] = [self.log.middleware(service), faults]
        self._ports = {service: ServicePort(app) for service, app in self.apps.items()}
        control = ControlApi(world, self.log, self.faults, self._ports, lambda: self.urls, self.change)
        self._control_port = ServicePort(control.build_app())

    @property
    def urls(self) -> dict[str, str]:
        """`http://localhost:PORT` by service, and `control`: PyGithub refuses a server that names itself otherwise."""
        ports = {**self._ports, "control": self._control_port}
        return {service: f"http://localhost:{port.number}" for service, port in ports.items()}

    @property
    def github_url(self) -> str:
        return self.urls["github"]

    @property
    def jira_url(self) -> str:
        return self.urls["jira"]

    @property
    def slack_url(self) -> str:
        """The root; slack-sdk's `base_url` is this with `/api/` behind it."""
        return self.urls["slack"]

    @property
    def mirrors(self) -> dict[str, str]:
        """Where each repository could be cloned from, by its name; not everything that is listed can."""
        if "git" not in self._ports:
            return {}
        return {name: f"{self.urls['git']}/{name}.git" for name in self.world.repositories}

    @property
    def status_pages(self) -> dict[str, str]:
        """The addresses of the status pages, by service."""
        if "status" not in self._ports:
            return {}
        return {service: f"{self.urls['status']}/{service}" for service in STATUS_PAGES}

    @property
    def control_url(self) -> str:
        return self.urls["control"]

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point a program at this sandbox."""
        urls, found = self.urls, dict[str, str]()
        for service, stand_in in self._stand_ins.items():
            found |= stand_in.variables(urls[service], self.world, self.credentials)
            own: dict[str, str] = self.apps[service].get(VARIABLES, {})
            found |= own
        return found

    def _wording(self, service: str) -> str:
        return f"jira {self.world.jira_deployment}" if service == "jira" else service

    def pause(self, service: str, seconds: float = 0.0) -> None:
        """Closes the service's port: connections are refused, open ones reset, for `seconds` or until resumed."""
        self._ports[service].close(seconds)

    def resume(self, service: str) -> None:
        self._ports[service].open()

    def change(self, change: WorldChange) -> None:
        """Lets something happen to the world that is being served. Raises ImpossibleChange."""
        change.apply(self.world, self._clock())

    async def start(self, stack: AsyncExitStack) -> None:
        for port in (*self._ports.values(), self._control_port):
            stack.push_async_callback(port.stop)
            await port.start()


def _stand_in(service: str) -> StandIn:
    return cast(StandIn, import_module(f"sandbox.{service}"))


@asynccontextmanager
async def run_sandbox(
    world: World,
    *,
    credentials: Credentials | None = None,
    clock: Clock = system_clock,
    services: Sequence[str] = SERVICES,
) -> AsyncIterator[Sandbox]:
    """Starts the named services for a world and stops them at the end, in the running event loop."""
    sandbox = Sandbox(world, credentials or Credentials(), clock, services)
    async with AsyncExitStack() as stack:
        await sandbox.start(stack)
        yield sandbox
