"""What `doctor` asks Slack: is the token good, what may it do, and is the app in the teams' channels?"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from commands.doctor.findings import TIMEOUT, Finding, get, json_of, unique, words
from devsync.contracts.names import SLACK
from devsync.settings.configuration import Configuration
from devsync.settings.environment import Environment
from devsync.settings.problems import ConfigError
from devsync.settings.team import SlackChannel

SLACK_SCOPES = {
    "chat:write": "posting",
    "channels:read": "finding channels by name",
    "channels:history": "asking whether an unanswered post arrived",
}


async def check_slack(environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    channels = unique(_channels_of(configuration))
    if not channels:
        return
    try:
        access = environment.slack()
    except ConfigError as error:
        yield Finding("slack token", False, "not set", str(error))
        return
    headers = {"Authorization": f"Bearer {access.token.get_secret_value()}"}
    async with httpx.AsyncClient(base_url=access.url, headers=headers, timeout=TIMEOUT) as http:
        who, problem = await get(http, "auth.test")
        body = json_of(who)
        if who is None or not body.get("ok"):
            cure = "check SLACK_BOT_TOKEN" if body else f"check SLACK_API_URL ({access.url}) and the network"
            yield Finding("slack token", False, str(body.get("error") or words(who, problem)), cure)
            return
        granted = {scope.strip() for scope in who.headers.get("x-oauth-scopes", "").split(",")}
        yield Finding("slack token", True, f"{body.get('user')} in {body.get('team')}")
        for scope, use in SLACK_SCOPES.items():
            is_granted = scope in granted
            cure = f"add {scope} to the app's bot scopes (for {use}) and install it again"
            yield Finding(f"slack {scope}", is_granted, use, "" if is_granted else cure)
        known, problem = await _slack_channels(http, granted)
        if known is None:
            # Nothing is known of any channel then: to call each of them missing would send people the wrong way.
            yield Finding("slack channels", False, f"the list could not be read: {problem}", _cure(problem))
            return
        for channel in channels:
            yield _slack_channel(channel, known.get(channel.removeprefix("#")), granted)


def _channels_of(configuration: Configuration) -> Iterator[str]:
    """Where editions go, what stands in for them, who reviews them, who is asked when something fails, and who is told
    of alerts."""
    for team in configuration.teams.values():
        for channel in team.channels:
            if isinstance(channel, SlackChannel):
                yield from (channel.channel, *channel.alternatives)
        yield from filter(_is_channel, team.approval.reviewers if team.approval.required else ())
    levels = [level for policy in configuration.escalation.policies.values() for level in policy.levels]
    asked = [recipient.to for level in levels for recipient in level.targets if recipient.kind == SLACK]
    monitoring = configuration.monitoring
    told = [channel.to for channel in monitoring.alert_channels if monitoring.enable_alerting and channel.kind == SLACK]
    yield from filter(_is_channel, [*asked, *told] if configuration.teams else ())


def _is_channel(target: str) -> bool:
    """People are reached without the app being anywhere."""
    return target.startswith(("#", "C"))


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


def _cure(problem: str) -> str:
    if problem == "missing_scope":
        return "add channels:read to the app's bot scopes and install it again"
    return "run `python starter.py doctor` again in a minute; if it stays so, look at https://slack-status.com"


async def _slack_channels(http: httpx.AsyncClient, granted: set[str]) -> tuple[dict[str, dict[str, Any]] | None, str]:
    """What Slack says of each channel that the app can see, by name and by id; or None, and why it does not say."""
    # A list with private channels in it is refused without groups:read.
    types = "public_channel,private_channel" if "groups:read" in granted else "public_channel"
    found: dict[str, dict[str, Any]] = {}
    cursor = ""
    while True:
        answer, problem = await get(http, f"conversations.list?limit=1000&types={types}&cursor={cursor}")
        body = json_of(answer)
        if not body.get("ok"):
            return None, str(body.get("error") or words(answer, problem))
        for entry in body.get("channels") or ():
            found |= {entry["name"]: entry, entry["id"]: entry}
        cursor = (body.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return found, ""
