"""The product's JIRA client, made for a sandbox as the worker makes it from the environment."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from aiohttp import web
from aiohttp.typedefs import Handler

from activities.clients.jira import JiraClient
from sandbox.jira import SITE, JiraSite
from sandbox.running import Sandbox
from sandbox.service import Credentials, system_clock
from sandbox.world import World

Kind = Literal["cloud", "data-center"]

LOGINS = {"JIRA_EMAIL": "email", "JIRA_API_TOKEN": "token", "JIRA_PAT": "token"}


class JiraSandbox(Sandbox):
    """JIRA alone.

    `odd` holds answers that no JIRA gives, but what stands before one: by the end of a path. `meanwhile` runs after
    each search that was answered.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world, Credentials(), system_clock, ["jira"])
        self.odd: dict[str, Callable[[], web.Response]] = {}
        self.meanwhile: Callable[[], None] = lambda: None

        @web.middleware
        async def answer_oddly(request: web.Request, handler: Handler) -> web.StreamResponse:
            make = next((make for ending, make in self.odd.items() if request.path.endswith(ending)), None)
            answer = make() if make else await handler(request)
            if "/search" in request.path:
                self.meanwhile()
            return answer

        self.apps["jira"].middlewares.insert(2, answer_oddly)  # behind the log and the faults

    @property
    def site(self) -> JiraSite:
        return self.apps["jira"][SITE]

    @property
    def is_cloud(self) -> bool:
        return self.world.jira_deployment == "cloud"

    def revoke(self) -> None:
        """From now on the token in the environment is nobody's."""
        self.site.credentials = replace(self.credentials, jira_api_token="another", jira_pat="another")


@asynccontextmanager
async def jira_sandbox(kind: Kind, world: World) -> AsyncIterator[JiraSandbox]:
    world.jira_deployment = kind
    sandbox = JiraSandbox(world)
    async with AsyncExitStack() as stack:
        await sandbox.start(stack)
        yield sandbox


def jira_client(sandbox: Sandbox, **changes: Any) -> JiraClient:
    """For the kind of JIRA that the sandbox runs; `changes` replace arguments of the client."""
    login = {LOGINS[name]: value for name, value in sandbox.environment.items() if name in LOGINS}
    arguments: dict[str, Any] = {
        "server": sandbox.jira_url,
        "email": None,
        "concurrency": 1,
        "connect_timeout": timedelta(seconds=5),
        "read_timeout": timedelta(seconds=5),
    }
    return JiraClient(**(arguments | login | changes))
