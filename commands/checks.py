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
from commands.jira_checks import check_jira
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
