"""The state of the Slack stand-in: channels, people and messages. Tests and the control routes read it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sandbox.slack.errors import SlackError
from sandbox.slack.rate import PostingRate
from sandbox.world import Person, World

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Whisper:
    """What one person alone sees: an ephemeral answer, or that a press went wrong."""

    user: str
    text: str
    at: datetime
    is_trouble: bool = False
    """Slack's own words, not the app's."""


@dataclass(slots=True)
class Trigger:
    """What a press can be exchanged for a modal with."""

    user: str
    place: Body
    """The channel and the message where it was pressed."""
    until: datetime
    is_exchanged: bool = False


@dataclass(slots=True)
class Modal:
    """What stands before one person's eyes until it is sent or closed."""

    view: Body
    user: str
    place: Body
    texts: dict[str, str] = field(default_factory=dict)
    """What was written, by block."""
    errors: dict[str, str] = field(default_factory=dict)
    """The app's, by block."""
    trouble: str = ""
    """Slack's own words."""


ON_CALL: Final = "oncall"
"""A channel that every workspace has, whatever its world: who is asked when machines cannot decide."""
ALERTS: Final = ("changelog-alerts", "engineering-alerts")
"""Likewise: who is told when something is wrong."""

DEFAULT_SCOPES: Final = frozenset(
    {
        "chat:write", "channels:read", "channels:history", "channels:join", "groups:read", "groups:history",
        "im:history", "users:read", "users:read.email",
    }
)  # fmt: skip
"""No `chat:write.public`: a channel that the bot has not joined refuses its posts."""


def identifier(kind: str, name: str) -> str:
    """An id such as `C0ABC…`, the same in every run: `kind` is Slack's first letter, C, D, T, U, B or A."""
    digest = base64.b32encode(hashlib.sha256(f"{kind}:{name}".encode()).digest()).decode()
    return f"{kind}0{digest[:9]}"


@dataclass(slots=True)
class Message:
    ts: str
    user: str
    text: str
    blocks: list[Body] = field(default_factory=list)
    metadata: Body | None = None
    thread_ts: str | None = None
    """Of a reply: the `ts` of its parent."""
    is_broadcast: bool = False
    edited_ts: str | None = None
    is_tombstone: bool = False
    """A deleted parent, kept because its replies hang on it."""

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None


@dataclass(slots=True)
class Channel:
    id: str
    name: str
    kind: str = "channel"
    """`channel` (public), `group` (private) or `im`."""
    is_archived: bool = False
    is_member: bool = True
    user: str | None = None
    """Of an `im`: the person at the other end."""
    messages: dict[str, Message] = field(default_factory=dict)
    """By `ts`, oldest first."""
    whispers: list[Whisper] = field(default_factory=list)
    last_ts_microseconds: int = 0

    def replies(self, parent_ts: str) -> list[Message]:
        return [m for m in self.messages.values() if m.thread_ts == parent_ts]

    def top_level(self) -> list[Message]:
        """What `conversations.history` and the channel view show, oldest first."""
        return [m for m in self.messages.values() if not m.is_reply or m.is_broadcast]


@dataclass(slots=True)
class Counts:
    posts: int = 0
    updates: int = 0
    deletes: int = 0


