"""What somebody does to the audit who owns the database."""

from collections.abc import Sequence
from typing import Any

import psycopg


def tamper(url: str, *statements: str) -> None:
    """Runs the statements with the table's own guard switched off."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            connection.execute(statement.encode())


def rows_of(url: str, query: str) -> Sequence[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()
