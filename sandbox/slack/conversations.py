"""`conversations.*`: channels, their history and their threads."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from sandbox.slack.arguments import Arguments
from sandbox.slack.errors import SlackError
from sandbox.slack.workspace import Body, Channel, Message, Workspace

KIND_OF_TYPE: Final = {"public_channel": "channel", "private_channel": "group", "im": "im"}
MAX_MESSAGES: Final = 999
MAX_CHANNELS: Final = 1000


def list_channels(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    types = [one.strip() for one in (arguments.text("types") or "public_channel").split(",")]
    if not set(types) <= {*KIND_OF_TYPE, "mpim"}:
        raise SlackError("invalid_types")
    kinds = {KIND_OF_TYPE[one] for one in types if one in KIND_OF_TYPE}
    found = [
        channel
        for channel in workspace.channels.values()
        if channel.kind in kinds
        and not (arguments.flag("exclude_archived") and channel.is_archived)
        and (channel.kind == "channel" or channel.is_member)
    ]
    found.sort(key=lambda channel: channel.id)
    first = _cursor(arguments, "channel")
    remaining = [channel for channel in found if channel.id >= first]
    limit = _limit(arguments, 100, MAX_CHANNELS)
    following = remaining[limit].id if len(remaining) > limit else ""
    return {
        "channels": [_wire(workspace, channel) for channel in remaining[:limit]],
        "response_metadata": {"next_cursor": _make_cursor("channel", following)},
    }


def info(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    channel = workspace.channel(arguments.required("channel", "channel_not_found"))
    return {"channel": _wire(workspace, channel)}


def join(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    channel = workspace.channel(arguments.required("channel", "channel_not_found"))
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    was_member, channel.is_member = channel.is_member, True
    told = _wire(workspace, channel)
    del told["num_members"]  # of the three that tell of a channel, this method alone does not count
    body: Body = {"channel": told}
    if was_member:
        warning = "already_in_channel"
        body |= {"warning": warning, "response_metadata": {"warnings": [warning]}}
    return body


def history(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    """Newest first, threads without their replies.

    Where more than `limit` match, the page holds those closest to `latest`, unless only `oldest` is given: then
    those closest to `oldest`, so that a caller can page forward (docs of the method).
    """
    channel = _readable(workspace, arguments)
    matching = _within(arguments, channel.top_level())
    limit = _limit(arguments, 100, MAX_MESSAGES)
    is_forward = bool(arguments.text("oldest")) and not arguments.text("latest")
    following = ""
    start = _cursor(arguments, "next_ts")
    if is_forward:
        matching = [m for m in matching if not start or m.ts >= start]
        page, rest = matching[:limit], matching[limit:]
        following = rest[0].ts if rest else ""
    else:
        matching = [m for m in matching if not start or m.ts <= start]
        page, rest = matching[-limit:], matching[:-limit]
        following = rest[-1].ts if rest else ""
    body: Body = {
        "messages": _messages(workspace, channel, page[::-1], arguments),
        "has_more": bool(following),
        "pin_count": 0,
        "channel_actions_ts": None,
        "channel_actions_count": 0,
    }
    if following:
        body["response_metadata"] = {"next_cursor": _make_cursor("next_ts", following)}
    return body


def replies(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    """The parent, on each page, then its replies, oldest first."""
    channel = _readable(workspace, arguments)
    parent = channel.messages.get(arguments.required("ts"))
    if parent is None:
        raise SlackError("thread_not_found")
    found = [] if parent.is_reply else _within(arguments, channel.replies(parent.ts))
    limit = _limit(arguments, 1000, MAX_MESSAGES)
    start = _cursor(arguments, "next_ts")
    remaining = [reply for reply in found if reply.ts >= start]
    page, rest = remaining[:limit], remaining[limit:]
    body: Body = {
        "messages": _messages(workspace, channel, [parent, *page], arguments),
        "has_more": bool(rest),
    }
    if rest:
        body["response_metadata"] = {"next_cursor": _make_cursor("next_ts", rest[0].ts)}
    return body


def _readable(workspace: Workspace, arguments: Arguments) -> Channel:
    channel = workspace.channel(arguments.required("channel", "channel_not_found"))
    if not channel.is_member:
        raise SlackError("not_in_channel")
    return channel


def _within(arguments: Arguments, messages: list[Message]) -> list[Message]:
    """Those between `oldest` and `latest`: both excluded, or with `inclusive` both included."""
    oldest = arguments.timestamp("oldest", "invalid_ts_oldest")
    latest = arguments.timestamp("latest", "invalid_ts_latest")
    is_inclusive = arguments.flag("inclusive")
    found = []
    for message in messages:
        at = float(message.ts)
        is_edge = at in (oldest, latest)
        if is_edge and not is_inclusive:
            continue
        if (oldest is None or at >= oldest) and (latest is None or at <= latest):
            found.append(message)
    return found


def _messages(workspace: Workspace, channel: Channel, messages: list[Message], arguments: Arguments) -> list[Body]:
    with_metadata = arguments.flag("include_all_metadata")
    return [workspace.wire(channel, message, with_metadata=with_metadata) for message in messages]


def _limit(arguments: Arguments, default: int, most: int) -> int:
    limit = arguments.number("limit", default, "invalid_limit")
    if limit < 0:
        raise SlackError("invalid_limit")
    return min(limit or default, most)


def _make_cursor(kind: str, position: str) -> str:
    """Slack's own cursors are base64 of such a text; the empty one says that there is no more."""
    return base64.b64encode(f"{kind}:{position}".encode()).decode() if position else ""


def _cursor(arguments: Arguments, kind: str) -> str:
    text = arguments.text("cursor")
    if not text:
        return ""
    try:
        found, _, position = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise SlackError("invalid_cursor") from None
    if found != kind:
        raise SlackError("invalid_cursor")
    return position


def _wire(workspace: Workspace, channel: Channel) -> Body:
    body: Body = {
        "id": channel.id,
        "created": 0,
        "is_archived": channel.is_archived,
        "is_im": channel.kind == "im",
        "is_org_shared": False,
        "context_team_id": workspace.team_id,
        "updated": 0,
    }
    if channel.kind == "im":
        return body | {"user": channel.user}
    return body | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "group",
        "is_private": channel.kind == "group",
        "is_mpim": False,
        "is_general": channel.name == "general",
        "is_member": channel.is_member,
        "is_shared": False,
        "creator": workspace.bot_user_id,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(workspace.people) + channel.is_member,
    }
