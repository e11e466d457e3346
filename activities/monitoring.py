"""What the monitor needs of the outside: a look at everything, and records of what it found."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.client import Client

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.edition import Recorded
from devsync.contracts.monitor import Look, Looked, MonitorSettings, RecordAlerts
from devsync.domain.health.bands import Health, assess
from devsync.domain.health.rules import verdicts
from devsync.domain.health.snapshot import Snapshot
from devsync.runtime.due_editions import week_key
from devsync.runtime.health import take_snapshot
from devsync.runtime.heartbeat import Heartbeat
from devsync.runtime.machine import MachineWatch
from devsync.settings.configuration import Configuration, load_configuration
from devsync.settings.problems import ConfigError
from devsync.storage.alerts import Alerts
from devsync.storage.connection import MigrationAwaited, NotMigrated, StorageError
from devsync.storage.database import Database
from devsync.storage.health_checks import HealthChecks

Stamps = frozenset[tuple[str, int, int]]


class MonitorActivities:
    def __init__(
        self, config_dir: Path, configuration: Configuration, database: Database, client: Client, heartbeat: Heartbeat
    ) -> None:
        self._config_dir = config_dir
        self._configuration = configuration
        self._stamps = _stamps(config_dir)
        self._database = database
        self._client = client
        self._heartbeat = heartbeat
        self._machine = MachineWatch()

    def all(self) -> list[Callable[..., Any]]:
        return [self.look, self.record_alerts]

    @activity.defn(name=contracts.LOOK.name)
    async def look(self, message: Look) -> Looked:
        """Asks the records, the breakers and the machine, and names what is wrong by the rules; says that it lives."""
        notes: list[str] = []
        configuration = await self._current(notes)
        settings = _settings(configuration)
        if not settings.is_on:
            return Looked(settings=settings, called_off=message.called_off, notes=tuple(notes))
        snapshot = await take_snapshot(
            self._database,
            self._client,
            configuration,
            message.at,
            watch=self._machine,
            called_off=message.called_off,
            with_causes=True,
            with_advice=message.with_advice and settings.is_advised,
        )
        limits = configuration.monitoring.limits
        health = assess(snapshot, limits)
        unwritten, missed = await asyncio.gather(self._keep(health), self._heartbeat.send())
        snapshot = snapshot.model_copy(update={"unwritten": unwritten, "left_out": dict(configuration.left_out)})
        return Looked(
            settings=settings,
            health=health,
            verdicts=verdicts(snapshot, limits),
            called_off=_paused(snapshot, message.called_off),
            notes=(*notes, *filter(None, [missed])),
        )

    @activity.defn(name=contracts.RECORD_ALERTS.name)
    async def record_alerts(self, message: RecordAlerts) -> Recorded:
        """Writes down how alerts stand, and tells the audit; nothing that is there already is written again."""
        try:
            await Alerts(self._database).write(message)
        except NotMigrated as error:
            raise MigrationAwaited(str(error)) from error
        return Recorded()

    async def _keep(self, health: Health) -> str:
        """Why it could not be written down, or empty."""
        try:
            await HealthChecks(self._database).write(health)
        except StorageError as error:
            activity.logger.warning("this look is not on record: %s", error)
            return str(error)
        return ""

    async def _current(self, notes: list[str]) -> Configuration:
        """As the files are now; as they were when they could last be used, where one is wrong."""
        stamps = await asyncio.to_thread(_stamps, self._config_dir)
        if stamps != self._stamps:
            try:
                self._configuration = await asyncio.to_thread(load_configuration, self._config_dir)
                self._stamps = stamps
            except ConfigError as error:
                notes.append(f"goes by the files as they were, since config/ is wrong: {error.problems[0]}")
        return self._configuration


def _settings(configuration: Configuration) -> MonitorSettings:
    monitoring, services, delivery = configuration.monitoring, configuration.services, configuration.delivery
    return MonitorSettings(
        is_on=monitoring.enable_real_time_monitoring,
        is_advised=monitoring.enable_analytics,
        interval=monitoring.interval,
        channels=monitoring.targets,
        policy=monitoring.alert_policy,
        policies={one.name: services.policy(one.service, one.operation) for one in contracts.TELLING_ACTIVITIES},
        uncertain_wait=services.service(names.SLACK).http_read * delivery.uncertain_wait_factor,
        retry_after=delivery.slack.retry_schedule,
    )


def _paused(snapshot: Snapshot, before: dict[str, str]) -> dict[str, str]:
    """What the next look is to know of schedules that were paused; it was not seen where nobody could look."""
    if snapshot.due is None:
        return before
    return {week_key(one.team, one.iso_week): one.called_off for one in snapshot.due if one.is_paused}


def _stamps(config_dir: Path) -> Stamps:
    """Changes whenever a file does: reading two hundred of them at each look would take longer than the look."""
    files = [*config_dir.glob("*.yaml"), *(config_dir / "teams").glob("*.y*ml")]
    return frozenset((str(file), stat.st_mtime_ns, stat.st_size) for file in files if (stat := _stat(file)))


def _stat(file: Path) -> Any:
    try:
        return file.stat()
    except OSError:  # removed in this moment
        return None
