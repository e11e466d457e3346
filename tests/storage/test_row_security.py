"""Row-level security, shown to connections that do not own the tables, on each PostgreSQL of this machine."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from devsync.domain.audit import AuditEntry
from devsync.domain.insight.span import Span
from devsync.storage import migrate
from devsync.storage.artifacts import ArtifactMissing, ArtifactStore
from devsync.storage.audit import Audit
from devsync.storage.audit_check import AuditCheck
from devsync.storage.breakers import BreakerTransitions
from devsync.storage.database import Database
from devsync.storage.editions import Editions
from devsync.storage.errors import Errors
from devsync.storage.pages import CollectionPages
from devsync.storage.records import Records
from devsync.storage.roles import Standing, standing
from devsync.storage.row_security import ALL_TEAMS, ONE_TEAM
from devsync.storage.statistics import Statistics
from devsync.storage.tables import metadata
from sandbox.postgres import PostgresServer, embedded_postgres
from sandbox.postgres_binaries import VARIABLE
from tests.servers import folder_for_all
from tests.storage.test_audit_of_records import write_one_of_each
from tests.storage.test_errors import record as error
from tests.storage.test_records import NOON, delivery, edition, run

SYSTEMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
"""Where Debian puts the servers that it brings."""

DAY = Span(start=NOON - timedelta(days=1), end=NOON + timedelta(days=3))
"""Whole days and parts of days: counts and rows."""

_numbers = itertools.count(1)


@pytest.fixture(
    scope="module", params=[None, *SYSTEMS], ids=lambda folder: folder.parent.name if folder else "embedded"
)
async def server(request: pytest.FixtureRequest) -> AsyncIterator[PostgresServer]:
    binaries = {VARIABLE: str(request.param)} if request.param else {}
    with patch.dict(os.environ, binaries), folder_for_all() as folder:
        async with embedded_postgres(folder, durable=False) as server:
            yield server


@dataclass(frozen=True)
class Site:
    """A database whose tables an ordinary role owns, and roles that do not."""

    url: Callable[[str], str]
    """Of a role."""
    database: str

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


def new_site(server: PostgresServer, owner_attributes: str) -> Site:
    name = f"site_{next(_numbers)}"

    def url(role: str) -> str:
        if role == "postgres":
            return server.url(name)
        return make_url(server.url(name)).set(username=role, password="pw").render_as_string(hide_password=False)

    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        owner = sql.Identifier(f"{name}_owner")
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'pw' NOSUPERUSER NOBYPASSRLS ").format(owner)
            + sql.SQL(owner_attributes)
        )
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), owner))
    return Site(url, name)


@pytest.fixture
def site(server: PostgresServer) -> Iterator[Site]:
    """The owner may make roles; a worker and two teams' applications may log in."""
    with roles_left_as_they_were(server):
        site = new_site(server, "CREATEROLE")
        site.run("ALTER SCHEMA public OWNER TO " + f"{site.database}_owner")
        migrate.upgrade(site.url(f"{site.database}_owner"))
        for role, group in (("worker", ALL_TEAMS), ("payments_app", ONE_TEAM), ("search_app", ONE_TEAM)):
            site.run(f"CREATE ROLE {site.database}_{role} LOGIN PASSWORD 'pw' IN ROLE {group}")
        yield site


@contextmanager
def roles_left_as_they_were(server: PostgresServer) -> Iterator[None]:
    """The two groups are the server's, not the database's: the next test makes them anew."""
    yield
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        names = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'site%'").fetchall()
        for (name,) in names:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        made = connection.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^(site|devsync)_'").fetchall()
        for (role,) in made:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@dataclass(frozen=True)
class Doors:
    """The ways into one database."""

    worker: Database
    payments: Database
    """One role, on behalf of the team payments."""
    search: Database
    """Another role, on behalf of the team search."""
    unsaid: Database
    """The first role, on behalf of nobody."""
    owner: Database


@pytest.fixture
async def doors(site: Site) -> AsyncIterator[Doors]:
    names = ("worker", "payments_app", "search_app", "owner")
    worker, payments, search, owner = [Database(site.url(f"{site.database}_{name}"), pool_size=2) for name in names]
    yield Doors(worker, payments.of_team("payments"), search.of_team("search"), payments, owner)
    for database in (worker, payments, search, owner):
        await database.dispose()


async def write_both(database: Database) -> None:
    records = Records(database, ArtifactStore(database))
    for team in ("payments", "search"):
        await records.write(
            run=run(team=team, workflow_id=f"changelog:{team}:2026-W47"),
            edition=edition(team=team),
            deliveries=[delivery(team=team)],
        )
        await Errors(database).write([error(1, team=team, run_id=team)])
    await write_one_of_each(database)


