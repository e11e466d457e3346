"""Which pages of docs/reference/ are generated, and by what."""

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generate import (
    cli,
    configuration,
    dashboard,
    environment,
    errors,
    metrics,
    search_attributes,
    tables,
    workflows,
)

REFERENCE = Path(__file__).parents[1] / "reference"

MARK = "<!-- Written by `make docs` from the code. Change the code, not this page. -->\n\n"

WRITERS: Mapping[str, Callable[[], str]] = {
    "cli.md": cli.page,
    "configuration.md": configuration.page,
    "dashboard.md": dashboard.page,
    "environment.md": environment.page,
    "errors.md": errors.page,
    "metrics.md": metrics.page,
    "search-attributes.md": search_attributes.page,
    "tables.md": tables.page,
    "workflows.md": workflows.page,
}


def pages() -> dict[str, str]:
    """The text of each generated page by its file name."""
    return {name: MARK + write() for name, write in WRITERS.items()}
