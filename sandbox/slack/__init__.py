"""Slack's Web API and the channel view, as far as a bot that posts changelogs needs them."""

from sandbox.slack.app import WORKSPACE, build_app
from sandbox.slack.workspace import Channel, Message, Workspace

__all__ = ["WORKSPACE", "Channel", "Message", "Workspace", "build_app"]