async def test_a_team_sees_its_own_rows_and_no_others(doors: Doors) -> None:
    await write_both(doors.worker)
    for ours, theirs, door in (("payments", "search", doors.payments), ("search", "payments", doors.search)):
        assert await Editions(door).latest(ours, "2026-W47") is not None
        assert await Editions(door).latest(theirs, "2026-W47") is None
        assert {one.entry.team for one in await Audit(door).latest(limit=100)} == {ours}
        assert await Audit(door).latest(team=theirs, limit=100) == []
        counted = Statistics(door)
        assert sum(group.count for group in await counted.error_groups(DAY, team=ours)) > 0
        assert await counted.error_groups(DAY, team=theirs) == []
        assert await counted.error_groups(DAY) == [], "what all teams have is no team's to see"


async def test_without_a_team_nothing_is_seen_also_after_a_connection_has_served_one(doors: Doors) -> None:
    await write_both(doors.worker)
    for _ in range(3):
        assert await Editions(doors.payments).latest("payments", "2026-W47") is not None
        assert await Editions(doors.unsaid).latest("payments", "2026-W47") is None
        assert await Statistics(doors.unsaid).error_groups(DAY) == []
        assert await Audit(doors.unsaid).latest(limit=100) == [], "what is of no team is not everybody's"


async def test_no_team_writes_for_another_changes_or_removes_anothers_rows(doors: Doors, site: Site) -> None:
    await write_both(doors.worker)
    with pytest.raises(ProgrammingError, match="row-level security"):
        await Errors(doors.search).write([error(2)])
    with pytest.raises(ProgrammingError, match="row-level security"):
        await Audit(doors.search).write([AuditEntry.model_validate(entry_of("payments"))])
    reached = [
        "UPDATE editions SET status = 'forged' WHERE team = 'payments'",
        "UPDATE runs SET status = 'forged' WHERE team = 'payments'",
        "DELETE FROM deliveries WHERE team = 'payments'",
    ]
    with psycopg.connect(site.url(f"{site.database}_search_app")) as connection:
        connection.execute("SELECT set_config('app.current_team_id', 'search', true)")
        for statement in reached:
            assert connection.execute(statement.encode()).rowcount == 0
        slipped_in = "INSERT INTO switched_off_addresses VALUES ('payments', 'x', now())"
        for statement in ("UPDATE editions SET team = 'payments' WHERE team = 'search'", slipped_in):
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"),
                connection.transaction(),
            ):
                connection.execute(statement.encode())


def entry_of(team: str) -> dict[str, object]:
    return {"team": team, "id": "x", "at": NOON, "actor": "a", "what": "w", "action": "b", "outcome": "c"}


async def test_a_team_writes_its_own_records_and_artifacts(doors: Doors) -> None:
    store = ArtifactStore(doors.payments)
    reference = await store.put(b"an edition", kind="edition", team="payments")
    await Records(doors.payments, store).write(run=run(), edition=edition(edition=reference), deliveries=[delivery()])
    await Audit(doors.payments).write([AuditEntry.model_validate(entry_of("payments"))])
    assert await ArtifactStore(doors.worker).get(reference) == b"an edition"
    with pytest.raises(ArtifactMissing):
        await ArtifactStore(doors.search).get(reference)
    assert [one.findings async for one in AuditCheck(doors.worker).teams()] == [()]


