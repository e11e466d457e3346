"""What a breaker's entity needs of the outside: its rules from config/, and its events written down."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from temporalio import activity

from devsync.contracts import activities as contracts
from devsync.contracts.breaker import BreakerSettingsRead, ReadBreakerSettings, RecordBreaker
from devsync.contracts.edition import Recorded
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.activity_errors import to_application_error
from devsync.settings.problems import ConfigError
from devsync.settings.services import read_services
from devsync.storage.breakers import BreakerTransitions


class BreakerActivities:
    def __init__(self, config_dir: Path, transitions: BreakerTransitions) -> None:
        self._config_dir = config_dir
        self._transitions = transitions

    def all(self) -> list[Callable[..., Any]]:
        return [self.breaker_settings, self.record_breaker]

    @activity.defn(name=contracts.BREAKER_SETTINGS.name)
    async def breaker_settings(self, message: ReadBreakerSettings) -> BreakerSettingsRead:
        """The service's rules. A file that is wrong is read again until somebody mends it; a service that is not in
        it has no breaker, for good."""
        try:
            services = (await asyncio.to_thread(read_services, self._config_dir / "services.yaml")).model
        except ConfigError as error:
            wrong = Failure(category=ErrorCategory.CONFIGURATION, message=str(error), is_retryable=True)
            raise to_application_error(wrong, None) from None
        try:
            return BreakerSettingsRead(config=services.breaker(message.service))
        except ConfigError as error:
            unknown = Failure(category=ErrorCategory.CONFIGURATION, message=str(error), is_retryable=False)
            raise to_application_error(unknown, None) from None

    @activity.defn(name=contracts.RECORD_BREAKER.name)
    async def record_breaker(self, message: RecordBreaker) -> Recorded:
        """Writes what is not there yet."""
        await self._transitions.write(message.service, message.entity, message.first_number, message.transitions)
        return Recorded()
