"""`doctor` on GitHub: whether the token or the App is accepted, what it may read, and which roads are open."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import requests
from github import Auth
from github.GithubException import GithubException
from github.Requester import Requester

from activities.clients.github_access import GitHubTokens, tokens_of
from commands.doctor.findings import TIMEOUT, Finding, get, json_of, unique, words
from devsync.settings.configuration import Configuration
from devsync.settings.environment import Environment, GitHubAccess, GitHubApp
from devsync.settings.problems import ConfigError
from devsync.settings.team import GitHubSource

APP_PERMISSIONS = {"contents": "commits and releases", "pull_requests": "pull requests"}
"""What an App needs to read, and what for; `metadata` comes with any."""

LISTS = {
    "pulls?state=closed&per_page=1": "pull requests",
    "commits?per_page=1": "contents",
}
"""What collection reads of a repository, by the permission that each needs: a token may have one and not the other."""

_EMPTY_REPOSITORY = 409
"""GitHub's word for the commits of a repository that has none yet."""
_ANSWERED_BY = timedelta(seconds=10)
_ASK_POINTS = {"query": "{ rateLimit { limit remaining } }"}


async def check_github(environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    sources = [team.github for team in configuration.teams.values() if team.github]
    repositories = unique(repository for source in sources for repository in source.repositories)
    if not repositories:
        return
    try:
        access = environment.github()
        tokens = tokens_of(access, timeout=_ANSWERED_BY)
    except ConfigError as error:
        is_app = environment.github_app_id or environment.github_app_private_key
        yield Finding("github app" if is_app else "github token", False, "cannot be used", str(error))
        return
    async with httpx.AsyncClient(base_url=access.url, timeout=TIMEOUT) as http:
        if access.app is None:
            async for finding in _check_token("github token", http, access, tokens, repositories, sources):
                yield finding
            return
        app = await _app(http, access.app)
        yield app
        for owned in _by_owner(repositories).values() if app.is_ok else ():
            installed = await _installation(http, access.app, owned[0])
            yield installed
            if installed.is_ok:
                async for finding in _check_token(installed.check, http, access, tokens, owned, sources):
                    yield finding


async def _check_token(
    name: str,
    http: httpx.AsyncClient,
    access: GitHubAccess,
    tokens: GitHubTokens,
    repositories: list[str],
    sources: list[GitHubSource],
) -> AsyncIterator[Finding]:
    """One token: its quota, GraphQL, and each repository that it is used for."""
    try:
        token = await asyncio.to_thread(tokens.token_for, repositories[0], lambda: None)
    except (ConfigError, GithubException, requests.RequestException) as error:
        yield Finding(name, False, "no token to be had", str(error))
        return
    http.headers.update({"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"})
    accepted = await _accepted(name, http, access)
    yield accepted
    if not accepted.is_ok:
        return
    roads = {source.api for source in sources}
    if roads != {"rest"}:
        yield await _graphql(http, access, is_needed="graphql" in roads)
    for repository in repositories:
        yield await _readable(http, repository)


async def _app(http: httpx.AsyncClient, app: GitHubApp) -> Finding:
    answer, problem = await get(http, "/app", _signed(app))
    if answer is not None and answer.status_code == 200:
        return Finding("github app", True, f"{json_of(answer).get('name')} (GITHUB_APP_ID {app.app_id})")
    cure = "check that GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY belong together, GITHUB_API_URL, and the clock"
    return Finding("github app", False, words(answer, problem), cure)


async def _installation(http: httpx.AsyncClient, app: GitHubApp, repository: str) -> Finding:
    """Whether the App is on the account of a repository, with the permissions that collection needs."""
    owner = repository.partition("/")[0]
    name = f"github app on {owner}"
    answer, problem = await get(http, f"/repos/{repository}/installation", _signed(app))
    if answer is None or answer.status_code != 200:
        cure = f"install the App on {owner} with access to {repository}, or correct the team file"
        return Finding(name, False, words(answer, problem), cure)
    granted = json_of(answer).get("permissions") or {}
    lacking = [f"{wanted} ({use})" for wanted, use in APP_PERMISSIONS.items() if wanted not in granted]
    if lacking:
        cure = f"give the App read access to {', '.join(lacking)}, and accept it on {owner}"
        return Finding(name, False, f"lacks {', '.join(lacking)}", cure)
    return Finding(name, True, f"installed, may read {', '.join(sorted(granted))}")


async def _accepted(name: str, http: httpx.AsyncClient, access: GitHubAccess) -> Finding:
    answer, problem = await get(http, "/rate_limit")
    if answer is None or answer.status_code != 200:
        return Finding(name, False, words(answer, problem), _cure(answer, access.url))
    core = json_of(answer).get("resources", {}).get("core", {})
    left = f"{core.get('remaining', '?')} of {core.get('limit', '?')} calls left this hour"
    scopes = answer.headers.get("x-oauth-scopes")
    kind = "" if access.app else f", scopes {scopes or 'none'}" if scopes is not None else ", fine-grained"
    return Finding(name, True, f"accepted by {access.url}, {left}{kind}")


async def _graphql(http: httpx.AsyncClient, access: GitHubAccess, *, is_needed: bool) -> Finding:
    """A closed GraphQL is a failure only for a team that insists on it."""
    parts = urlsplit(access.url)
    url = parts._replace(path=Requester.get_graphql_prefix(parts.path)).geturl()
    try:
        answer, problem = await http.post(url, json=_ASK_POINTS), ""
    except httpx.HTTPError as error:
        answer, problem = None, f"unreachable ({type(error).__name__})"
    body = json_of(answer)
    points = (body.get("data") or {}).get("rateLimit") or {}
    if points and not body.get("errors"):
        return Finding(
            "github graphql", True, f"{points.get('remaining')} of {points.get('limit')} points left this hour"
        )
    errors = body.get("errors") or [{}]
    told = errors[0].get("type") or words(answer, problem)
    if is_needed:
        return Finding("github graphql", False, f"closed: {told}", "write github.api: auto, or rest, in the team file")
    cure = "nothing has to be done; `github.api: rest` in the team file says that it is meant so"
    return Finding("github graphql", True, f"closed: {told}; REST is used instead", cure)


async def _readable(http: httpx.AsyncClient, repository: str) -> Finding:
    for path, permission in LISTS.items():
        answer, problem = await get(http, f"/repos/{repository}/{path}")
        if answer is not None and answer.status_code == 301:
            return await _renamed(http, repository)
        if answer is None or answer.status_code not in {200, _EMPTY_REPOSITORY}:
            cure = f"correct the team file, or give the credentials read access to its {permission}"
            return Finding(f"github {repository}", False, f"{permission}: {words(answer, problem)}", cure)
    return Finding(f"github {repository}", True, "readable")


async def _renamed(http: httpx.AsyncClient, repository: str) -> Finding:
    """It is collected under its new name; the team file should have it, since anybody may take the old one."""
    try:
        answer, problem = await http.get(f"/repos/{repository}", follow_redirects=True), ""
    except httpx.HTTPError as error:
        answer, problem = None, f"unreachable ({type(error).__name__})"
    new_name = json_of(answer).get("full_name")
    if not new_name:
        return Finding(f"github {repository}", False, words(answer, problem), "correct the team file")
    cure = f"write {new_name} in the team file: whoever takes the old name takes its place"
    return Finding(f"github {repository}", True, f"readable, but called {new_name} now", cure)


def _signed(app: GitHubApp) -> dict[str, str]:
    """The App's own authentication, good for five minutes."""
    token = Auth.AppAuth(app.app_id, app.private_key.get_secret_value()).create_jwt()
    return {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}


def _cure(answer: httpx.Response | None, url: str) -> str:
    if answer is None:
        return f"check GITHUB_API_URL ({url}) and the network"
    if answer.status_code == 401:
        return "GITHUB_TOKEN is wrong or has expired: create a new one"
    return f"check GITHUB_API_URL ({url})"


def _by_owner(repositories: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for repository in repositories:
        found.setdefault(repository.partition("/")[0].casefold(), []).append(repository)
    return found