async def test_nobody_but_retention_removes_entries_and_nobody_changes_them(doors: Doors, site: Site) -> None:
    await write_both(doors.worker)
    for role, statement in (
        ("payments_app", "DELETE FROM audit"),
        ("payments_app", "UPDATE audit SET outcome = 'well'"),
        ("worker", "UPDATE audit SET outcome = 'well'"),
        ("worker", "ALTER TABLE audit DISABLE TRIGGER USER"),
        ("worker", "ALTER TABLE audit DISABLE ROW LEVEL SECURITY"),
    ):
        with psycopg.connect(site.url(f"{site.database}_{role}")) as connection:
            connection.execute("SELECT set_config('app.current_team_id', 'payments', true)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


async def test_breakers_are_everybodys_to_see_and_the_workers_to_write(doors: Doors) -> None:
    await write_both(doors.worker)
    assert len(await BreakerTransitions(doors.payments).latest("github", limit=9)) == 2
    assert len(await BreakerTransitions(doors.unsaid).latest("github", limit=9)) == 2
    with pytest.raises(ProgrammingError, match="permission denied"):
        await doors.payments.execute(metadata.tables["breaker_transitions"].delete())


async def test_the_teams_side_by_side_on_one_pool_each_see_their_own(doors: Doors) -> None:
    await write_both(doors.worker)
    pool = doors.unsaid

    async def seen(team: str) -> set[str]:
        return {one.entry.team for one in await Audit(pool.of_team(team)).latest(limit=100)}

    teams = ["payments", "search", "nobody"] * 20
    found = await asyncio.gather(*map(seen, teams))
    assert found == [{team} - {"nobody"} for team in teams]


async def test_pages_of_a_collection_are_the_teams(doors: Doors) -> None:
    page = {"collection_id": "c", "unit": "github:acme/web", "part": "pulls", "page": 1, "next_cursor": None}
    await CollectionPages(doors.worker).store_page(team="payments", content=b"[]", **page)  # type: ignore[arg-type]
    assert len(await CollectionPages(doors.payments).stored_pages("c", "github:acme/web")) == 1
    assert await CollectionPages(doors.search).stored_pages("c", "github:acme/web") == []


def test_every_table_is_secured_and_for_its_owner_too(site: Site) -> None:
    query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity"
    with psycopg.connect(site.url("postgres")) as connection:
        assert {name for (name,) in connection.execute(query)} == set(metadata.tables)


async def test_the_owner_is_one_for_all_teams_by_name_and_sees_nothing_without_it(doors: Doors, site: Site) -> None:
    await write_both(doors.worker)
    assert await Editions(doors.owner).latest("payments", "2026-W47") is not None
    site.run(f"REVOKE {ALL_TEAMS} FROM {site.database}_owner CASCADE")
    assert await Editions(doors.owner).latest("payments", "2026-W47") is None


async def test_doctor_is_told_what_is_in_force(doors: Doors, site: Site, server: PostgresServer) -> None:
    name = site.database
    assert await standing(doors.worker) == Standing(f"{name}_worker", "", sees_all_teams=True)
    assert await standing(doors.unsaid) == Standing(f"{name}_payments_app", "", sees_all_teams=False)
    assert await standing(doors.owner) == Standing(f"{name}_owner", "the owner of the tables", sees_all_teams=True)
    superuser = Database(server.url(name), pool_size=1)
    assert await standing(superuser) == Standing("postgres", "a superuser", sees_all_teams=True)
    await superuser.dispose()


def test_an_upgrade_again_changes_nothing_and_a_downgrade_takes_it_back(site: Site) -> None:
    query = "SELECT tablename, policyname, roles, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2"
    owner = site.url(f"{site.database}_owner")
    with psycopg.connect(site.url("postgres"), autocommit=True) as connection:
        before = connection.execute(query).fetchall()
        migrate.upgrade(owner)
        assert connection.execute(query).fetchall() == before
        migrate.downgrade(owner, "0010")
        assert connection.execute(query).fetchall() == []
        secured = "SELECT count(*) FROM pg_class WHERE relrowsecurity OR relforcerowsecurity"
        assert connection.execute(secured).fetchone() == (0,)
        migrate.upgrade(owner)
        assert connection.execute(query).fetchall() == before


async def test_a_database_with_one_plain_role_works_as_before(server: PostgresServer) -> None:
    with roles_left_as_they_were(server):
        site = new_site(server, "NOCREATEROLE")
        site.run(f"ALTER SCHEMA public OWNER TO {site.database}_owner")
        url = site.url(f"{site.database}_owner")
        migrate.upgrade(url)
        migrate.upgrade(url)
        database = Database(url)
        await write_both(database)
        assert await Editions(database).latest("search", "2026-W47") is not None
        assert await standing(database) == Standing(
            f"{site.database}_owner", "the owner of the tables", sees_all_teams=True
        )
        site.run(f"CREATE ROLE {ALL_TEAMS}", f"CREATE ROLE {ONE_TEAM}", f"GRANT {ALL_TEAMS} TO {site.database}_owner")
        migrate.upgrade(url)
        site.run(f"CREATE ROLE {site.database}_app LOGIN PASSWORD 'pw' IN ROLE {ONE_TEAM}")
        app = Database(site.url(f"{site.database}_app"))
        assert await Editions(app.of_team("search")).latest("search", "2026-W47") is not None
        assert await Editions(app).latest("search", "2026-W47") is None
        assert await Editions(database).latest("search", "2026-W47") is not None
        migrate.downgrade(url, "base")
        await database.dispose()
        await app.dispose()
