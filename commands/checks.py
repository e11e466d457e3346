"""The checks of `doctor`, one function a service: each finds, and says how to mend what is wrong."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from devsync.contracts import names
from devsync.runtime.connection import TemporalUnreachable, connect, missing_search_attributes
from devsync.settings.configuration import Configuration
from devsync.settings.environment import Environment
from devsync.settings.problems import ConfigError
from devsync.settings.team import SlackChannel
from devsync.storage.connection import StorageError, WrongDatabaseUrl
from devsync.storage.database import Database

SLACK_SCOPES = {
    "chat:write": "posting",
    "channels:read": "finding channels by name",
    "channels:history": "asking whether an unanswered post arrived",
}
_TIMEOUT = httpx.Timeout(10, connect=5)


@dataclass(frozen=True)
class Finding:
    """One check. `cure` says what to do, and is empty when all is well."""

    check: str
    is_ok: bool
    detail: str
    cure: str = ""


async def check_database(environment: Environment) -> AsyncIterator[Finding]:
    try:
        database = Database(environment.database().get_secret_value(), pool_size=1)
    except (ConfigError, WrongDatabaseUrl) as error:
        yield Finding("database", False, "not configured", str(error))
        return
    try:
        state = await database.check()
        newer = ", migrated by a newer build" if state.is_newer else ""
        yield Finding(
            "database", True, f"{database.place}, version {state.server_version}, revision {state.revision}{newer}"
        )
    except StorageError as error:
        yield Finding("database", False, "cannot be used", str(error))
    finally:
        await database.dispose()


async def check_temporal() -> AsyncIterator[Finding]:
    try:
        client = await connect()
    except TemporalUnreachable as error:
        yield Finding("temporal server", False, "unreachable", str(error))
        return
    yield Finding("temporal server", True, f"namespace {client.namespace}")
    missing = await missing_search_attributes(client)
    cure = "run `python starter.py apply`" if missing else ""
    yield Finding("search attributes", not missing, f"missing: {', '.join(missing)}" if missing else "all there", cure)
    async for finding in _check_workers(client):
        yield finding


async def _check_workers(client: Client) -> AsyncIterator[Finding]:

    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=names.EDITIONS_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    count = len(answer.pollers)
    cure = "" if count else "start one: python worker.py"
    yield Finding("workers", bool(count), f"{count} serve the queue {names.EDITIONS_QUEUE}", cure)


async def check_github(environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    repositories = _unique(
        repository for team in configuration.teams.values() if team.github for repository in team.github.repositories
    )
    if not repositories:
        return
    try:
        access = environment.github()
    except ConfigError as error:
        yield Finding("github token", False, "not set", str(error))
        return
    headers = {"Authorization": f"Bearer {access.token.get_secret_value()}", "Accept": "application/vnd.github+json"}
    async with httpx.AsyncClient(base_url=access.url, headers=headers, timeout=_TIMEOUT) as http:
        limit, problem = await _get(http, "/rate_limit")
        if limit is None or limit.status_code != 200:
            yield Finding("github token", False, _words(limit, problem), _github_cure(limit, access.url))
            return
        scopes = limit.headers.get("x-oauth-scopes")
        core = _json(limit).get("resources", {}).get("core", {})
        yield Finding(
            "github token",
            True,
            f"accepted by {access.url}, {core.get('remaining', '?')} of {core.get('limit', '?')} calls left this hour"
            + (f", scopes {scopes or 'none'}" if scopes is not None else ", fine-grained"),
        )
        for repository in repositories:
            # The list that collection reads: a token may see a repository and not its pull requests.
            answer, problem = await _get(http, f"/repos/{repository}/pulls?state=closed&per_page=1")
            is_ok = answer is not None and answer.status_code == 200
            cure = "correct the team file, or give the token read access to its contents and pull requests"
            yield Finding(f"github {repository}", is_ok, _words(answer, problem), "" if is_ok else cure)


async def check_jira(environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    projects = _unique(project for team in configuration.teams.values() if team.jira for project in team.jira.projects)
    if not projects:
        return
    try:
        access = environment.jira()
    except ConfigError as error:
        yield Finding("jira", False, "not configured", str(error))
        return
    if access.email is None:
        yield Finding("jira", False, "JIRA_PAT means Data Center", "this version reads JIRA Cloud only")
        return
    credentials = (access.email, access.token.get_secret_value())
    async with httpx.AsyncClient(base_url=access.url, auth=credentials, timeout=_TIMEOUT) as http:
        me, problem = await _get(http, "/rest/api/3/myself")
        is_ok = me is not None and me.status_code == 200
        detail = (
            f"{access.url} as {_json(me).get('displayName', access.email)}" if is_ok and me else _words(me, problem)
        )
        yield Finding("jira", is_ok, detail, "" if is_ok else "check JIRA_URL, JIRA_EMAIL and JIRA_API_TOKEN")
        if not is_ok:
            return
        for project in projects:
            answer, problem = await _get(http, f"/rest/api/3/project/{project}")
            is_found = answer is not None and answer.status_code == 200
            cure = "correct the team file, or give the account the permission Browse Projects"
            yield Finding(f"jira {project}", is_found, _words(answer, problem), "" if is_found else cure)


async def check_slack(environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    channels = _unique(
        channel.channel
        for team in configuration.teams.values()
        for channel in team.channels
        if isinstance(channel, SlackChannel)
    )
    if not channels:
        return
    try:
        access = environment.slack()
    except ConfigError as error:
        yield Finding("slack token", False, "not set", str(error))
        return
    headers = {"Authorization": f"Bearer {access.token.get_secret_value()}"}
    async with httpx.AsyncClient(base_url=access.url, headers=headers, timeout=_TIMEOUT) as http:
        who, problem = await _get(http, "auth.test")
        body = _json(who)
        if who is None or not body.get("ok"):
            yield Finding("slack token", False, str(body.get("error") or _words(who, problem)), "check SLACK_BOT_TOKEN")
            return
        granted = {scope.strip() for scope in who.headers.get("x-oauth-scopes", "").split(",")}
        yield Finding("slack token", True, f"{body.get('user')} in {body.get('team')}")
        for scope, use in SLACK_SCOPES.items():
            is_granted = scope in granted
            cure = f"add {scope} to the app's bot scopes (for {use}) and install it again"
            yield Finding(f"slack {scope}", is_granted, use, "" if is_granted else cure)
        known = await _slack_channels(http, granted)
        for channel in channels:
            yield _slack_channel(channel, known.get(channel.removeprefix("#")), granted)


def _slack_channel(channel: str, found: dict[str, Any] | None, granted: set[str]) -> Finding:
    check, invite = f"slack {channel}", "invite the app: /invite in the channel"
    if found is None:
        private = "" if "groups:read" in granted else "; a private channel is seen with the scope groups:read only"
        return Finding(check, False, "not found", f"create {channel} or correct the team file, and {invite}{private}")
    if found.get("is_archived"):
        return Finding(check, False, "archived", f"unarchive {channel}, or correct the team file")
    if not found.get("is_member"):
        return Finding(check, False, "not a member", invite)
    if found.get("is_private") and "groups:history" not in granted:
        return Finding(check, False, "private, and its history is closed", "add groups:history to the app's bot scopes")
    return Finding(check, True, "member")


async def _slack_channels(http: httpx.AsyncClient, granted: set[str]) -> dict[str, dict[str, Any]]:
    """What Slack says of each channel that the app can see, by name and by id."""
    # A list with private channels in it is refused without groups:read.
    types = "public_channel,private_channel" if "groups:read" in granted else "public_channel"
    found: dict[str, dict[str, Any]] = {}
    cursor = ""
    while True:
        answer, _ = await _get(http, f"conversations.list?limit=1000&types={types}&cursor={cursor}")
        body = _json(answer)
        for entry in body.get("channels") or ():
            found |= {entry["name"]: entry, entry["id"]: entry}
        cursor = (body.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return found


async def _get(http: httpx.AsyncClient, path: str) -> tuple[httpx.Response | None, str]:
    try:
        return await http.get(path), ""
    except httpx.HTTPError as error:
        return None, f"unreachable ({type(error).__name__})"


def _json(answer: httpx.Response | None) -> dict[str, Any]:
    try:
        body = answer.json() if answer is not None else {}
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _words(answer: httpx.Response | None, problem: str) -> str:
    if answer is None:
        return problem
    if answer.status_code == 200:
        return "readable"
    message = _json(answer).get("message") or next(iter(_json(answer).get("errorMessages") or ()), "")
    return f"answered {answer.status_code}{f' ({message})' if message else ''}"


def _github_cure(answer: httpx.Response | None, url: str) -> str:
    if answer is None:
        return f"check GITHUB_API_URL ({url}) and the network"
    if answer.status_code == 401:
        return "GITHUB_TOKEN is wrong or has expired: create a new one"
    return f"check GITHUB_API_URL ({url})"


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


Check = Callable[[Environment, Configuration], AsyncIterator[Finding]]
SERVICE_CHECKS: tuple[Check, ...] = (check_github, check_jira, check_slack)
