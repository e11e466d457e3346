"""Slack's Web API and the channel view, as far as a bot that posts changelogs needs them."""

from sandbox.service import Credentials
from sandbox.slack.app import WORKSPACE, build_app
from sandbox.slack.workspace import Channel, Message, Workspace
from sandbox.world import World

__all__ = ["WORKSPACE", "Channel", "Message", "Workspace", "build_app", "variables"]


def variables(url: str, _world: World, credentials: Credentials) -> dict[str, str]:
    return {
        "SLACK_API_URL": f"{url}/api/",
        "SLACK_BOT_TOKEN": credentials.slack_bot_token,
        "SLACK_SIGNING_SECRET": credentials.slack_signing_secret,
    }
