"""A program that takes webhooks: verifies each by its signature, keeps it, shows it."""

from sandbox.service import Credentials
from sandbox.webhook.app import EVENTS, SECRET, Event, build_app
from sandbox.world import World

__all__ = ["EVENTS", "SECRET", "Event", "build_app", "variables"]


def variables(_url: str, _world: World, _credentials: Credentials) -> dict[str, str]:
    """A channel of kind webhook sends to `{url}/hooks/NAME` with `secret_env: SANDBOX_WEBHOOK_SECRET`."""
    return {"SANDBOX_WEBHOOK_SECRET": SECRET, "OUTGOING_PRIVATE_HOSTS": "localhost"}
