"""How healthy the whole is, asked of the records, the breakers and the machine: one answer for monitor, CLI and API.

Whatever does not answer is unknown, which is not healthy: the rest is told all the same.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol, TypeVar

from sqlalchemy import text
from temporalio.client import Client
from temporalio.service import RPCError

from devsync.domain.breaker import Standing
from devsync.domain.health.bands import Health, assess
from devsync.domain.health.snapshot import DATABASE, TEMPORAL, DueEdition, EditionRun, ServiceWindow, Snapshot
from devsync.domain.insight.advice import advise
from devsync.domain.insight.recommendations import Advice, Recommendation
from devsync.domain.insight.span import Span, last
from devsync.runtime.breaker.operations import BreakerOperations
from devsync.runtime.due_editions import due_editions
from devsync.runtime.machine import MachineWatch
from devsync.runtime.payload_codec import KeyMissing, unreadable
from devsync.settings.adjustable import service_numbers, usual_refresh
from devsync.settings.monitoring import MonitoringSettings
from devsync.settings.services import ServicesConfig
from devsync.settings.team import TeamConfig
from devsync.storage.connection import StorageError
from devsync.storage.database import Database
from devsync.storage.observations import observations
from devsync.storage.performance import Performance

T = TypeVar("T")

ADVISED_OVER: Final = timedelta(days=28)
"""What recommendations look at, as the command of the same name does."""
PATIENCE_SECONDS: Final = 5.0
"""For Temporal; the database has bounds of its own."""

_SIZE = text("SELECT pg_database_size(current_database()) AS bytes")


class Watched(Protocol):
    """What health depends on of a `Configuration`; a program that has none gives something of its own."""

    @property
    def services(self) -> ServicesConfig: ...
    @property
    def teams(self) -> Mapping[str, TeamConfig]: ...
    @property
    def monitoring(self) -> MonitoringSettings: ...


async def check_health(
    database: Database | None, client: Client | None, configuration: Watched, now: datetime
) -> Health:
    """Bands of the whole and of each service with their reasons, and the machine's numbers. Needs no worker.

    Raises nothing for a database or a Temporal that cannot be asked: the band is `unknown` then, or worse by what
    could be asked, and a reason says so.
    """
    snapshot = await take_snapshot(database, client, configuration, now)
    return assess(snapshot, configuration.monitoring.limits)


async def take_snapshot(
    database: Database | None,
    client: Client | None,
    configuration: Watched,
    now: datetime,
    *,
    watch: MachineWatch | None = None,
    called_off: Mapping[str, str] | None = None,
    with_causes: bool = False,
    with_advice: bool = False,
) -> Snapshot:
    """What `assess` and the alert rules look at.

    `watch`: of who looks again and again. `called_off`: weeks that `due_editions` need not see. `with_causes`:
    for the alert rules, which ask what failed for a reason that another alert tells. `with_advice`: what takes longer,
    recommendations, as well.
    """
    watch = watch or MachineWatch()
    window = last(configuration.monitoring.window, now)
    unread: dict[str, str] = {}
    breakers, records = await asyncio.gather(
        _asked(_breakers(client), TEMPORAL, unread),
        _asked(
            _records(database, configuration, window, with_causes=with_causes, with_advice=with_advice),
            DATABASE,
            unread,
        ),
    )
    due: tuple[DueEdition, ...] | None = None
    if database is not None and records is not None:
        reachable = client if breakers is not None else None
        due = await _asked(_due(database, reachable, configuration, now, called_off or {}), DATABASE, unread)
    machine = watch.look().model_copy(update={"database_mb": records.megabytes if records else None})
    return Snapshot(
        window=window,
        services=records.services if records else None,
        breakers=breakers,
        editions=records.editions if records else None,
        due=due,
        recommendations=records.recommendations if records else None,
        machine=machine,
        unread=unread,
    )


class _NotConnected(Exception):
    """Nobody is there to be asked."""

    def __init__(self, who: str) -> None:
        super().__init__(f"there is no connection to {who}")


class _Records(NamedTuple):
    services: tuple[ServiceWindow, ...]
    editions: tuple[EditionRun, ...]
    recommendations: tuple[Recommendation, ...] | None
    megabytes: float


async def _asked(question: Awaitable[T], who: str, unread: dict[str, str]) -> T | None:
    """None where there is no answer, and `unread` says why."""
    try:
        return await question
    except (_NotConnected, StorageError) as error:
        unread.setdefault(who, str(error))
    except KeyMissing as error:
        unread.setdefault(TEMPORAL, unreadable(error))
    except TimeoutError:
        unread.setdefault(TEMPORAL, f"Temporal does not answer within {PATIENCE_SECONDS:g} s")
    except RPCError as error:
        unread.setdefault(TEMPORAL, f"Temporal refuses: {error.message}")
    return None


async def _breakers(client: Client | None) -> tuple[Standing, ...]:
    if client is None:
        raise _NotConnected("Temporal")
    async with asyncio.timeout(PATIENCE_SECONDS):
        standings = await BreakerOperations(client).standings()
    return tuple(standing for _, standing in sorted(standings.items()))


async def _due(
    database: Database,
    client: Client | None,
    configuration: Watched,
    now: datetime,
    called_off: Mapping[str, str],
) -> tuple[DueEdition, ...]:
    async with asyncio.timeout(2 * PATIENCE_SECONDS):  # the database's bound and Temporal's
        return await due_editions(database, client, configuration.teams.values(), now, called_off)


async def _records(
    database: Database | None, configuration: Watched, window: Span, *, with_causes: bool, with_advice: bool
) -> _Records:
    """One question after the other: a database that is away is waited for once."""
    if database is None:
        raise _NotConnected("the database")
    performance = Performance(database)
    (size,) = await database.execute(_SIZE)
    return _Records(
        services=tuple(await performance.services(window, with_causes=with_causes)),
        editions=tuple(await performance.editions(window)),
        recommendations=await _recommended(database, configuration, window.end) if with_advice else None,
        megabytes=size.bytes / 2**20,
    )


async def _recommended(database: Database, configuration: Watched, now: datetime) -> tuple[Recommendation, ...]:
    return (await advice_on_record(database, configuration, last(ADVISED_OVER, now))).recommendations


async def advice_on_record(database: Database, configuration: Watched, span: Span) -> Advice:
    """What the rules of recommendations say, by the settings of now. Raises DatabaseUnavailable and NotMigrated."""
    seen = await observations(
        database,
        span,
        settings=service_numbers(configuration.services),
        refresh_every=usual_refresh(configuration.teams.values()),
        thresholds=configuration.monitoring.limits,
    )
    return advise(seen)
