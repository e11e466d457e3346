"""Addresses of webhooks whose receivers have switched them off, on record until something is taken there again."""

from datetime import datetime
from hashlib import sha256

from sqlalchemy import Executable, delete, select

from devsync.domain.model import Model
from devsync.storage.database import Database
from devsync.storage.tables import switched_off_addresses as table
from devsync.storage.upsert import upsert


class AddressRecord(Model):
    """What a delivery has found out about the address of a webhook."""

    team: str
    address: str
    switched_off_at: datetime | None
    """None: something was taken there."""


class SwitchedOff:
    """Queries. `devsync.storage.records.Records` writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, team: str, address: str) -> datetime | None:
        """None where it is not switched off, as far as is known."""
        query = select(table.c.switched_off_at).where(table.c.team == team, table.c.address == _digest(address))
        rows = await self._database.execute(query)
        return rows[0].switched_off_at if rows else None


def switched_off_statement(record: AddressRecord) -> Executable:
    """Keeps that it is switched off, or forgets it."""
    key = {"team": record.team, "address": _digest(record.address)}
    if record.switched_off_at is None:
        return delete(table).where(table.c.team == key["team"], table.c.address == key["address"])
    row = key | {"switched_off_at": record.switched_off_at}
    return upsert(table, [row], may_replace=lambda new: new.excluded.switched_off_at >= table.c.switched_off_at)


def _digest(address: str) -> str:
    return sha256(address.encode()).hexdigest()
