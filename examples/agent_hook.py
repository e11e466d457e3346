"""An agent hook whose failures are recovered: a program of its own, which needs the installed `devsync` alone.

    TEMPORAL_ADDRESS=… DATABASE_URL=… python agent_hook.py

Its one event cannot be processed, since the tracker is down; what it said last stands in.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from devsync import ChangelogErrorHandler, DataCollectionError, Fallback

logger = logging.getLogger("agent_hook")


@dataclass
class Event:
    event_type: str
    team_id: str


class AgentHook:
    """In the place of your framework's."""

    async def process_event(self, event: Event) -> Any:
        raise NotImplementedError


class RecoveringHook(AgentHook):
    def __init__(self) -> None:
        self.error_handler = ChangelogErrorHandler()
        self.error_handler.register_fallback_data_source("agent_hook", self.last_known)

    async def execute(self, event: Event) -> Any:
        try:
            async with self.error_handler.performance_monitor("agent_hook_execution", "agent_hook"):
                return await self.process_event(event)
        except DataCollectionError as error:
            context = {
                "service": "agent_hook",
                "operation": "execute",
                "event_type": event.event_type,
                "team_id": event.team_id,
            }
            result = await self.error_handler.handle_error(error, context)
            if not result.success:
                logger.error("agent hook failed: %s", result.message)
                raise
            logger.info("%s; %s old", result.message, result.metadata["age"])
            return result.fallback_data

    async def process_event(self, event: Event) -> Any:
        raise DataCollectionError("the tracker does not answer")

    async def last_known(self) -> Fallback:
        return Fallback({"open_issues": 12}, as_of=datetime.now(UTC) - timedelta(hours=3))


async def main() -> None:
    hook = RecoveringHook()
    found = await hook.execute(Event("issue_opened", team_id="payments"))
    statistics = hook.error_handler.get_performance_statistics()
    print(f"open issues: {found['open_issues']}, after {statistics['average_duration']:.3f} s")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(main())
