"""The checks of `doctor`, one function a service: each finds, and says how to mend what is wrong."""

from collections.abc import AsyncIterator, Callable

import httpx
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from commands.findings import TIMEOUT as _TIMEOUT
from commands.findings import Finding
from commands.findings import get as _get
from commands.findings import json_of as _json
from commands.findings import unique as _unique
from commands.findings import words as _words
from commands.github_checks import check_github
from devsync.contracts import names
from devsync.runtime.connection import TemporalUnreachable, connect, missing_search_attributes
from devsync.runtime.jira_identity import redirected, refused_login, wrong_kind
from devsync.settings.configuration import Configuration
from devsync.settings.environment import Environment, JiraAccess
from devsync.settings.problems import ConfigError
from devsync.settings.team import SlackChannel
from devsync.storage.connection import StorageError, WrongDatabaseUrl
from devsync.storage.database import Database

SLACK_SCOPES = {
    "chat:write": "posting",
    "channels:read": "finding channels by name",
    "channels:history": "asking whether an unanswered post arrived",
}


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


async def check_jira(environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    projects = _unique(project for team in configuration.teams.values() if team.jira for project in team.jira.projects)
    if not projects:
        return
    try:
        access = environment.jira()
    except ConfigError as error:
        yield Finding("jira", False, "not configured", str(error))
        return
    is_cloud = access.email is not None
    api = "/rest/api/3" if is_cloud else "/rest/api/2"
    async with httpx.AsyncClient(base_url=access.url, timeout=_TIMEOUT) as http:
        info, problem = await _get(http, "/rest/api/2/serverInfo")
        if finding := _no_such_jira(access, info, problem):
            yield finding
            return
        if access.email is not None:
            http.auth = (access.email, access.token.get_secret_value())
        else:
            http.headers["Authorization"] = f"Bearer {access.token.get_secret_value()}"
        me, problem = await _get(http, f"{api}/myself")
        refusal = refused_login(me.headers) if me else ""
        if refusal or not _json(me).get("displayName"):
            variables = "JIRA_URL, JIRA_EMAIL and JIRA_API_TOKEN" if is_cloud else "JIRA_URL and JIRA_PAT"
            detail = f"{_words(me, problem)}{f', {refusal}' if refusal else ''}"
            yield Finding("jira", False, detail, f"check {variables}; the token may have expired")
            return
        kind = "Cloud" if is_cloud else f"Data Center {_json(info).get('version', '')}".rstrip()
        yield Finding("jira", True, f"{access.url}, {kind}, as {_json(me)['displayName']}")
        for project in projects:
            answer, problem = await _get(http, f"{api}/project/{project}")
            is_found = answer is not None and answer.status_code == 200
            cure = "correct the team file, or give the account the permission Browse Projects"
            yield Finding(f"jira {project}", is_found, _words(answer, problem), "" if is_found else cure)


def _no_such_jira(access: JiraAccess, info: httpx.Response | None, problem: str) -> Finding | None:
    """From `serverInfo`, asked without credentials: that tells the wrong kind of them from wrong ones.

    A server that shows it to nobody answers 401, and is believed to be the right one.
    """
    if info is None:
        return Finding("jira", False, problem, f"check JIRA_URL ({access.url}) and the network")
    if info.has_redirect_location:
        return Finding("jira", False, _words(info, problem), redirected(info.headers["location"]))
    deployment = str(_json(info).get("deploymentType") or "")
    if not deployment:
        cure = f"check JIRA_URL ({access.url}): the address of the site, with the path that JIRA is served under"
        return None if info.status_code in {401, 403} else Finding("jira", False, "no JIRA answers there", cure)
    cure = wrong_kind(access.url, deployment, wants_cloud=access.email is not None)
    return Finding("jira", False, "the credentials are for the other kind of JIRA", cure) if cure else None


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
        known = await _slack_channels(http)
        for channel in channels:
            member = known.get(channel.removeprefix("#"))
            is_ok = member is True
            detail = "member" if is_ok else "not a member" if member is False else "not found"
            cure = f"create {channel} or correct the team file, and invite the app: /invite in the channel"
            yield Finding(f"slack {channel}", is_ok, detail, "" if is_ok else cure)


async def _slack_channels(http: httpx.AsyncClient) -> dict[str, bool]:
    """Whether the app is a member, by channel name."""
    found: dict[str, bool] = {}
    cursor = ""
    while True:
        answer, _ = await _get(
            http, f"conversations.list?limit=1000&types=public_channel,private_channel&cursor={cursor}"
        )
        body = _json(answer)
        found |= {entry["name"]: bool(entry.get("is_member")) for entry in body.get("channels") or ()}
        cursor = (body.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return found


Check = Callable[[Environment, Configuration], AsyncIterator[Finding]]
SERVICE_CHECKS: tuple[Check, ...] = (check_github, check_jira, check_slack)
