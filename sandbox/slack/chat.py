"""`chat.*`: posting, changing and deleting the bot's messages, with Slack's limits and error codes."""

from __future__ import annotations

import json
from typing import Any, Final

from sandbox.slack import blocks as block_kit
from sandbox.slack.arguments import Arguments
from sandbox.slack.errors import RateLimited, SlackError, invalid_blocks
from sandbox.slack.workspace import Body, Channel, Message, Workspace

MAX_TEXT: Final = 40_000
MAX_METADATA_BYTES: Final = 8_000
TOLD_OF_AN_UPDATE: Final = frozenset(
    {"type", "user", "bot_id", "app_id", "bot_profile", "team", "text", "blocks", "metadata", "edited"}
)
"""What the message in the answer of `chat.update` has: its content, neither its place nor its thread."""


def post_message(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    channel = _destination(workspace, arguments.required("channel", "channel_not_found"))
    if wait := workspace.rate.take(channel.id):
        raise RateLimited(wait)
    _refuse_closed(channel)
    text, blocks = _content(arguments)
    if not text and not blocks and not arguments.structure("attachments", "invalid_attachments"):
        raise SlackError("no_text")
    thread_ts = arguments.text("thread_ts") or None
    if thread_ts is not None:
        parent = channel.messages.get(thread_ts)
        if parent is None or parent.is_reply:
            raise SlackError("thread_not_found")
    ts = workspace.next_ts(channel)
    message = Message(
        ts,
        workspace.bot_user_id,
        text,
        blocks=block_kit.stored(blocks or [], f"{channel.id}/{ts}"),
        metadata=_metadata(arguments),
        thread_ts=thread_ts,
        is_broadcast=thread_ts is not None and arguments.flag("reply_broadcast"),
    )
    channel.messages[ts] = message
    workspace.counts.posts += 1
    return {"channel": channel.id, "ts": ts, "message": workspace.wire(channel, message, with_metadata=True)}


def update(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    """What the call leaves out (text, blocks, metadata) stays; an empty list or object removes it."""
    channel, message = _own_message(workspace, arguments, "cant_update_message")
    _refuse_closed(channel)
    text, blocks = _content(arguments)
    if not text and blocks is None and "metadata" not in arguments:
        raise SlackError("no_text")
    metadata = _metadata(arguments)
    message.text = text or message.text
    if blocks is not None:
        message.blocks = block_kit.stored(blocks, f"{channel.id}/{message.ts}")
    if "metadata" in arguments:
        message.metadata = metadata
    message.edited_ts = workspace.next_ts(channel)
    workspace.counts.updates += 1
    wire = workspace.wire(channel, message, with_metadata=True)
    said = {name: value for name, value in wire.items() if name in TOLD_OF_AN_UPDATE}
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": said}


def delete(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    channel, message = _own_message(workspace, arguments, "cant_delete_message")
    if channel.replies(message.ts):
        message.text, message.blocks, message.metadata = "This message was deleted.", [], None
        message.is_tombstone = True
    else:
        del channel.messages[message.ts]
    workspace.counts.deletes += 1
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(workspace: Workspace, arguments: Arguments, base_url: str) -> Body:
    channel = workspace.channel(arguments.required("channel", "channel_not_found"))
    message = channel.messages.get(arguments.text("message_ts"))
    if message is None:
        raise SlackError("message_not_found")
    link = f"{base_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _destination(workspace: Workspace, wanted: str) -> Channel:
    """`C…`, `name`, `#name`, or the id of a person, who then gets a direct message."""
    if wanted in workspace.people:
        return workspace.direct_channel(wanted)
    if wanted in workspace.channels:
        return workspace.channel(wanted)
    try:
        return workspace.channel(workspace.channel_named(wanted.removeprefix("#")).id)
    except KeyError:
        raise SlackError("channel_not_found") from None


def _refuse_closed(channel: Channel) -> None:
    if channel.is_archived:
        raise SlackError("is_archived")
    if not channel.is_member:
        raise SlackError("not_in_channel")


def _own_message(workspace: Workspace, arguments: Arguments, not_own: str) -> tuple[Channel, Message]:
    channel = workspace.channel(arguments.required("channel", "channel_not_found"))
    message = channel.messages.get(arguments.text("ts"))
    if message is None or message.is_tombstone:
        raise SlackError("message_not_found")
    if message.user != workspace.bot_user_id:
        raise SlackError(not_own)
    return channel, message


def _content(arguments: Arguments) -> tuple[str, list[Any] | None]:
    """Text and blocks (None: not given), checked."""
    text = arguments.text("text")
    if len(text) > MAX_TEXT:
        raise SlackError("msg_too_long")
    blocks = arguments.structure("blocks", "invalid_blocks_format")
    if blocks is None:
        return text, None
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if found := block_kit.problems(blocks):
        raise invalid_blocks(found)
    if block_kit.is_too_long(blocks):
        raise SlackError("msg_blocks_too_long")
    return text, blocks


def _metadata(arguments: Arguments) -> Body | None:
    metadata = arguments.structure("metadata", "invalid_metadata_format")
    if metadata is None or metadata == {}:
        return None
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(kind, str) or not kind or not isinstance(payload, dict):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata)) > MAX_METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return {"event_type": kind, "event_payload": payload}
