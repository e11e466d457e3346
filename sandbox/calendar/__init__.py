"""Team calendars in iCalendar form over HTTP, as Google, Outlook and Confluence publish them."""

from sandbox.calendar.app import build_app
from sandbox.service import Credentials
from sandbox.world import World

__all__ = ["build_app", "variables"]


def variables(_url: str, _world: World, _credentials: Credentials) -> dict[str, str]:
    """A calendar's address stands in a team's file; the environment only allows that it is on this machine."""
    return {"OUTGOING_PRIVATE_HOSTS": "localhost"}
