"""The shape that every stand-in shares: what a service package exposes and what it is given.

A service is a package `sandbox.<name>` with the functions of `StandIn`. The server runs each application on a port of
its own, adds the middleware for the request log and the faults, and sets nothing else: authentication, paging and
wording are the service's own. The application reads the world on each request, or prepares it once; it never writes to
it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from aiohttp import web

from sandbox.world import World

Clock = Callable[[], datetime]
"""Returns the current time as an aware datetime in UTC. Tests pass their own."""


def system_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the stand-ins accept. The defaults are public: they open nothing but the sandbox."""

    github_token: str = "sandbox-github-token"
    jira_email: str = "sandbox@example.com"
    jira_api_token: str = "sandbox-jira-token"
    jira_pat: str = "sandbox-jira-pat"
    """Data Center's personal access token."""
    slack_bot_token: str = "xoxb-sandbox-slack-token"
    slack_signing_secret: str = "sandbox-slack-signing-secret"
    openid_client_id: str = "sandbox-dashboard"
    openid_client_secret: str = "sandbox-openid-secret"


VARIABLES = web.AppKey("variables", dict[str, str])
"""Variables that only the built application knows: of a port of its own."""


class StandIn(Protocol):
    """What the package of a service exposes: `sandbox.github`, `sandbox.jira`, `sandbox.slack`."""

    def build_app(self, world: World, credentials: Credentials, clock: Clock) -> web.Application:
        """The application that speaks the service's protocol."""
        ...

    def variables(self, url: str, world: World, credentials: Credentials) -> dict[str, str]:
        """The environment variables that point a program at the application at `url`, and let it in."""
        ...
