"""What `doctor` asks the ground that everything stands on: the database, the Temporal server, its workers."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from temporalio.client import Client
from temporalio.service import RPCError

from commands.doctor.findings import Finding
from devsync.contracts import names
from devsync.runtime.connection import NamespaceUnusable, TemporalUnreachable, connect, missing_search_attributes
from devsync.runtime.pollers import ACTIVITIES, WORKFLOWS, Build, Queue, kinds_of, queue_of
from devsync.settings.configuration import Configuration
from devsync.settings.environment import Environment
from devsync.settings.problems import ConfigError
from devsync.storage.connection import StorageError, WrongDatabaseUrl
from devsync.storage.database import Database, DatabaseState
from devsync.storage.roles import Standing, standing
from devsync.storage.row_security import ALL_TEAMS


async def check_database(environment: Environment) -> AsyncIterator[Finding]:
    try:
        database = Database(environment.database().get_secret_value(), pool_size=1)
    except (ConfigError, WrongDatabaseUrl) as error:
        yield Finding("database", False, "not configured", str(error))
        return
    try:
        state = await database.check()
        yield _database(database.place, state)
        yield _row_security(await standing(database))
    except StorageError as error:
        yield Finding("database", False, "cannot be used", str(error))
    finally:
        await database.dispose()


def _database(place: str, state: DatabaseState) -> Finding:
    if state.is_read_only:
        cure = (
            "make it writable, or let DATABASE_URL name the server that is;"
            " editions go out meanwhile, and their records wait for seven days"
        )
        return Finding("database", False, f"{place} is read-only: nothing can be written down", cure)
    newer = ", migrated by a newer build" if state.is_newer else ""
    return Finding("database", True, f"{place}, version {state.server_version}, revision {state.revision}{newer}")


def _row_security(roles: Standing) -> Finding:
    """Not in force is no fault: with one role for everything the database works as it does without."""
    name, cure = "row-level security", "give the application a role of its own: docs/how-to/separate-database-roles.md"
    if roles.bypasses:
        return Finding(name, True, f"not in force: {roles.role}, which DATABASE_URL names, is {roles.bypasses}", cure)
    if not roles.sees_all_teams:
        grant = f"as the owner of the tables run: GRANT {ALL_TEAMS} TO {roles.role}"
        return Finding(name, False, f"in force, and {roles.role} sees no team: a worker needs all of them", grant)
    return Finding(name, True, f"in force; {roles.role} works for all teams, as a member of {ALL_TEAMS}")


async def check_temporal(configuration: Configuration | None) -> AsyncIterator[Finding]:
    """Without a configuration nobody knows which workers there should be, and none is looked for."""
    try:
        client = await connect()
    except TemporalUnreachable as error:
        yield Finding("temporal server", False, "unreachable", str(error))
        return
    try:
        missing = await missing_search_attributes(client)
        yield Finding("temporal server", True, f"namespace {client.namespace}")
        cure = "run `python starter.py apply`" if missing else ""
        detail = f"missing: {', '.join(missing)}" if missing else "all there"
        yield Finding("search attributes", not missing, detail, cure)
        if configuration is not None:
            yield await _workers(client, configuration)
    except NamespaceUnusable as error:
        yield Finding("temporal server", False, f"namespace {client.namespace} cannot be used", str(error))
    except RPCError as error:
        yield Finding("temporal server", False, f"refused: {error.message}", "look into the server's log")


async def _workers(client: Client, configuration: Configuration) -> Finding:
    """Whether every queue that the teams' editions need has a worker that gets its new work."""
    services = [names.service_queue(service) for service in names.WITH_QUEUE if configuration.uses(service)]
    needed = [*names.WORKFLOW_QUEUES, *services]
    queues = await asyncio.gather(*(queue_of(client, name, kind) for name in needed for kind in kinds_of(name)))
    unserved = [queue for queue in queues if not queue.is_served]
    if not unserved:
        return Finding("workers", True, f"serve {', '.join(needed)}")
    details, cures = [], []
    if idle := _idle(unserved):
        details.append(f"nobody serves {', '.join(idle)}")
        restart = "restart the worker: it serves what the teams' files asked for when it started"
        cures.append("start one: python worker.py" if idle == needed else restart)
    for queue in unserved:
        if queue.pollers:
            detail, cure = _passed_over(queue)
            details.append(detail)
            cures.append(cure)
    return Finding("workers", False, "; ".join(dict.fromkeys(details)), "\n".join(dict.fromkeys(cures)))


def _idle(unserved: Sequence[Queue]) -> list[str]:
    """Nobody polls them: a queue, or one of two kinds of its work."""
    idle = [(queue.name, queue.kind) for queue in unserved if not queue.pollers]
    kinds = {WORKFLOWS: "workflows", ACTIVITIES: "activities"}
    return list(
        dict.fromkeys(
            name if all((name, one) in idle for one in kinds_of(name)) else f"the {kinds[kind]} of {name}"
            for name, kind in idle
        )
    )


def _passed_over(queue: Queue) -> tuple[str, str]:
    """A queue whose workers get no new work, since another build is the current one: what is so, and the cure."""
    builds = sorted({poller.build for poller in queue.pollers if poller.build})
    if not builds:
        detail = f"{queue.name} has workers without a version, but {_named(queue.current)} is the current one"
        return detail, "start a worker of that build, or give yours WORKER_DEPLOYMENT and BUILD_ID and make it current"
    detail = f"{queue.name} has workers of {', '.join(map(_named, builds))} only, which is not the current one"
    last = builds[-1]
    return detail, (
        "make it current: temporal worker deployment set-current-version "
        f"--deployment-name {last.deployment} --build-id {last.build_id}"
    )


def _named(build: Build | None) -> str:
    return f"build {build.build_id} of {build.deployment}" if build else "no build"
