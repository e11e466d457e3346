"""Status pages of the services, as Statuspage publishes them: `/SERVICE/api/v2/summary.json` and its siblings."""

from sandbox.service import Credentials
from sandbox.status.app import build_app
from sandbox.world import World

__all__ = ["build_app", "variables"]


def variables(_url: str, _world: World, _credentials: Credentials) -> dict[str, str]:
    """None: a status page's address stands in services.yaml."""
    return {}
