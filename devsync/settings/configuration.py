"""The whole of config/, read at once, so that one look tells everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from devsync.contracts import names
from devsync.settings.delivery import DeliverySettings, read_delivery
from devsync.settings.durations import format_duration
from devsync.settings.problems import ConfigError, any_of, did_you_mean
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

    def team(self, name: str) -> TeamConfig:
        """Raises ConfigError naming the known teams."""
        if name in self.teams:
            return self.teams[name]
        if self.teams:
            cure = did_you_mean(name, self.teams, f"the known ones are {any_of(list(self.teams))}")
        else:
            cure = f"write {self.directory / 'teams' / name}.yaml"
        raise ConfigError([f'the team "{name}" has no file; {cure}'])

    def uses(self, service: str) -> bool:
        """Whether a worker has to serve it: our own machine always, a service of others when a team names it."""
        teams = self.teams.values()
        match service:
            case names.GITHUB:
                return any(team.github for team in teams)
            case names.JIRA:
                return any(team.jira for team in teams)
            case names.SLACK:
                return any(channel.kind == "slack" for team in teams for channel in team.channels)
        return service == names.LOCAL


def load_configuration(directory: Path) -> Configuration:
    """Everything below `directory`: services.yaml, delivery.yaml, teams/*.yaml.

    Raises ConfigError with all problems of all files; paths in them begin with `directory` as given.
    """
    if not directory.is_dir():
        raise ConfigError([f"{directory}: is not a directory; set CONFIG_DIR to the folder that holds services.yaml"])
    problems: list[str] = []

    def collect(read: Callable[[Path], YamlFile[M]], path: Path) -> YamlFile[M] | None:
        try:
            return read(path)
        except ConfigError as wrong:
            problems.extend(wrong.problems)
            return None

    services = collect(read_services, directory / "services.yaml")
    delivery = collect(read_delivery, directory / "delivery.yaml")
    team_files = [collect(read_team, path) for path in sorted((directory / "teams").glob("*.yaml"))]
    teams = [file for file in team_files if file]
    for path in sorted((directory / "teams").glob("*.yml")):
        problems.append(f"{path}: is not read; rename it to {path.with_suffix('.yaml').name}")
    if delivery:
        problems.extend(problem for file in teams for problem in _too_short_to_deliver(file, delivery.model))
    if problems or services is None or delivery is None:
        raise ConfigError(problems)
    return Configuration(directory, services.model, delivery.model, {file.model.team: file.model for file in teams})


def _too_short_to_deliver(file: YamlFile[TeamConfig], delivery: DeliverySettings) -> list[str]:
    reserve = delivery.delivery_reserve
    if file.model.deliver_by > reserve:
        return []
    message = f"leaves no time beside the delivery_reserve of {format_duration(reserve)}; write a longer one"
    return [file.problem(message, "deliver_by")]
