"""Writes what became of recoveries to the records."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from devsync.contracts import activities as contracts
from devsync.contracts.edition import Recorded
from devsync.contracts.recovery import RecordRecovery
from devsync.storage.connection import MigrationAwaited, NotMigrated
from devsync.storage.database import Database
from devsync.storage.recoveries import Recoveries


class RecoveryActivities:
    def __init__(self, database: Database) -> None:
        self._recoveries = Recoveries(database)

    def all(self) -> list[Callable[..., Any]]:
        return [self.record_recovery]

    @activity.defn(name=contracts.RECORD_RECOVERY.name)
    async def record_recovery(self, message: RecordRecovery) -> Recorded:
        """The recovery and its steps, once. A database that lacks our tables is waited for like one that is away."""
        try:
            await self._recoveries.write(message)
        except NotMigrated as error:
            raise MigrationAwaited(str(error)) from error
        return Recorded()
