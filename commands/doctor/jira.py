"""What `doctor` asks JIRA, Cloud or Data Center: is it there, does it know us, which projects do we see?"""

from collections.abc import AsyncIterator

import httpx

from commands.doctor.findings import TIMEOUT, Finding, get, json_of, unique, words
from devsync.runtime.jira_identity import redirected, refused_login, wrong_kind
from devsync.settings.configuration import Configuration
from devsync.settings.environment import Environment, JiraAccess
from devsync.settings.problems import ConfigError


async def check_jira(environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    projects = unique(project for team in configuration.teams.values() if team.jira for project in team.jira.projects)
    if not projects:
        return
    try:
        access = environment.jira()
    except ConfigError as error:
        yield Finding("jira", False, "not configured", str(error))
        return
    is_cloud = access.email is not None
    api = "/rest/api/3" if is_cloud else "/rest/api/2"
    async with httpx.AsyncClient(base_url=access.url, timeout=TIMEOUT) as http:
        info, problem = await get(http, "/rest/api/2/serverInfo")
        if finding := _no_such_jira(access, info, problem):
            yield finding
            return
        if access.email is not None:
            http.auth = (access.email, access.token.get_secret_value())
        else:
            http.headers["Authorization"] = f"Bearer {access.token.get_secret_value()}"
        me, problem = await get(http, f"{api}/myself")
        refusal = refused_login(me.headers) if me else ""
        if refusal or not json_of(me).get("displayName"):
            variables = "JIRA_URL, JIRA_EMAIL and JIRA_API_TOKEN" if is_cloud else "JIRA_URL and JIRA_PAT"
            detail = f"{words(me, problem)}{f', {refusal}' if refusal else ''}"
            yield Finding("jira", False, detail, f"check {variables}; the token may have expired")
            return
        kind = "Cloud" if is_cloud else f"Data Center {json_of(info).get('version', '')}".rstrip()
        yield Finding("jira", True, f"{access.url}, {kind}, as {json_of(me)['displayName']}")
        for project in projects:
            answer, problem = await get(http, f"{api}/project/{project}")
            is_found = answer is not None and answer.status_code == 200
            cure = "correct the team file, or give the account the permission Browse Projects"
            yield Finding(f"jira {project}", is_found, words(answer, problem), "" if is_found else cure)
        for board in unique(
            str(board) for team in configuration.teams.values() if team.jira for board in team.jira.boards
        ):
            answer, problem = await get(http, f"/rest/agile/1.0/board/{board}")
            is_found = answer is not None and answer.status_code == 200
            cure = "write the number in the board's address, or share the board's filter with the account"
            yield Finding(f"jira board {board}", is_found, words(answer, problem), "" if is_found else cure)


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
