"""Which week a schedule's firing means: read from the team's file at that moment, never by the workflow."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from temporalio import activity

from devsync.contracts import activities as contracts
from devsync.contracts.due import DueWeek, FindDueWeek
from devsync.domain.changelog.window import last_week_ended_by
from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.activity_errors import to_application_error
from devsync.settings.configuration import UnknownTeam, load_team
from devsync.settings.problems import ConfigError


class DueActivities:
    def __init__(self, config_dir: Path) -> None:
        self._config_dir = config_dir

    def all(self) -> list[Callable[..., Any]]:
        return [self.find_due_week]

    @activity.defn(name=contracts.FIND_DUE_WEEK.name)
    async def find_due_week(self, message: FindDueWeek) -> DueWeek:
        """The last ISO week that had ended for the team when its schedule meant to fire.

        A file that is wrong is read again until somebody mends it; a team without a file is gone for good.
        """
        try:
            team = (await asyncio.to_thread(load_team, self._config_dir, message.team)).team
        except UnknownTeam as error:
            cure = f"{error}; to stop its schedule: python starter.py schedule delete {message.team}"
            raise to_application_error(_wrong(cure, is_retryable=False), None) from None
        except ConfigError as error:
            raise to_application_error(_wrong(str(error), is_retryable=True), None) from None
        return DueWeek(
            iso_week=last_week_ended_by(message.scheduled_at, team.timezone),
            **({"jitter": team.schedule.jitter} if team.schedule else {}),
        )


def _wrong(message: str, *, is_retryable: bool) -> Failure:
    return Failure(
        category=ErrorCategory.CONFIGURATION,
        message=message,
        is_retryable=is_retryable,
        code="configuration",
        severity=ErrorSeverity.HIGH,
    )
