"""What it means when PostgreSQL fails, in our words. Loads no driver: whoever is told of it may have none in use."""

UPGRADE = "python starter.py db upgrade"


class StorageError(Exception):
    """The base of what this package raises on purpose."""


class DatabaseUnavailable(StorageError):
    """PostgreSQL did not answer, refused, or was too slow: the same call may work later."""


class MigrationAwaited(DatabaseUnavailable):
    """The database lacks our tables, and what is to be written waits until somebody has migrated it."""


class NotMigrated(StorageError):
    """The database answers, but lacks tables or columns that this build needs; waiting does not help."""


class WrongDatabaseUrl(ValueError):
    """The text is no PostgreSQL URL. The message never repeats it: it may hold a password."""


def not_migrated(place: str, finding: str) -> NotMigrated:
    return NotMigrated(f"{place} {finding}; run: {UPGRADE}")
