"""The arguments that several commands take, each said once."""

from typing import Annotated

import typer

Team = Annotated[str, typer.Argument(help="The team, as its file in config/teams is named.")]
Week = Annotated[str | None, typer.Option(help="An ISO week such as 2026-W47; the last one that ended without it.")]
