"""PostgreSQL's failures: by SQLSTATE (PostgreSQL documentation, appendix A), found wherever a driver put it."""

from datetime import datetime
from typing import TYPE_CHECKING

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.failures.foreign import Foreign, is_one_of
from devsync.runtime.failures.verdict import Verdict, chain, first_line
from devsync.storage.connection import UPGRADE, DatabaseUnavailable, MigrationAwaited, StorageError
from devsync.storage.content import ContentDamaged

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.exc import SQLAlchemyError

_CATEGORY = ErrorCategory.DATABASE

DRIVER = Foreign("psycopg", "Error")
OPERATIONAL = Foreign("psycopg", "OperationalError")
POOL_TIMEOUT = Foreign("sqlalchemy.exc", "TimeoutError")


def _away(says: str, severity: ErrorSeverity = ErrorSeverity.HIGH) -> Verdict:
    return Verdict(category=_CATEGORY, says=says, severity=severity, is_retryable=True)


def _mended(says: str, category: ErrorCategory = _CATEGORY) -> Verdict:
    """Repetition alone does not help, but a person or the next build may while it goes on: records wait for days."""
    return Verdict(category=category, says=says, severity=ErrorSeverity.HIGH, is_retryable=True)


def _hopeless(says: str) -> Verdict:
    return Verdict(category=_CATEGORY, says=says, severity=ErrorSeverity.HIGH)


_UNAVAILABLE = _away("{words}")
_MISTAKE = _mended("{words}")
NOT_THERE = _hopeless("{words}")
DAMAGED = Verdict(
    category=ErrorCategory.DATA_PROCESSING,
    says="{words}: restore it from a backup, or collect again",
    code="damaged",
    severity=ErrorSeverity.HIGH,
)

# The longest prefix that the state begins with decides.
BY_STATE: dict[str, Verdict] = {
    "08": _away("the connection to the database broke: {words}"),
    "22": _mended("the database refused a value: {words}"),
    "23": _mended("the database refused a row: {words}"),
    "25006": _away("the database is read-only for the moment, as after a fail-over: {words}"),
    "28": _mended("the database does not know us: check DATABASE_URL", ErrorCategory.AUTHENTICATION),
    "3D": _mended("the database does not exist: create it, or correct DATABASE_URL", ErrorCategory.CONFIGURATION),
    "40": _away("the database took another transaction first: {words}", ErrorSeverity.MEDIUM),
    "42501": _mended(
        "the database role lacks a right ({words}): grant it, or correct DATABASE_URL", ErrorCategory.AUTHENTICATION
    ),
    "42P01": _hopeless(f"the database lacks a table that this build needs ({{words}}); run: {UPGRADE}"),
    "42703": _hopeless(f"the database lacks a column that this build needs ({{words}}); run: {UPGRADE}"),
    "53": _away("the database has too little of something: {words}"),
    "53100": _away("the database's disk is full: free space, or give the volume more", ErrorSeverity.CRITICAL),
    "53300": _away("the database has no connection left: raise max_connections, or run fewer workers"),
    "57": _away("the database stops or starts: {words}"),
    "57014": _away("the database was too slow, a statement was cancelled", ErrorSeverity.MEDIUM),
    "58": _away("the database's machine fails: {words}", ErrorSeverity.CRITICAL),
}


def unavailable(error: DatabaseUnavailable, service: str, _now: datetime) -> Failure:
    """In the words of the storage, which name the server; the state behind them may tell more."""
    state = "" if isinstance(error, MigrationAwaited) else _state(error)
    verdict = _by_state(state) if state else _UNAVAILABLE
    return verdict.failure(service, code=state or "unavailable", words=first_line(error))


def storage(error: StorageError, service: str, _now: datetime) -> Failure:
    """Not migrated, or an artifact that is not there: no repetition heals it."""
    return NOT_THERE.failure(service, code="storage", words=first_line(error))


def damaged(error: ContentDamaged, service: str, _now: datetime) -> Failure:
    return DAMAGED.failure(service, words=first_line(error))


def driver(error: "SQLAlchemyError | psycopg.Error", service: str, _now: datetime) -> Failure:
    """What SQLAlchemy and psycopg raise where the storage let it pass. Statements and their values stay out of it."""
    state = _state(error)
    if state:
        return _by_state(state).failure(service, code=state, words=_words(error))
    is_away = is_one_of(error, POOL_TIMEOUT) or any(is_one_of(one, OPERATIONAL) for one in chain(error))
    verdict = _UNAVAILABLE if is_away else _MISTAKE
    return verdict.failure(service, code="unavailable" if is_away else "sql", words=f"the database: {_words(error)}")


def _by_state(state: str) -> Verdict:
    for length in (5, 2):
        if state[:length] in BY_STATE:
            return BY_STATE[state[:length]]
    return _MISTAKE


def _state(error: BaseException) -> str:
    """The SQLSTATE in the chain, empty where the server sent none: a connection that was never made has none."""
    states = (getattr(one, "sqlstate", None) for one in chain(error) if is_one_of(one, DRIVER))
    return next(filter(None, states), "")


def _words(error: BaseException) -> str:
    """SQLAlchemy's own text has the statement with its values; the driver's has a detail with a row behind it."""
    from psycopg import Error
    from sqlalchemy.exc import DBAPIError

    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, Error) and cause.diag.message_primary:
        return cause.diag.message_primary[:200]
    return first_line(cause)
