"""Configuration directories as an operator would have them."""

import shutil
from pathlib import Path

SHIPPED = Path(__file__).parents[1] / "config"


def shipped_settings(directory: Path) -> Path:
    """The directory with the shipped services and deliveries in it, and an empty folder for teams.

    Without the status pages: no test asks the real ones.
    """
    (directory / "teams").mkdir(parents=True, exist_ok=True)
    for file in SHIPPED.glob("*.yaml"):
        shutil.copy(file, directory / file.name)
    services = directory / "services.yaml"
    lines = services.read_text().splitlines(keepends=True)
    services.write_text("".join(line for line in lines if not line.startswith("  status_page:")))
    return directory
