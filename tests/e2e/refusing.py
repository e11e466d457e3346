"""A PostgreSQL that answers and takes nothing."""

from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from tests.e2e.stage import Stage

_WRITTEN = (
    "alerts", "artifacts", "audit_heads", "collection_pages", "deliveries", "editions", "errors", "health_checks",
    "operations", "runs",
)  # fmt: skip


class Refusal(NamedTuple):
    """What makes it so, and what ends it."""

    begin: tuple[str, ...]
    end: tuple[str, ...]
    words: str
    """PostgreSQL's own."""


READ_ONLY = Refusal(
    ("ALTER DATABASE {database} SET default_transaction_read_only = on",),
    ("ALTER DATABASE {database} RESET default_transaction_read_only",),
    "in a read-only transaction",
)
"""As after a fail-over."""

FULL = Refusal(
    (
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$",
        *(f"CREATE TRIGGER full_disk BEFORE INSERT ON {table} EXECUTE FUNCTION full_disk()" for table in _WRITTEN),
    ),
    ("DROP FUNCTION full_disk CASCADE",),
    "No space left on device",
)
"""In the words and with the code of one whose disk is full."""


def run_on(stage: Stage, statements: Sequence[str]) -> None:
    """As a fail-over does, it ends the connections that are open."""
    with psycopg.connect(stage.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for statement in statements:
            connection.execute(statement.format(database=stage.database).encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
