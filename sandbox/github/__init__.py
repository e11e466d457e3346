"""The GitHub stand-in: REST v3 as PyGithub and httpx ask for it, from the data of a world."""

from sandbox.github.app import build_app
from sandbox.service import Credentials
from sandbox.world import World

__all__ = ["build_app", "variables"]


def variables(url: str, _world: World, credentials: Credentials) -> dict[str, str]:
    return {"GITHUB_API_URL": url, "GITHUB_TOKEN": credentials.github_token}
