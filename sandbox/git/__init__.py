"""A git server over HTTP: clones of the world's repositories at `/OWNER/NAME.git`, as a team's mirrors are."""

from sandbox.git.app import build_app
from sandbox.service import Credentials
from sandbox.world import World

__all__ = ["build_app", "variables"]


def variables(_url: str, _world: World, _credentials: Credentials) -> dict[str, str]:
    """None: a mirror's address stands in its team's file."""
    return {}
