"""The table of Web API methods: which function answers, and which scopes it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sandbox.slack import chat, conversations, modals
from sandbox.slack.arguments import Arguments
from sandbox.slack.errors import SlackError, missing_scope
from sandbox.slack.workspace import Body, Workspace, identifier
from sandbox.world import Person

Handler = Callable[[Workspace, Arguments, str], Body]
"""Takes the workspace, the arguments and the base URL that the client used."""

PREFIXES: Final = {"channel": "channels", "group": "groups", "im": "im"}
"""How scopes name each kind of channel: `channels:history`, `groups:history`, …"""


@dataclass(frozen=True, slots=True)
class Method:
    handler: Handler
    scope: str = ""
    """Needed always; with a `*` for the prefix, the scope of the kind of channel that is asked about."""
    needs_token: bool = True


def call(name: str, workspace: Workspace, arguments: Arguments, token: str, base_url: str) -> Body:
    """The body of the answer. Raises SlackError."""
    method = METHODS.get(name)
    if method is None:
        raise SlackError("unknown_method", req_method=name)
    if method.needs_token:
        _authenticate(workspace, token)
    for scope in _scopes(method.scope, workspace, arguments):
        if scope not in workspace.scopes:
            raise missing_scope(scope, workspace.scopes)
    return {"ok": True, **method.handler(workspace, arguments, base_url)}


def _authenticate(workspace: Workspace, token: str) -> None:
    if not token:
        raise SlackError("not_authed")
    if token != workspace.token:
        raise SlackError("invalid_auth")
    if workspace.token_error:
        raise SlackError(workspace.token_error)


def _scopes(scope: str, workspace: Workspace, arguments: Arguments) -> list[str]:
    if not scope.startswith("*"):
        return [scope] if scope else []
    if "channel" not in arguments:
        types = (arguments.text("types") or "public_channel").split(",")
        kinds = [conversations.KIND_OF_TYPE.get(one.strip(), "channel") for one in types]
    else:
        channel = workspace.channels.get(arguments.text("channel"))
        kinds = [channel.kind if channel else "channel"]
    return [scope.replace("*", PREFIXES[kind]) for kind in kinds]


def api_test(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    if "error" in arguments:
        raise SlackError(arguments.text("error"), args=arguments.values)
    return {"args": arguments.values}


def auth_test(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    return {
        "url": f"{base_url}/",
        "team": workspace.name,
        "user": workspace.bot_name.lower(),
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user_id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def users_info(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    user_id = arguments.required("user", "user_not_found")
    if user_id == workspace.bot_user_id:
        return {"user": _user(workspace, Person(workspace.bot_name, workspace.bot_name.lower(), "", is_bot=True))}
    if user_id not in workspace.people:
        raise SlackError("user_not_found")
    return {"user": _user(workspace, workspace.people[user_id])}


def users_list(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    """All on one page: Slack, too, gives fewer pages than were asked for where there are few people."""
    members = [_user(workspace, person) for person in workspace.people.values()]
    return {"members": members, "response_metadata": {"next_cursor": ""}}


def users_lookup_by_email(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    person = workspace.people.get(identifier("U", arguments.required("email", "users_not_found").casefold()))
    if person is None or person.is_bot:
        raise SlackError("users_not_found")
    return {"user": _user(workspace, person)}


def _user(workspace: Workspace, person: Person) -> Body:
    profile = {"real_name": person.name, "display_name": person.login, "team": workspace.team_id}
    # Slack sends the address only to apps that hold users:read.email.
    if person.email and "users:read.email" in workspace.scopes:
        profile["email"] = person.email
    return {
        "id": identifier("U", person.email.casefold()) if person.email else workspace.bot_user_id,
        "team_id": workspace.team_id,
        "name": person.login,
        "deleted": False,
        "real_name": person.name,
        "tz": "Etc/UTC",
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "profile": profile,
        "is_bot": person.is_bot,
        "is_app_user": False,
        "updated": 0,
    }


METHODS: Final[dict[str, Method]] = {
    "api.test": Method(api_test, needs_token=False),
    "auth.test": Method(auth_test),
    "chat.postMessage": Method(chat.post_message, "chat:write"),
    "chat.update": Method(chat.update, "chat:write"),
    "chat.delete": Method(chat.delete, "chat:write"),
    "chat.getPermalink": Method(chat.get_permalink),
    "conversations.list": Method(conversations.list_channels, "*:read"),
    "conversations.info": Method(conversations.info, "*:read"),
    "conversations.history": Method(conversations.history, "*:history"),
    "conversations.replies": Method(conversations.replies, "*:history"),
    "conversations.join": Method(conversations.join, "channels:join"),
    "users.info": Method(users_info, "users:read"),
    "users.list": Method(users_list, "users:read"),
    "views.open": Method(modals.open_view),
    "users.lookupByEmail": Method(users_lookup_by_email, "users:read.email"),
}
