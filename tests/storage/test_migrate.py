from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, create_engine, inspect, text

from devsync.storage import migrate
from devsync.storage.connection import DatabaseUnavailable, NotMigrated
from devsync.storage.database import Database
from devsync.storage.engine import engine_url
from devsync.storage.tables import SHARED, metadata


def table_names(url: str) -> set[str]:
    engine = create_engine(engine_url(url))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def execute(url: str, statement: str) -> None:
    engine = create_engine(engine_url(url))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    engine = create_engine(engine_url(url))
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return found


def test_up_down_and_up_again(empty_url: str) -> None:
    assert migrate.current(empty_url) is None
    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == migrate.head()
    assert table_names(empty_url) == {*metadata.tables, "alembic_version"}
    migrate.downgrade(empty_url, "base")
    assert table_names(empty_url) == {"alembic_version"}
    migrate.upgrade(empty_url)
    assert table_names(empty_url) == {*metadata.tables, "alembic_version"}


def test_the_migrations_make_exactly_the_tables_of_the_code(url: str) -> None:
    engine = create_engine(engine_url(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        # compare_metadata does not look at check constraints.
        inspector = inspect(connection)
        for table in metadata.sorted_tables:
            made = {check["name"] for check in inspector.get_check_constraints(table.name)}
            declared = {constraint.name for constraint in table.constraints if isinstance(constraint, CheckConstraint)}
            assert made == declared
    engine.dispose()


def test_every_table_that_is_not_shared_names_the_team_that_owns_the_row() -> None:
    assert {name for name, table in metadata.tables.items() if "team" not in table.columns} == SHARED


def test_upgrades_started_at_once_wait_for_each_other(empty_url: str) -> None:
    with ThreadPoolExecutor(6) as threads:
        for outcome in [threads.submit(migrate.upgrade, empty_url) for _ in range(6)]:
            outcome.result()
    assert migrate.current(empty_url) == migrate.head()


async def test_a_migrated_database_passes_the_check(database: Database) -> None:
    state = await database.check()
    assert (state.revision, state.is_newer) == (migrate.head(), False)
    assert state.server_version


async def test_an_unmigrated_database_is_refused_with_the_cure(empty_url: str) -> None:
    database = Database(empty_url)
    with pytest.raises(NotMigrated, match=r"no tables of ours yet.*python starter\.py db upgrade"):
        await database.check()
    await database.dispose()


async def test_a_database_left_at_base_is_refused_too(url: str, database: Database) -> None:
    migrate.downgrade(url, "base")
    with pytest.raises(NotMigrated, match="no tables of ours yet"):
        await database.check()


async def test_a_database_migrated_by_a_newer_build_is_accepted(url: str, database: Database) -> None:
    execute(url, "UPDATE alembic_version SET version_num = '9999'")
    state = await database.check()
    assert (state.revision, state.is_newer) == ("9999", True)


RUN = """
    INSERT INTO runs (workflow_id, run_id, team, iso_week, status, requested_by, cancelled_because,
                      started_at, ended_at, seconds, api_calls)
    VALUES ('w', '{run_id}', 'payments', '2026-W47', 'partial', '', '', '{began}', '{ended}', '{{}}', '{{}}')
"""
RECOVERY = """
    INSERT INTO recoveries (workflow_id, run_id, team, iso_week, plan, service, phase, outcome, healed, missing,
                            decision, decided_by, note, escalation_id, started_at, ended_at)
    VALUES ('r', '{run_id}', 'payments', '2026-W47', 'p', 'github', 'collect', 'healed', 1, '{{}}',
            '', '', '', '', '{began}', '{began}')
"""
REFUSAL = """
    INSERT INTO operations
    SELECT 'w', 'edition', '1', 1, 1, 'refusal', 'payments', 'github', '', now(), 0, false, 0, 0
"""
OWNERS = """
    SELECT table_name FROM information_schema.columns
    WHERE column_name = 'owner_run_id' AND table_schema = current_schema() ORDER BY table_name
"""


def test_owners_come_where_the_time_leaves_no_doubt_and_go_with_the_migration(url: str) -> None:
    migrate.downgrade(url, "0015")
    assert rows(url, OWNERS) == []
    execute(url, RUN.format(run_id="dry", began="2026-11-23 12:00Z", ended="2026-11-23 12:10Z"))
    execute(url, RUN.format(run_id="edition", began="2026-11-23 12:00Z", ended="2026-11-23 12:30Z"))
    execute(url, RECOVERY.format(run_id="of one of two", began="2026-11-23 12:05Z"))
    execute(url, RECOVERY.format(run_id="of one", began="2026-11-23 12:20Z"))
    migrate.upgrade(url)
    owners = rows(url, "SELECT run_id, owner_run_id FROM recoveries ORDER BY run_id")
    assert owners == [("of one", "edition"), ("of one of two", None)]
    assert rows(url, OWNERS) == [("errors",), ("operations",), ("recoveries",)]
    execute(url, REFUSAL)
    migrate.downgrade(url, "0015")
    assert rows(url, OWNERS) == []
    assert rows(url, "SELECT run_id FROM recoveries ORDER BY run_id") == [("of one",), ("of one of two",)]
    assert rows(url, "SELECT kind FROM operations") == [], "that build knows no refusals"


async def test_an_older_revision_is_refused_and_both_are_named(url: str, database: Database) -> None:
    migrate.downgrade(url, "0001")
    with pytest.raises(NotMigrated, match=f"at revision 0001, this build needs {migrate.head()}"):
        await database.check()


def test_an_upgrade_without_a_server_says_who_does_not_answer() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"PostgreSQL at 127\.0\.0\.1:1 does not answer"):
        migrate.upgrade("postgresql://devsync:secret@127.0.0.1:1/devsync")
