"""Brings a database to the tables of this build, from a checkout or an installed wheel, without an alembic.ini."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.engine import URL

from devsync.storage.engine import CONNECT_SECONDS, engine_url, place_of, translated
from devsync.storage.row_security import secure

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x64657673796E63  # "devsync": any constant that no other program takes for its advisory lock


def upgrade(url: str, revision: str = "head") -> None:
    """Migrates up, and does nothing when there is nothing to do. At `head` every table is secured by team.

    Started twice at once, the second waits for the first. Raises DatabaseUnavailable.
    """
    with _locked(engine_url(url)) as connection:
        command.upgrade(_config(connection), revision)
        if revision == "head":
            secure(connection)
            connection.commit()


def downgrade(url: str, revision: str) -> None:
    """Migrates down to `revision`, or to nothing with `base`: tables are dropped with what they hold."""
    with _locked(engine_url(url)) as connection:
        command.downgrade(_config(connection), revision)


def current(url: str) -> str | None:
    """The revision that the database is at, None before the first upgrade."""
    with _connected(engine_url(url)) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The newest revision that this build brings."""
    revision = _scripts().get_current_head()
    if revision is None:
        raise RuntimeError(f"no migrations in {_SCRIPTS.name}: the package is incomplete, install it again")
    return revision


def knows(revision: str) -> bool:
    """False for a revision that only a newer build brings."""
    try:
        return bool(_scripts().get_revisions(revision))
    except CommandError:
        return False


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(None))


def _config(connection: Connection | None) -> Config:
    config = Config(attributes={"connection": connection})
    # ConfigParser interpolates: a percent sign in the path would be taken for a placeholder.
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    # No statement time-out: building an index on a large table may take its time.
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_SECONDS})
    with translated(place_of(url)), engine.connect() as connection:
        yield connection


@contextmanager
def _locked(url: URL) -> Iterator[Connection]:
    """A connection that holds the migration lock; the server frees the lock when the connection ends."""
    with _connected(url) as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.commit()  # the lock is the session's; alembic brings its own transactions
        yield connection
