"""Which servers a program of the API uses, and under which name."""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from devsync.api.checks import expect_or_none
from devsync.settings.environment import Environment, read_environment
from devsync.settings.problems import ConfigError

_PROGRAM: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_POSTGRESQL: Final = ("postgresql://", "postgres://", "postgresql+psycopg://")


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Which servers, and as whom. What is not given stands in the environment (docs/reference/environment.md)."""

    program: str | None = None
    """The program's own stable name, in `a-z0-9_-`; DEVSYNC_PROGRAM, else the name of its script."""
    temporal_address: str | None = None
    temporal_namespace: str | None = None
    database_url: str | None = field(default=None, repr=False)
    config_dir: Path | None = None

    def __post_init__(self) -> None:
        """Raises TypeError and ValueError for what cannot be one."""
        for name in ("program", "temporal_address", "temporal_namespace"):
            expect_or_none(name, getattr(self, name), str)
        if not isinstance(self.database_url, str | None):
            raise TypeError("database_url must be of type str")  # not shown: it may have a password in it
        if self.program and not _PROGRAM.fullmatch(self.program):
            raise ValueError(f'program {self.program!r:.100} is no name; write a-z, 0-9, _ and -, as "nightly-report"')

    def environment(self) -> Environment:
        """The process's own, where nothing is given here. Raises ConfigError for one that cannot be used."""
        given: dict[str, Any] = {
            "database_url": self.database_url or None,
            "config_dir": self.config_dir,
            "devsync_program": self.program or None,
        }
        environment = read_environment(**{name: value for name, value in given.items() if value is not None})
        if environment.database_url and not environment.database_url.get_secret_value().startswith(_POSTGRESQL):
            raise ConfigError(
                ["DATABASE_URL is no address of PostgreSQL; write postgresql://user:password@host:5432/database"]
            )
        return environment


def name_of_script() -> str:
    """`nightly-report` of `/srv/jobs/nightly_report.py`."""
    name = re.sub(r"[^a-z0-9_-]+", "-", Path(sys.argv[0] if sys.argv else "").stem.lower()).strip("-_")
    return name[:63] or "program"
