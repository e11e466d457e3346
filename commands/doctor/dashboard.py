"""`doctor` on the dashboard: can those who may look sign in, and does their provider answer?"""

from collections.abc import AsyncIterator

import httpx

from commands.doctor.findings import TIMEOUT, Finding, get, json_of
from devsync.rendering.wording import counted
from devsync.settings.configuration import Configuration
from devsync.settings.dashboard import OPENID_CALLBACK, DashboardSettings
from devsync.settings.environment import Environment, OpenIdAccess
from devsync.settings.problems import ConfigError

_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


async def check_dashboard(environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    register = configuration.dashboard
    if register.is_open:
        cure = "to have people sign in, name them there: docs/how-to/open-the-dashboard.md"
        yield Finding("dashboard", True, "open to everybody on this machine: dashboard.yaml names nobody", cure)
        return
    try:
        access = environment.openid()
    except ConfigError as error:
        yield Finding("openid provider", False, "not configured", str(error))
        return
    yield _people(register, access)
    if environment.dashboard_secret is None:
        detail = "DASHBOARD_SECRET is not set: a restart signs everybody out, and feeds are not for feed readers"
        yield Finding("dashboard secret", True, detail, "export it, made by openssl rand -hex 32")
    if access is not None:
        yield await _provider(environment, access)


def _people(register: DashboardSettings, access: OpenIdAccess | None) -> Finding:
    """Who is known in Slack alone is told nothing here: they sign in nowhere, and need not."""
    told = f"{counted(len(register.people), 'person', 'people')}, {counted(len(register.groups), 'group')}"
    if access is not None:
        return Finding("dashboard", True, told)
    shut_out = [one.name for one in register.people if one.email and not one.token_sha256]
    shut_out += [f"the group {one.group}" for one in register.groups]
    if not shut_out:
        return Finding("dashboard", True, told)
    cure = "export OIDC_ISSUER and OIDC_CLIENT_ID, or give them tokens: python starter.py dashboard token NAME"
    return Finding("dashboard", False, f"{told}; without OIDC_ISSUER nobody lets in {', '.join(shut_out)}", cure)


async def _provider(environment: Environment, access: OpenIdAccess) -> Finding:
    async with httpx.AsyncClient(timeout=TIMEOUT) as http:
        answer, problem = await get(http, f"{access.issuer.rstrip('/')}/.well-known/openid-configuration")
    told = json_of(answer)
    if not all(isinstance(told.get(name), str) for name in _NEEDED):
        detail = problem or "does not answer as an OpenID provider"
        return Finding("openid provider", False, f"{access.issuer} {detail}", "look at OIDC_ISSUER")
    if told.get("issuer") != access.issuer:
        cure = f"export OIDC_ISSUER={told.get('issuer')}"
        return Finding("openid provider", False, f"{access.issuer} calls itself {told.get('issuer')!r}", cure)
    callback = f"{environment.dashboard()}{OPENID_CALLBACK}"
    return Finding("openid provider", True, f"{access.issuer} answers; it must know the address {callback}")