@dataclass(slots=True)
class Workspace:
    """One workspace with one app in it. Set `scopes`, `token_error`, `rate` or a channel's flags at any time."""

    world: World
    clock: Callable[[], datetime]
    token: str
    rate: PostingRate
    name: str = "Sandbox"
    bot_name: str = "DevSync"
    scopes: frozenset[str] = DEFAULT_SCOPES
    token_error: str | None = None
    """What the right token is answered with instead of service: `token_revoked`, `account_inactive`, …"""
    channels: dict[str, Channel] = field(default_factory=dict)
    """By id."""
    counts: Counts = field(default_factory=Counts)
    signing_secret: str = ""
    interactivity_url: str = ""
    """The request URL of the app's interactivity; empty: it has none, and buttons do nothing."""
    triggers: dict[str, Trigger] = field(default_factory=dict)
    modals: dict[str, Modal] = field(default_factory=dict)
    """By user: each sees one at a time."""
    _people: dict[str, Person] | None = None

    def __post_init__(self) -> None:
        for name in dict.fromkeys((*self.world.slack_channels, ON_CALL, *ALERTS)):
            self.add_channel(name)

    @property
    def team_id(self) -> str:
        return identifier("T", self.name)

    @property
    def bot_user_id(self) -> str:
        return identifier("U", self.bot_name)

    @property
    def bot_id(self) -> str:
        return identifier("B", self.bot_name)

    @property
    def app_id(self) -> str:
        return identifier("A", self.bot_name)

    @property
    def people(self) -> dict[str, Person]:
        """By user id: everyone whom the world names with an address. Gathered at the first question."""
        if self._people is None:
            self._people = {identifier("U", p.email.casefold()): p for p in _everyone(self.world)}
        return self._people

    def add_channel(self, name: str, *, is_private: bool = False, is_member: bool = True) -> Channel:
        kind = "group" if is_private else "channel"
        channel = Channel(identifier("C", name), name, kind=kind, is_member=is_member)
        self.channels[channel.id] = channel
        return channel

    def channel(self, channel_id: str) -> Channel:
        """By id alone, as all methods but chat.postMessage have it. Raises SlackError."""
        channel = self.channels.get(channel_id)
        if channel is None or (channel.kind == "group" and not channel.is_member):
            raise SlackError("channel_not_found")
        return channel

    def channel_named(self, name: str) -> Channel:
        """By name without `#`; a direct conversation has none to post to. Raises KeyError."""
        for channel in self.channels.values():
            if channel.name == name and channel.kind != "im":
                return channel
        raise KeyError(name)

    def direct_channel(self, user_id: str) -> Channel:
        """The conversation of the bot and a person, opened when it is not yet."""
        channel_id = identifier("D", user_id)
        if channel_id not in self.channels:
            name = self.people[user_id].name
            self.channels[channel_id] = Channel(channel_id, name, kind="im", user=user_id)
        return self.channels[channel_id]

    def next_ts(self, channel: Channel) -> str:
        """The time as Slack writes it, unique in the channel and never going back."""
        now = int(self.clock().timestamp() * 1_000_000)
        channel.last_ts_microseconds = max(now, channel.last_ts_microseconds + 1)
        seconds, fraction = divmod(channel.last_ts_microseconds, 1_000_000)
        return f"{seconds}.{fraction:06d}"

    def say(self, channel: Channel, text: str, *, user: str, thread_ts: str | None = None) -> Message:
        """A message of a person: not the bot's to change, and not counted as a post."""
        message = Message(self.next_ts(channel), user, text, thread_ts=thread_ts)
        channel.messages[message.ts] = message
        return message

    def wire(self, channel: Channel, message: Message, *, with_metadata: bool) -> Body:
        """A message as the API sends it; metadata only to who asks for it."""
        body: Body = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
        if message.is_tombstone:
            body |= {"subtype": "tombstone", "hidden": True, "user": "USLACKBOT"}
        elif message.user == self.bot_user_id:
            body |= {"bot_id": self.bot_id, "app_id": self.app_id, "bot_profile": self.bot_profile()}
        body["team"] = self.team_id
        if message.blocks:
            body["blocks"] = message.blocks
        if with_metadata and message.metadata:
            body["metadata"] = message.metadata
        if message.edited_ts:
            body["edited"] = {"user": self.bot_id, "ts": message.edited_ts}
        if message.is_reply:
            body |= {"thread_ts": message.thread_ts, "parent_user_id": self._author_of(channel, message.thread_ts)}
            if message.is_broadcast:
                body["subtype"] = "thread_broadcast"
        elif replies := channel.replies(message.ts):
            users = list(dict.fromkeys(reply.user for reply in replies))
            body |= {
                "thread_ts": message.ts,
                "reply_count": len(replies),
                "reply_users_count": len(users),
                "reply_users": users,
                "latest_reply": replies[-1].ts,
                "is_locked": False,
                "subscribed": False,
            }
        return body

    def _author_of(self, channel: Channel, ts: str | None) -> str:
        parent = channel.messages.get(ts or "")
        return parent.user if parent else self.bot_user_id

    def bot_profile(self) -> Body:
        return {
            "id": self.bot_id,
            "app_id": self.app_id,
            "name": self.bot_name,
            "deleted": False,
            "updated": 0,
            "team_id": self.team_id,
            "icons": {},
        }

    def as_json(self, channel_name: str | None = None) -> Body:
        """Everything said so far, metadata included, for tests and scripts in other processes."""
        return {
            "posts": self.counts.posts,
            "updates": self.counts.updates,
            "deletes": self.counts.deletes,
            "channels": {
                channel.name: {
                    "id": channel.id,
                    "kind": channel.kind,
                    "is_archived": channel.is_archived,
                    "is_member": channel.is_member,
                    "messages": [
                        self.wire(channel, message, with_metadata=True) for message in channel.messages.values()
                    ],
                }
                for channel in self.channels.values()
                if channel_name in (None, channel.name)
            },
        }


def _everyone(world: World) -> Iterator[Person]:
    for repository in world.repositories.values():
        yield from (commit.author for commit in repository.commits)
        yield from (pull.author for pull in repository.pull_requests)
    for project in world.projects.values():
        yield from (issue.assignee for issue in project.issues if issue.assignee)
