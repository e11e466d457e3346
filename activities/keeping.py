"""Keeps the records: notes where the audit stands, and removes what is too old."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from temporalio import activity

from devsync.contracts import activities as contracts
from devsync.contracts.records import KeepRecords, RecordsKept
from devsync.runtime.legal_holds import read_records_with_holds
from devsync.storage.audit import Audit
from devsync.storage.connection import MigrationAwaited, NotMigrated
from devsync.storage.database import Database
from devsync.storage.retention import Retention

AT_MOST = 100_000
"""Rows in one run; the next one goes on."""


class KeepingActivities:
    def __init__(self, config_dir: Path, database: Database) -> None:
        self._config_dir = config_dir
        self._database = database
        self._audit = Audit(database)

    def all(self) -> list[Callable[..., Any]]:
        return [self.keep_records]

    @activity.defn(name=contracts.KEEP_RECORDS.name)
    async def keep_records(self, message: KeepRecords) -> RecordsKept:
        """By records.yaml as it is now: a hold that was just written counts. A file that is wrong removes nothing, nor
        does one with a hold of a team that nobody knows."""
        try:
            settings = await read_records_with_holds(self._config_dir, self._database)
            retention = Retention(self._database, settings.keep.by_name(), settings.is_held, message.at)
            removed = await retention.remove(AT_MOST)
            heads = await self._audit.anchor(message.at)
            database = await self._audit.database_id()
        except NotMigrated as error:
            raise MigrationAwaited(str(error)) from error
        for team, head in heads.items():
            # For whoever collects logs: one more place that a rewritten audit disagrees with.
            activity.logger.info("audit of %s stands at %d %s", team or "no team", head.number, head.hash)
        return RecordsKept(
            database=database,
            heads=heads,
            removed=removed,
            held=tuple(sorted({hold.team for hold in settings.legal_holds})),
        )
