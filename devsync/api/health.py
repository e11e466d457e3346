"""What `health_check` and the dashboard tell: the one health of the product, in plain dicts, as far as it is known."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from temporalio.client import Client
from temporalio.service import RPCError

from devsync.api.core import Core
from devsync.api.records import advice_on_record, errors_on_record, recommendations_of
from devsync.api.shared import Shared
from devsync.api.windows import ADVISED_BY, USUAL
from devsync.domain.health.bands import Health
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.span import last
from devsync.runtime.breaker.operations import BreakerOperations
from devsync.runtime.connection import TemporalUnreachable
from devsync.runtime.health import check_health
from devsync.runtime.monitor import MonitorOperations, MonitorSilent
from devsync.settings.monitoring import MonitoringSettings
from devsync.settings.problems import ConfigError
from devsync.settings.services import ServicesConfig
from devsync.settings.team import TeamConfig
from devsync.storage.connection import StorageError

T = TypeVar("T")


@dataclass(frozen=True)
class Known:
    """What is known here of the configuration. By default that of a machine without config/: no team's editions are
    known to be due, and the thresholds are the usual ones."""

    services: ServicesConfig = field(default_factory=lambda: ServicesConfig({}))
    teams: Mapping[str, TeamConfig] = field(default_factory=dict)
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)


MONITOR_ANSWERS_WITHIN = 3.0
BREAKERS_ANSWER_WITHIN = 5.0
"""Seconds."""
_log = logging.getLogger("devsync.api")


async def health_document(core: Core, shared: Shared, thresholds: Thresholds | None) -> dict[str, Any]:
    """On the core's loop. Raises nothing for servers that are away: `status` is `unknown` then, or worse."""
    now = datetime.now(UTC)
    client, configuration = await client_or_none(core), await known_configuration(core, thresholds)
    database = core.database if core.has_database else None
    health, breakers, errors, advice = await asyncio.gather(
        check_health(database, client, configuration, now),
        _standings(client),
        _or_none(errors_on_record(core, last(USUAL, now))),
        _or_none(advice_on_record(core, last(ADVISED_BY, now), configuration.monitoring.limits)),
    )
    return {
        **of_health(health),
        "error_statistics": errors,
        "performance_statistics": shared.measurements.statistics(),
        "circuit_breakers": breakers,
        "optimization_recommendations": recommendations_of(advice) if advice else [],
    }


async def known_configuration(core: Core, thresholds: Thresholds | None = None) -> Known:
    """What operators have written, with a program's own thresholds where it has some."""
    try:
        configuration = await core.configuration()
    except ConfigError as error:
        _log.warning("the configuration cannot be read, and health is told without it: %s", error)
        configuration = None
    known = Known(configuration.services, configuration.teams, configuration.monitoring) if configuration else Known()
    if thresholds is None:
        return known
    return replace(known, monitoring=MonitoringSettings(thresholds=thresholds, window=known.monitoring.window))


async def client_or_none(core: Core) -> Client | None:
    try:
        return await core.client()
    except TemporalUnreachable as error:
        _log.info("health is told without Temporal: %s", error)
        return None


async def alerts_of_the_product(core: Core) -> list[dict[str, Any]] | None:
    """What its monitor has found to be wrong, the worst first. None: nobody answers for it."""
    client = await client_or_none(core)
    if client is None:
        return None
    try:
        async with asyncio.timeout(MONITOR_ANSWERS_WITHIN):
            view = await MonitorOperations(client).view()
    except (MonitorSilent, RPCError, TimeoutError) as error:
        _log.info("the monitor's alerts cannot be told: %s", error)
        return None
    return [alert.model_dump(mode="json") for alert in view.alerts if alert.is_open]


def of_health(health: Health) -> dict[str, Any]:
    return {
        "status": health.band.value,
        "at": health.at,
        "reasons": list(health.reasons),
        "services": {one.service: one.model_dump(mode="json", exclude={"service"}) for one in health.services},
        "system_metrics": health.machine.model_dump(),
    }


async def _standings(client: Client | None) -> dict[str, dict[str, Any]] | None:
    """Of the fleet's breakers, by service. None: Temporal did not tell."""
    if client is None:
        return None
    try:
        async with asyncio.timeout(BREAKERS_ANSWER_WITHIN):
            standings = await BreakerOperations(client).standings()
    except (RPCError, TimeoutError) as error:
        _log.info("the breakers cannot be told: %s", error)
        return None
    return {
        service: {
            "state": one.state.value,
            "label": one.label,
            "reason": one.reason,
            "retry_at": one.retry_at,
            "paused_until": one.paused_until,
        }
        for service, one in sorted(standings.items())
    }


async def _or_none(question: Coroutine[Any, Any, T]) -> T | None:
    try:
        return await question
    except (StorageError, ConfigError) as error:
        _log.info("health is told without the records: %s", error)
        return None
