"""config/: the whole of it, so that one look tells everything that is wrong, or what one team's edition needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel

from devsync.contracts import names
from devsync.settings.dashboard import DashboardSettings, problems_with, read_dashboard
from devsync.settings.delivery import DeliverySettings, read_delivery
from devsync.settings.durations import format_duration
from devsync.settings.escalation import EscalationSettings, read_escalation
from devsync.settings.monitoring import MonitoringFile, MonitoringSettings, read_monitoring
from devsync.settings.problems import ConfigError, any_of, did_you_mean
from devsync.settings.records import RecordSettings, read_records
from devsync.settings.recovery import RecoveryConfig, read_recovery
from devsync.settings.services import ServicesConfig, read_services
from devsync.settings.team import TeamConfig, read_team
from devsync.settings.yaml_file import YamlFile

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Configuration:
    """What the operators have written, valid as a whole."""

    directory: Path
    services: ServicesConfig
    delivery: DeliverySettings
    teams: dict[str, TeamConfig]
    """By name, in the order of their names."""
    recovery: RecoveryConfig
    escalation: EscalationSettings
    records: RecordSettings
    monitoring: MonitoringSettings
    dashboard: DashboardSettings
    """Who may sign in, and what they may do."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Teams whose files were wrong, by name, with the first thing that is; `load_what_is_right` knows any."""

    def team(self, name: str) -> TeamConfig:
        """Raises UnknownTeam naming the known ones, and ConfigError where there is none at all."""
        if name not in self.teams:
            raise _unknown(name, self.teams, self.directory)
        return self.teams[name]

    def uses(self, service: str) -> bool:
        """Whether a worker has to serve it: our own machine always, a service of others when a team, an
        escalation policy or the monitor names it."""
        teams = self.teams.values()
        is_used = {
            names.LOCAL: True,
            names.GITHUB: any(team.github for team in teams),
            names.JIRA: any(team.jira for team in teams),
            names.CALENDAR: any(team.calendar and team.calendar.ics for team in teams),
            names.GIT_MIRROR: any(team.github and team.github.mirrors for team in teams),
            names.STATUS: any(settings.status_page for settings in self.services.root.values()),
        }
        kinds = (
            {channel.kind for team in teams for channel in team.channels}
            | self.escalation.kinds
            | self.monitoring.kinds
        )
        return is_used.get(service, service in kinds)


@dataclass(frozen=True)
class TeamConfiguration:
    """What one team's edition needs of it: no mistake in another team's file can hold it up."""

    services: ServicesConfig
    delivery: DeliverySettings
    team: TeamConfig
    recovery: RecoveryConfig


class UnknownTeam(ConfigError):
    """Other teams have a file and this one has none: unlike a file that is wrong, nobody is about to mend it."""


def load_configuration(directory: Path) -> Configuration:
    """Everything below `directory`: services.yaml, delivery.yaml, recovery.yaml, escalation.yaml, records.yaml,
    monitoring.yaml, dashboard.yaml (which may be missing), teams/*.yaml.

    Raises ConfigError with all problems of all files; paths in them begin with `directory` as given.
    """
    read = _read_all(directory)
    if read.configuration is None or read.of_all or read.of_teams or read.unread:
        raise ConfigError(
            [*read.of_all, *(one for problems in read.of_teams.values() for one in problems), *read.unread]
        )
    return read.configuration


def load_what_is_right(directory: Path) -> Configuration:
    """As `load_configuration`, but a team whose file is wrong is left out: a mistake there keeps nobody else from an
    edition. Raises ConfigError for what concerns all teams, and where no team's file is right.
    """
    read = _read_all(directory)
    if read.configuration is None or read.of_all or (read.of_teams and not read.configuration.teams):
        raise ConfigError([*read.of_all, *(one for problems in read.of_teams.values() for one in problems)])
    return replace(read.configuration, left_out={team: problems[0] for team, problems in read.of_teams.items()})


class _Read(NamedTuple):
    configuration: Configuration | None
    """Of the teams whose files are right; None: what concerns all teams is wrong."""
    of_all: list[str]
    """Problems with what concerns all teams."""
    of_teams: dict[str, list[str]]
    """With single teams' files."""
    unread: list[str]
    """With files that look like a team's and are none."""


def _read_all(directory: Path) -> _Read:
    reading = _Reading(directory)
    services, delivery, recovery = reading.of_all_teams()
    escalation, records, monitoring = reading.escalation(), reading.records(), reading.monitoring()
    dashboard = reading.dashboard(escalation)
    teams, of_teams = [], {}
    for path in _team_files(directory):
        of_one = _Reading(directory)
        file = of_one.team(path, delivery, escalation)
        if file is not None and not of_one.problems:
            teams.append(file.model)
        else:
            of_teams[path.stem] = of_one.problems
    unread = [
        f"{path}: is not read; rename it to {path.with_suffix('.yaml').name}"
        for path in sorted((directory / "teams").glob("*.yml"))
    ]
    if reading.problems or not (services and delivery and recovery and escalation and records and monitoring):
        return _Read(None, reading.problems, of_teams, unread)
    configuration = Configuration(
        directory,
        services.model,
        delivery.model,
        {team.team: team for team in teams},
        recovery.model,
        escalation.model,
        records.model,
        monitoring.model.changelog_monitoring,
        dashboard,
    )
    return _Read(configuration, [], of_teams, unread)


