"""Idempotent writes: deterministic keys and ON CONFLICT, so that a retried record is written once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Executable, Table
from sqlalchemy.dialects.postgresql import Insert, insert

Rows = Sequence[Mapping[str, Any]]


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
    statement = insert(table).values([{name: storable(value) for name, value in row.items()} for row in ordered])
    changed: dict[str, Any] = {name: statement.excluded[name] for name in ordered[0] if name not in key}
    if keep is not None:
        changed |= keep(statement)
    return statement.on_conflict_do_update(index_elements=key, set_=changed, where=may_replace(statement))


def storable(value: Any) -> Any:
    """The value without what PostgreSQL cannot hold in text or jsonb: NUL and lone surrogates become U+FFFD.

    Titles and names come from outside; one bad character must not keep a whole record from being written.
    """
    if isinstance(value, str):
        text = value.replace("\0", "\ufffd")
        return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, Mapping):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value
