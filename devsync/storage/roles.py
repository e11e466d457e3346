"""What row-level security does for the role that this process reaches the database with: for `doctor`."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from devsync.storage.database import Database
from devsync.storage.row_security import ALL_TEAMS


@dataclass(frozen=True)
class Standing:
    """What row-level security does for the role that a database is reached with."""

    role: str
    bypasses: str
    """Why it does nothing for this role; empty: it is in force."""
    sees_all_teams: bool


_STANDING: Final = text(
    f"""
    SELECT current_user::text AS role,
           (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
           (SELECT rolbypassrls FROM pg_roles WHERE rolname = current_user) AS bypasses,
           pg_has_role(owner.oid, 'MEMBER') AS is_owner,
           to_regrole('{ALL_TEAMS}') IS NOT NULL AND pg_has_role(to_regrole('{ALL_TEAMS}'), 'USAGE') AS sees_all
    FROM pg_class AS one JOIN pg_roles AS owner ON owner.oid = one.relowner
    WHERE one.oid = to_regclass('artifacts')
    """  # noqa: S608 (a name of ours)
)


async def standing(database: Database) -> Standing:
    """Raises DatabaseUnavailable and NotMigrated."""
    (row,) = await database.execute(_STANDING)
    if row.is_superuser:
        bypasses = "a superuser"
    elif row.bypasses:
        bypasses = "a role with BYPASSRLS"
    else:
        bypasses = "the owner of the tables" if row.is_owner else ""
    return Standing(role=row.role, bypasses=bypasses, sees_all_teams=bool(row.sees_all or bypasses))
