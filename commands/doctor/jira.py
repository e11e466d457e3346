"""What `doctor` asks JIRA, Cloud or Data Center: is it there, does it know us, which projects do we see?"""

from collections.abc import AsyncIterator

import httpx

from commands.doctor.findings import TIMEOUT, Finding, get, json_of, unique, words
from devsync.runtime.jira_identity import redirected, refused_login, wrong_kind
from devsync.settings.configuration import Configuration
from devsync.settings.environment import Environment, JiraAccess
from devsync.settings.problems import ConfigError


async def check_jira(environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    sources = [team.jira for team in configuration.teams.values() if team.jira]
    projects = unique(project for source in sources for project in source.projects)
    if not projects:
        return
    try:
        access = environment.jira()
    except ConfigError as error:
        yield Finding("jira", False, "not configured", str(error))
        return
    api = "/rest/api/3" if access.email is not None else "/rest/api/2"
    async with httpx.AsyncClient(base_url=access.url, timeout=TIMEOUT) as http:
        info, problem = await get(http, "/rest/api/2/serverInfo")
        if finding := _no_such_jira(access, info, problem):
            yield finding
            return
        _log_in(http, access)
        known = await _known(http, access, f"{api}/myself", info)
        yield known
        if not known.is_ok:
            return
        for project in projects:
            cure = "correct the team file, or give the account the permission Browse Projects"
            yield await _readable(http, f"jira {project}", f"{api}/project/{project}", cure)
        for board in unique(str(board) for source in sources for board in source.boards):
            cure = "write the number in the board's address, or share the board's filter with the account"
            yield await _readable(http, f"jira board {board}", f"/rest/agile/1.0/board/{board}", cure)


def _log_in(http: httpx.AsyncClient, access: JiraAccess) -> None:
    if access.email is not None:
        http.auth = (access.email, access.token.get_secret_value())
    else:
        http.headers["Authorization"] = f"Bearer {access.token.get_secret_value()}"


async def _known(http: httpx.AsyncClient, access: JiraAccess, path: str, info: httpx.Response | None) -> Finding:
    """Whether JIRA knows us."""
    is_cloud = access.email is not None
    me, problem = await get(http, path)
    refusal = refused_login(me.headers) if me else ""
    if refusal or not json_of(me).get("displayName"):
        variables = "JIRA_URL, JIRA_EMAIL and JIRA_API_TOKEN" if is_cloud else "JIRA_URL and JIRA_PAT"
        detail = f"{words(me, problem)}{f', {refusal}' if refusal else ''}"
        return Finding("jira", False, detail, f"check {variables}; the token may have expired")
    kind = "Cloud" if is_cloud else f"Data Center {json_of(info).get('version', '')}".rstrip()
    return Finding("jira", True, f"{access.url}, {kind}, as {json_of(me)['displayName']}")


async def _readable(http: httpx.AsyncClient, check: str, path: str, cure: str) -> Finding:
    answer, problem = await get(http, path)
    is_found = answer is not None and answer.status_code == 200
    return Finding(check, is_found, words(answer, problem), "" if is_found else cure)


def _no_such_jira(access: JiraAccess, info: httpx.Response | None, problem: str) -> Finding | None:
    """From `serverInfo`, asked without credentials: that tells the wrong kind of them from wrong ones.

    A server that shows it to nobody answers 401, and is believed to be the right one.
    """
    if info is None:
        return Finding("jira", False, problem, f"check JIRA_URL ({access.url}) and the network")
    if info.has_redirect_location:
        return Finding("jira", False, words(info, problem), redirected(info.headers["location"]))
    deployment = str(json_of(info).get("deploymentType") or "")
    if not deployment:
        cure = f"check JIRA_URL ({access.url}): the address of the site, with the path that JIRA is served under"
        return None if info.status_code in {401, 403} else Finding("jira", False, "no JIRA answers there", cure)
    cure = wrong_kind(access.url, deployment, wants_cloud=access.email is not None)
    return Finding("jira", False, "the credentials are for the other kind of JIRA", cure) if cure else None
