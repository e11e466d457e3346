"""Idempotent writes: deterministic keys and ON CONFLICT, so that a retried record is written once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Executable, Table
from sqlalchemy.dialects.postgresql import Insert, insert

from devsync.storage.prose import storable

Rows = Sequence[Mapping[str, Any]]


def insert_rows(table: Table, rows: Rows) -> Insert:
    """The rows as they are, at least one. An edition writes most of its rows one by one, and SQLAlchemy compiles the
    statement of one row once, that of a list of rows each time.
    """
    statement = insert(table)
    return statement.values(rows[0]) if len(rows) == 1 else statement.values(list(rows))


def upsert(
    table: Table,
    rows: Rows,
    *,
    may_replace: Callable[[Insert], ColumnElement[bool]],
    keep: Callable[[Insert], Mapping[str, ColumnElement[Any]]] | None = None,
) -> Executable:
    """Inserts the rows; one that is there already is replaced where `may_replace` (the existing row against
    `statement.excluded`) holds. `keep` gives the columns that combine old and new.

    `rows` are distinct by primary key: PostgreSQL refuses to change a row twice in one statement. They are
    written in key order, so that two writers of the same rows cannot deadlock.
    """
    key = [column.name for column in table.primary_key]
    ordered = sorted(rows, key=lambda row: tuple(row[name] for name in key))
    statement = insert_rows(table, [{name: storable(value) for name, value in row.items()} for row in ordered])
    changed: dict[str, Any] = {name: statement.excluded[name] for name in ordered[0] if name not in key}
    if keep is not None:
        changed |= keep(statement)
    return statement.on_conflict_do_update(index_elements=key, set_=changed, where=may_replace(statement))
