"""What an operator decides about a breaker, from the words of the command line to the entity's answer."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import typer
import yaml
from pydantic import ValidationError
from temporalio.client import Client

from commands.breaker.shown import BreakerState, known_service, rules, rules_line, waiting_for
from commands.console import Exit, Told, emit
from devsync.contracts.breaker import Decision
from devsync.domain.breaker import BreakerConfig, refuse_impossible_end
from devsync.runtime.breaker.operations import BreakerOperations, BreakerRefused
from devsync.runtime.connection import connect
from devsync.settings.breaker import BreakerSettings
from devsync.settings.durations import parse_duration
from devsync.settings.environment import read_environment
from devsync.settings.model_errors import first_of
from devsync.settings.problems import did_you_mean
from devsync.settings.services import read_services


async def decide(
    service: str, update: str, decision: Decision, *, as_json: bool, config: BreakerConfig | None = None
) -> Exit:
    """Sends it and prints where the breaker stands then, with the rules where they were sent. Raises Told."""
    known_service(read_environment().config_dir, service)
    try:
        with waiting_for(service):
            standing = await BreakerOperations(await connect()).decide(service, update, decision)
    except BreakerRefused as error:
        raise Told(f"the breaker of {service} refused: {error}") from error
    state = BreakerState(service, standing)
    if as_json:
        emit(state.document() | ({"config": rules(config)} if config else {}))
    else:
        for line in (state.line(), *([rules_line(config)] if config else [])):
            typer.echo(line)
    return Exit.OK


def end_of(text: str, now: datetime | None = None) -> datetime:
    """When a mode is to end: `2h` from now, or a time; without a zone, in that of this machine. Raises Told."""
    now = now or datetime.now(UTC)
    end = _instant(text, now)
    try:
        refuse_impossible_end(end, now)
    except ValueError as error:
        raise Told(f"--until: {error}", Exit.USAGE) from None
    return end


def _instant(text: str, now: datetime) -> datetime:
    with suppress(ValueError, OverflowError):
        return now + parse_duration(text)
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        message = f'--until: "{text}" is neither a duration nor a time; write it like "2h" or "2026-11-30T18:00"'
        raise Told(message, Exit.USAGE) from None


async def rules_with(client: Client, config_dir: Path, service: str, changes: Sequence[str]) -> BreakerConfig:
    """The rules of services.yaml or, with changes, those that the breaker has, changed. Raises Told."""
    from_file = read_services(config_dir / "services.yaml").model.breaker(service)
    if not changes:
        return from_file
    with waiting_for(service):
        running = await BreakerOperations(client).snapshot(service)
    return changed(running.config if running else from_file, changes)


def changed(config: BreakerConfig, changes: Sequence[str]) -> BreakerConfig:
    """The rules with each `name=value`, its value as services.yaml would have it. Raises Told for an impossible one."""
    values = config.model_dump()
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise Told(f'--set "{change}" changes nothing; write it like failure_threshold=5', Exit.USAGE)
        if name not in values:
            cure = did_you_mean(name, values, f"there are {', '.join(values)}")
            raise Told(f'--set: "{name}" is not a rule of a breaker; {cure}', Exit.USAGE)
        try:
            values[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise Told(f'--set "{change}" cannot be read as YAML; write it like {name}=5', Exit.USAGE) from None
    try:
        return BreakerSettings.model_validate(values).config()
    except ValidationError as invalid:
        at, message = first_of(invalid, BreakerSettings)
        raise Told(f"--set {'.'.join(map(str, at))}: {message}", Exit.USAGE) from None
