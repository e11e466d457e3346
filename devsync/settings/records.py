"""config/records.yaml: how long records are kept, and what is kept whatever its age."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, model_validator

from devsync.domain.model import Model
from devsync.settings.durations import Duration, format_duration
from devsync.settings.problems import problem_at
from devsync.settings.yaml_file import YamlFile, read_yaml

SHORTEST: Final = timedelta(days=30)
"""Records follow for up to seven days, amendments come days after an edition: nothing younger is done with."""
EVERYTHING: Final = "*"


def _long_enough(kept: timedelta) -> timedelta:
    if kept < SHORTEST:
        raise ValueError(f'"{format_duration(kept)}" is too short; write {format_duration(SHORTEST)} or more')
    return kept


def _interval(every: timedelta) -> timedelta:
    if not timedelta(minutes=5) <= every <= timedelta(days=1):
        raise ValueError(f'"{format_duration(every)}" is not between 5m and 1d; write 1h')
    return every


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty; say which, and why")
    return value


Kept = Annotated[Duration, AfterValidator(_long_enough)]
Text = Annotated[str, AfterValidator(_text)]


class Keep(Model):
    """For how long what is kept."""

    collected: Kept = timedelta(days=60)
    """What sources have answered, and what is remembered of it; what an edition on record refers to stays."""
    editions: Kept = timedelta(days=1825)
    """Editions with their renderings, runs, deliveries. Who contributed to none of those left counts as new."""
    errors: Kept = timedelta(days=90)
    """Failed attempts, for statistics."""
    operations: Kept = timedelta(days=400)
    """Recoveries with their steps, escalations with their events, what happened to breakers, alerts, what
    the monitor saw."""
    audit: Kept = timedelta(days=1825)
    """Entries of the audit; not shorter than errors and operations, which are held against it."""

    @model_validator(mode="after")
    def _audit_outlives(self) -> Self:
        for name in ("errors", "operations"):
            if self.audit < getattr(self, name):
                message = f"is shorter than {name}: {format_duration(getattr(self, name))}; write as much or more"
                raise problem_at(message, "audit")
        return self

    def by_name(self) -> dict[str, timedelta]:
        """The times, by the names of their fields."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class LegalHold(Model):
    """Keeps everything of a team."""

    team: Text
    """Its name, also one that has no file any more; `"*"` holds everything."""
    reason: Text
    """Who asked for it, and why."""


class RecordSettings(Model):
    """config/records.yaml."""

    anchor_every: Annotated[Duration, AfterValidator(_interval)] = timedelta(hours=1)
    """How often the audit's heads are noted, and what is too old is removed; from 5m to 1d."""
    keep: Keep = Keep()
    """For how long."""
    legal_holds: tuple[LegalHold, ...] = ()
    """What is kept whatever its age."""

    def is_held(self, team: str) -> bool:
        """Whether nothing of the team may be removed."""
        return any(hold.team in (team, EVERYTHING) for hold in self.legal_holds)


def read_records(path: Path) -> YamlFile[RecordSettings]:
    """Raises ConfigError with every problem of the file."""
    return read_yaml(path, RecordSettings)
