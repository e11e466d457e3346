"""`status` on runs that no worker answers for: they are asked side by side."""

import asyncio
from typing import Any

from temporalio.client import Client, Interceptor, OutboundInterceptor, QueryWorkflowInput

from commands.status import runs_of
from devsync.contracts import names
from devsync.runtime.plugin import DevSyncPlugin
from tests.e2e.stage import Stage, eventually


class _Counting(Interceptor):
    """How many queries are under way at the same time, at most."""

    now = most = 0

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        counting = self

        class Outbound(OutboundInterceptor):
            async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002
                counting.now += 1
                counting.most = max(counting.most, counting.now)
                try:
                    return await super().query_workflow(input)
                finally:
                    counting.now -= 1

        return Outbound(next)


async def test_status_waits_for_an_absent_worker_once_not_once_a_run(stage: Stage) -> None:
    weeks = [f"2026-W{number:02}" for number in range(20, 40)]
    editions = await asyncio.gather(*(stage.start(week) for week in weeks))
    counting = _Counting()
    address = stage.servers.temporal.address
    client = await Client.connect(address, plugins=[DevSyncPlugin()], interceptors=[counting])
    ids = {edition.id for edition in editions}

    async def are_listed() -> bool:
        newest = f"WorkflowType = '{names.WEEKLY_CHANGELOG}' AND ExecutionStatus = 'Running'"
        return ids <= {execution.id async for execution in client.list_workflows(newest)}

    await eventually(are_listed)
    shown = await runs_of(client)
    for edition in editions:  # no worker has marked them with their team, by which they would be cleared away
        await edition.terminate()
    assert {execution.id for execution, _ in shown} == ids
    assert {state.now for _, state in shown} == {"no worker answers"}
    assert counting.most == len(editions)
