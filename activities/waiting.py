"""Tells runs that wait for a service to look again, since its breaker lets calls out again."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.breaker import Released, ReleaseWaiting, ServiceReleased
from devsync.runtime.open_runs import open_runs

GATES_KNOW_WITHIN: Final = timedelta(seconds=2)
"""Who comes back sooner meets a gate that still refuses (design, section 15, row G)."""
AT_ONCE: Final = 20

_MAY_WAIT: Final = open_runs(names.RECOVERY, names.AMENDMENT, names.DELIVERY)


class WaitingActivities:
    def __init__(self, client: Client) -> None:
        self._client = client

    def all(self) -> list[Callable[..., Any]]:
        return [self.release_waiting]

    @activity.defn(name=contracts.RELEASE_WAITING.name)
    async def release_waiting(self, message: ReleaseWaiting) -> Released:
        """Tells every open recovery, amendment and delivery, since the server does not know which of them wait; the
        others ignore it. Only the service's name goes out: whoever waits asks the gate, which decides."""
        await asyncio.sleep(GATES_KNOW_WITHIN.total_seconds())
        slots = asyncio.Semaphore(AT_ONCE)

        async def tell(workflow_id: str) -> None:
            async with slots:
                try:
                    handle = self._client.get_workflow_handle(workflow_id)
                    await handle.signal("service_released", ServiceReleased(service=message.service))
                except RPCError as error:
                    if error.status is not RPCStatusCode.NOT_FOUND:  # it has ended by now
                        raise

        found = [run.id async for run in self._client.list_workflows(_MAY_WAIT)]
        await asyncio.gather(*map(tell, found))
        return Released(told=len(found))
