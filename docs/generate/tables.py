"""docs/reference/tables.md: what the database holds, from devsync/storage/tables.py."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Boolean, Column, DateTime, Float, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from devsync.storage.columns import Prose, ProseInJson
from devsync.storage.retention import AGED
from devsync.storage.tables import COUNTS, SHARED, audit, metadata
from docs.generate.docstrings import Undocumented
from docs.generate.markdown import code, table

INTRODUCTION = """\
# Tables

What stands in the database that `DATABASE_URL` names; `python starter.py db upgrade` makes the tables. Rows are copies
of what workflows have decided: nothing is steered by changing one. Who sees which rows, and what is removed when:
[records](../explanation/records.md). All times are with a time zone. *Prose* is text of people or services, written
without secrets.

Read as much as you like; write nothing: columns may be added by any release, and the audit notices rows that came past
the application.
"""

HOLDS: Final[Mapping[str, str]] = {
    "artifacts": "What was collected, editions and renderings, under the digest of their content; never changed.",
    "collection_pages": "Answers of sources, until their collection is whole: one that is cut off goes on after them.",
    "collected_units": "The last good collection of each source and window: what stands in when the source is down.",
    "editions": "Each revision of each week.",
    "runs": "Each run of an edition, whatever became of it.",
    "deliveries": "What stands in which channel, part by part.",
    "switched_off_addresses": "Webhooks whose receiver has answered 410.",
    "errors": "Failed attempts of activities, also those that a later attempt healed.",
    "operations": "What editions, phases, attempts and calls took.",
    "error_counts": "Errors by hour and day, counted as they come in.",
    "operation_counts": "Attempts and calls by hour and day, likewise.",
    "breaker_transitions": "Changes of state and mode of the circuit breakers, with who and why.",
    "recoveries": "Recoveries that have ended.",
    "recovery_steps": "Their steps.",
    "escalations": "Escalations, one row a page.",
    "escalation_events": "What happened to them.",
    "alerts": "Alerts of the monitor, one row each time that one fired.",
    "health_checks": "The looks of the monitor.",
    "audit": "Who did what, when, with what outcome: one chain a team.",
    "audit_heads": "The newest entry of each chain.",
    "audit_anchors": "Heads that were noted at intervals.",
}

_TYPES: Final[tuple[tuple[type[Any], str], ...]] = (
    (Prose, "prose"),
    (ProseInJson, "JSON, prose"),
    (JSONB, "JSON"),
    (Text, "text"),
    (DateTime, "time"),
    (Boolean, "boolean"),
    (Float, "number"),
    (LargeBinary, "bytes"),
    (Integer, "whole number"),
)

HEAD = ("column", "type", "null", "meaning")


def page() -> str:
    return "\n".join([INTRODUCTION, *map(_section, metadata.tables.values())])


def _section(one: Table) -> str:
    if one.name not in HOLDS:
        raise Undocumented(f"docs/generate/tables.py does not say what {one.name} holds")
    rows = [
        (
            code(column.name) + (" (key)" if column.primary_key else ""),
            _type(column),
            _null(column),
            column.comment or "",
        )
        for column in one.columns
    ]
    about = " ".join(filter(None, (HOLDS[one.name], _owner(one.name), _kept(one.name))))
    return f"## {one.name}\n\n{about}\n\n{table(HEAD, rows)}"


def _type(column: Column[Any]) -> str:
    return next(word for kind, word in _TYPES if isinstance(column.type, kind))


def _null(column: Column[Any]) -> str:
    return "yes" if column.nullable else ""


def _owner(name: str) -> str:
    if name in SHARED:
        return "It belongs to no team."
    return "Written by triggers alone." if name in COUNTS else "Each row belongs to a team."


def _kept(name: str) -> str:
    """By which time of records.yaml its rows are removed."""
    keep = next((aged.keep for aged in AGED if aged.table == name), "audit" if name == audit.name else None)
    return "" if keep is None else f"Kept for [`keep.{keep}`](configuration.md#keep)."
