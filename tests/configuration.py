"""Configuration directories as an operator would have them."""

import shutil
from pathlib import Path

SHIPPED = Path(__file__).parents[1] / "config"


def shipped_settings(directory: Path) -> Path:
    """The directory with the shipped settings of all teams in it, and an empty folder for teams."""
    (directory / "teams").mkdir(parents=True, exist_ok=True)
    for name in ("services.yaml", "delivery.yaml", "recovery.yaml", "escalation.yaml"):
        shutil.copy(SHIPPED / name, directory / name)
    return directory
