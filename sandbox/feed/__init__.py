"""The Atom feeds of GitHub's web side: a server of its own, which may be up while the API is down."""

from sandbox.feed.app import build_app
from sandbox.service import Credentials
from sandbox.world import World

__all__ = ["build_app", "variables"]


def variables(url: str, _world: World, _credentials: Credentials) -> dict[str, str]:
    return {"GITHUB_WEB_URL": url}
