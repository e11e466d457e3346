"""How PostgreSQL is reached, how long that may take, and what it means when it fails."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg.errors
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

CONNECT_SECONDS = 2
"""libpq takes whole seconds and makes 1 to 2."""
STATEMENT_SECONDS = 4

UPGRADE = "python starter.py db upgrade"


class StorageError(Exception):
    """The base of what this package raises on purpose."""


class DatabaseUnavailable(StorageError):
    """PostgreSQL did not answer, refused, or was too slow: the same call may work later."""


class NotMigrated(StorageError):
    """The database answers, but lacks tables or columns that this build needs; waiting does not help."""


class WrongDatabaseUrl(ValueError):
    """The text is no PostgreSQL URL. The message never repeats it: it may hold a password."""


def engine_url(url: str) -> URL:
    """The SQLAlchemy URL (psycopg 3) of a `postgresql://` or `postgres://` URL, its query kept (`?sslmode=…`).

    A direct connection or a pooler in session mode is expected: statements are prepared, and start-up
    options and advisory locks are used.
    """
    example = "write postgresql://user:password@host:5432/database"
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise WrongDatabaseUrl(f"DATABASE_URL is not a URL; {example}") from None
    if parsed.drivername not in ("postgres", "postgresql", "postgresql+psycopg"):
        raise WrongDatabaseUrl(f'DATABASE_URL: "{parsed.drivername}" is not PostgreSQL; {example}')
    return parsed.set(drivername="postgresql+psycopg")


def place_of(url: URL) -> str:
    """The server as people know it, without credentials: for messages."""
    return f"PostgreSQL at {url.host or 'the local socket'}:{url.port or 5432}"


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Turns what SQLAlchemy and psycopg raise into DatabaseUnavailable or NotMigrated.

    Errors that mean a mistake of ours (a wrong value, a broken statement) pass unchanged. `place` names
    the server in the message.
    """
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailable(f"{place} is too busy: no connection became free") from error
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
            raise not_migrated(place, f"lacks what this build needs ({_first_line(cause)})") from error
        if _is_unavailable(cause) or (isinstance(error, DBAPIError) and error.connection_invalidated):
            raise DatabaseUnavailable(f"{place} does not answer: {_first_line(cause)}") from error
        raise


class MigrationAwaited(DatabaseUnavailable):
    """The database lacks our tables, and what is to be written waits until somebody has migrated it."""


def not_migrated(place: str, finding: str) -> NotMigrated:
    return NotMigrated(f"{place} {finding}; run: {UPGRADE}")


def _is_unavailable(cause: BaseException | None) -> bool:
    # OperationalError covers refusals, time-outs, shutdown, full disks and deadlocks. A server that turned
    # read-only (fail-over) is an InternalError by its SQLSTATE class, and a closed socket an InterfaceError.
    return isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError | psycopg.errors.ReadOnlySqlTransaction)


def _first_line(cause: BaseException | None) -> str:
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
