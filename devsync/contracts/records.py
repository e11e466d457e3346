"""Messages of record keeping: the audit's heads are noted, and what is too old is removed."""

from datetime import datetime

from devsync.domain.audit import Head
from devsync.domain.model import Model


class KeepRecords(Model):
    """Note the heads, and remove what is older than it is to be kept at that instant."""

    at: datetime


class RecordsKept(Model):
    """Result of RecordKeeping. Whoever rewrites the audit in the database does not reach what stands here."""

    database: str = ""
    """Which one: its server's own number, and its number there."""
    heads: dict[str, Head] = {}
    """Where the audit's chains stood, by team."""
    removed: dict[str, int] = {}
    """Rows by table."""
    held: tuple[str, ...] = ()
    """Teams whose rows legal holds keep; `*` for all."""


class RecordKeepingRequest(Model):
    """Input of RecordKeeping."""
