"""The GitHub stand-in: REST v3 as PyGithub and httpx ask for it, from the data of a world."""

from sandbox.github.app import build_app

__all__ = ["build_app"]
