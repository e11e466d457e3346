"""How PostgreSQL is reached, how long that may take, and what its driver's errors mean."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg.errors
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from devsync.storage.connection import DatabaseUnavailable, WrongDatabaseUrl, not_migrated

CONNECT_SECONDS = 2
"""libpq takes whole seconds and makes 1 to 2."""
STATEMENT_SECONDS = 4

_TAKES_NOTHING = (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.DiskFull)
"""It can be asked all the same."""


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
            does = "takes nothing" if isinstance(cause, _TAKES_NOTHING) else "does not answer"
            raise DatabaseUnavailable(f"{place} {does}: {_first_line(cause)}") from error
        raise


def _is_unavailable(cause: BaseException | None) -> bool:
    # OperationalError covers refusals, time-outs, shutdown, full disks and deadlocks. A server that turned
    # read-only (fail-over) is an InternalError by its SQLSTATE class, and a closed socket an InterfaceError.
    return isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError | psycopg.errors.ReadOnlySqlTransaction)


def _first_line(cause: BaseException | None) -> str:
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
