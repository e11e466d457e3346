"""Row-level security: which role sees and writes which team's rows.

Two roles without a login, to be granted to those that connect: `devsync_all_teams` for workers, the monitor and
operators, `devsync_team` for whatever acts for one team, which it names in each transaction (`app.current_team_id`).
Every table is secured, and FORCE makes that so for its owner as well; the owner is given `devsync_all_teams`, since
migrations read all rows.

Where no roles can be made (a database with one role, without CREATEROLE), the owner alone keeps its access by a
policy of its own: everything works, and nobody else can be let in.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text

from devsync.storage.tables import COUNTS, SHARED, audit, metadata

ALL_TEAMS: Final = "devsync_all_teams"
ONE_TEAM: Final = "devsync_team"

_TEAM_SET: Final = "nullif(current_setting('app.current_team_id', true), '')"
"""A setting that a transaction has made is empty afterwards, not gone: that must not be the team of no name."""

_MAKE_ROLES: Final = f"""
    DO $$
    DECLARE
        wanted text;
    BEGIN
        FOREACH wanted IN ARRAY ARRAY['{ALL_TEAMS}', '{ONE_TEAM}'] LOOP
            BEGIN
                IF to_regrole(wanted) IS NULL THEN
                    EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
                END IF;
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server, just now
            END;
        END LOOP;
        IF NOT pg_has_role('{ALL_TEAMS}', 'USAGE') THEN
            GRANT {ALL_TEAMS} TO CURRENT_USER;
        END IF;
    EXCEPTION
        WHEN insufficient_privilege THEN RAISE NOTICE 'roles are left to somebody who may make them';
    END $$
"""


def secure(connection: Connection) -> None:
    """Secures every table of ours that is there; what is secured already is left as it is."""
    connection.execute(text(_MAKE_ROLES))
    has_roles = bool(connection.scalar(text(f"SELECT to_regrole('{ALL_TEAMS}') IS NOT NULL")))
    is_member = has_roles and bool(connection.scalar(text(f"SELECT pg_has_role('{ALL_TEAMS}', 'USAGE')")))
    there = set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")))
    for table in sorted(there & metadata.tables.keys()):
        wanted = dict(_policies(table, has_roles=has_roles, is_member=is_member))
        made = set(
            connection.scalars(
                text("SELECT policyname FROM pg_policies WHERE schemaname = current_schema() AND tablename = :table"),
                {"table": table},
            )
        )
        for name in sorted(made - wanted.keys()):
            connection.execute(text(f"DROP POLICY {name} ON {table}"))
        for name in sorted(wanted.keys() - made):
            connection.execute(text(f"CREATE POLICY {name} ON {table} {wanted[name]}"))
        if made != wanted.keys():
            connection.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"))
        if has_roles:
            for grant in _grants(table):
                connection.execute(text(grant))
    if has_roles:
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {ALL_TEAMS}, {ONE_TEAM}"))


def unsecure(connection: Connection) -> None:
    """Takes policies and grants back. The roles stay: other databases of the server may use them."""
    has_roles = bool(connection.scalar(text(f"SELECT to_regrole('{ALL_TEAMS}') IS NOT NULL")))
    query = text("SELECT tablename, policyname FROM pg_policies WHERE schemaname = current_schema()")
    for table, policy in connection.execute(query).all():
        if table in metadata.tables:
            connection.execute(text(f"DROP POLICY {policy} ON {table}"))
            connection.execute(text(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY"))
            if has_roles:
                connection.execute(text(f"REVOKE ALL ON {table} FROM {ALL_TEAMS}, {ONE_TEAM}"))
    if has_roles:
        connection.execute(text(f"REVOKE ALL ON alembic_version FROM {ALL_TEAMS}, {ONE_TEAM}"))


def _policies(table: str, *, has_roles: bool, is_member: bool) -> Iterator[tuple[str, str]]:
    if table in SHARED:
        yield "shared", "FOR SELECT USING (true)"
    else:
        yield "own_team", f"USING (team = {_TEAM_SET}) WITH CHECK (team = {_TEAM_SET})"
    if has_roles:
        yield "all_teams", f"TO {ALL_TEAMS} USING (true) WITH CHECK (true)"
    if not is_member:
        yield "single_role", "TO CURRENT_USER USING (true) WITH CHECK (true)"


def _grants(table: str) -> Iterator[str]:
    if table == audit.name:
        # Never changed; removed by retention alone, which works for all teams.
        yield f"GRANT SELECT, INSERT, DELETE ON {table} TO {ALL_TEAMS}"
        yield f"GRANT SELECT, INSERT ON {table} TO {ONE_TEAM}"
    elif table in COUNTS:
        # Kept by triggers, in their owner's name.
        yield f"GRANT SELECT, DELETE ON {table} TO {ALL_TEAMS}"
        yield f"GRANT SELECT ON {table} TO {ONE_TEAM}"
    elif table in SHARED:
        yield f"GRANT SELECT, INSERT, DELETE ON {table} TO {ALL_TEAMS}"
        yield f"GRANT SELECT ON {table} TO {ONE_TEAM}"
    else:
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {ALL_TEAMS}, {ONE_TEAM}"
