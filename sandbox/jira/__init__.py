"""JIRA as far as the `jira` client 3.10.5 and a changelog need it: Cloud (REST v3) or Data Center (REST v2).

Which of the two an organisation runs is a matter of its world; agile 1.0 is the same on both.
"""

from aiohttp import web

from sandbox.jira import cloud, data_center
from sandbox.jira.site import SITE, JiraSite
from sandbox.service import Clock, Credentials
from sandbox.world import World

__all__ = ["SITE", "JiraSite", "build_app", "variables"]


def build_app(world: World, credentials: Credentials, clock: Clock, *, timezone: str = "UTC") -> web.Application:
    """The application; `app[SITE]` is its state. `timezone` is the API user's, an IANA name."""
    build = data_center.build_app if world.jira_deployment == "data-center" else cloud.build_app
    return build(world, credentials, clock, timezone=timezone)


def variables(url: str, world: World, credentials: Credentials) -> dict[str, str]:
    if world.jira_deployment == "data-center":
        return {"JIRA_URL": url, "JIRA_PAT": credentials.jira_pat}
    return {"JIRA_URL": url, "JIRA_EMAIL": credentials.jira_email, "JIRA_API_TOKEN": credentials.jira_api_token}
