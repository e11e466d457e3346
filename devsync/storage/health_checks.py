"""What each look of the monitor found and measured."""

from sqlalchemy.dialects.postgresql import insert

from devsync.domain.health.bands import Health
from devsync.storage.database import Database
from devsync.storage.tables import health_checks


class HealthChecks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, health: Health) -> None:
        """A look that is repeated is there once. Raises DatabaseUnavailable and NotMigrated."""
        row = {"at": health.at, "band": health.band.value, "reasons": list(health.reasons)}
        await self._database.execute(
            insert(health_checks).values(row | health.machine.model_dump()).on_conflict_do_nothing()
        )