def load_team(directory: Path, name: str) -> TeamConfiguration:
    """services.yaml, delivery.yaml, recovery.yaml and the one team's file; the other teams' files are not opened.

    Raises UnknownTeam naming the known ones, else ConfigError with all problems of the four files.
    """
    reading = _Reading(directory)
    known = {path.stem: path for path in _team_files(directory)}
    if name not in known:
        raise _unknown(name, known, directory)
    services, delivery, recovery = reading.of_all_teams()
    team = reading.team(known[name], delivery)
    if reading.problems or services is None or delivery is None or recovery is None or team is None:
        raise ConfigError(reading.problems)
    return TeamConfiguration(services.model, delivery.model, team.model, recovery.model)


def team_names(directory: Path) -> list[str]:
    """The teams that have a file, however right it is; none where there is no such directory."""
    return [path.stem for path in _team_files(directory)]


class _Reading:
    """Reads files and keeps what is wrong with them, to be told at once."""

    def __init__(self, directory: Path) -> None:
        """Raises ConfigError where `directory` is none."""
        if not directory.is_dir():
            cure = "set CONFIG_DIR to the folder that holds services.yaml"
            raise ConfigError([f"{directory}: is not a directory; {cure}"])
        self._directory = directory
        self.problems: list[str] = []

    def of_all_teams(
        self,
    ) -> tuple[YamlFile[ServicesConfig] | None, YamlFile[DeliverySettings] | None, YamlFile[RecoveryConfig] | None]:
        return (
            self._read(read_services, self._directory / "services.yaml"),
            self._read(read_delivery, self._directory / "delivery.yaml"),
            self._read(read_recovery, self._directory / "recovery.yaml"),
        )

    def escalation(self) -> YamlFile[EscalationSettings] | None:
        """Read when somebody has to be asked: an edition does not wait for it."""
        return self._read(read_escalation, self._directory / "escalation.yaml")

    def records(self) -> YamlFile[RecordSettings] | None:
        return self._read(read_records, self._directory / "records.yaml")

    def monitoring(self) -> YamlFile[MonitoringFile] | None:
        return self._read(read_monitoring, self._directory / "monitoring.yaml")

    def dashboard(self, escalation: YamlFile[EscalationSettings] | None) -> DashboardSettings:
        """Without the file nobody has to sign in: an installation from before there was one has none."""
        path = self._directory / "dashboard.yaml"
        file = self._read(read_dashboard, path) if path.exists() else None
        if file is None:
            return DashboardSettings()
        teams = {team.stem for team in _team_files(self._directory)}
        self.problems += problems_with(file, teams, escalation)
        return file.model

    def team(
        self,
        path: Path,
        delivery: YamlFile[DeliverySettings] | None,
        escalation: YamlFile[EscalationSettings] | None = None,
    ) -> YamlFile[TeamConfig] | None:
        file = self._read(read_team, path)
        if file and delivery:
            self.problems += _too_short_to_deliver(file, delivery.model)
        if file and escalation and (unknown := escalation.model.unknown_policy(file.model.escalation)):
            self.problems.append(file.problem(unknown, "escalation"))
        return file

    def _read(self, read: Callable[[Path], YamlFile[M]], path: Path) -> YamlFile[M] | None:
        try:
            return read(path)
        except ConfigError as wrong:
            self.problems.extend(wrong.problems)
            return None


def _team_files(directory: Path) -> list[Path]:
    return sorted((directory / "teams").glob("*.yaml"))


def _unknown(name: str, known: Collection[str], directory: Path) -> ConfigError:
    has_none = f'the team "{name}" has no file'
    if not known:  # more likely the folder is not there yet, or the wrong one, than that all teams are gone
        return ConfigError([f"{has_none}; write {directory / 'teams' / name}.yaml"])
    return UnknownTeam([f"{has_none}; {did_you_mean(name, known, f'the known ones are {any_of(list(known))}')}"])


def _too_short_to_deliver(file: YamlFile[TeamConfig], delivery: DeliverySettings) -> list[str]:
    reserve = delivery.delivery_reserve
    if file.model.deliver_by > reserve:
        return []
    message = f"leaves no time beside the delivery_reserve of {format_duration(reserve)}; write a longer one"
    return [file.problem(message, "deliver_by")]
