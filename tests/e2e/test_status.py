"""`status`: what became of a run since it ended; and runs that no worker answers for, which are asked side by side."""

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.client import (
    Client,
    Interceptor,
    ListWorkflowsInput,
    OutboundInterceptor,
    QueryWorkflowInput,
    WorkflowExecutionAsyncIterator,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.worker import Worker

from commands.status import runs_of
from devsync.contracts import names
from devsync.contracts.delivery import DeliveryState
from devsync.runtime.plugin import DevSyncPlugin
from sandbox.smtp import Reply
from tests.e2e.stage import Stage, until_listed
from tests.e2e.test_channels import inbox, with_mail_and_webhook


class _Counting(Interceptor):
    """How many queries are under way at the same time, at most; and which lists were asked for."""

    now = most = 0

    def __init__(self) -> None:
        self.lists: list[str] = []

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

            def list_workflows(self, input: ListWorkflowsInput) -> WorkflowExecutionAsyncIterator:  # noqa: A002
                counting.lists.append(input.query or "")
                return super().list_workflows(input)

        return Outbound(next)

    async def client(self, stage: Stage) -> Client:
        """One whose calls it counts."""
        return await Client.connect(stage.servers.temporal.address, plugins=[DevSyncPlugin()], interceptors=[self])


@workflow.defn(name=names.WEEKLY_CHANGELOG, sandboxed=False)
class Another:
    """An edition of a version whose results are no longer, or not yet, ours."""

    @workflow.run
    async def run(self) -> list[str]:
        return ["complete"]


async def test_a_result_that_cannot_be_read_costs_no_other_its_line(stage: Stage) -> None:
    marks = TypedSearchAttributes([SearchAttributePair(names.TEAM, stage.team)])  # by which it is cleared away
    async with Worker(stage.client, task_queue="another-version", workflows=[Another]):
        another = await stage.client.start_workflow(
            Another.run, id=names.edition_id(stage.team, "2026-W19"), task_queue="another-version",
            search_attributes=marks,
        )  # fmt: skip
        await another.result()
    await stage.until_closed_in_list(another.id)
    shown = {execution.id: state.now for execution, state in await runs_of(stage.client)}
    assert shown[another.id] == "what it says cannot be read: another version made it"


async def test_status_waits_for_an_absent_worker_once_not_once_a_run(stage: Stage) -> None:
    weeks = [f"2026-W{number:02}" for number in range(20, 40)]
    editions = await asyncio.gather(*(stage.start(week) for week in weeks))
    counting = _Counting()
    client = await counting.client(stage)
    ids = {edition.id for edition in editions}
    newest = f"WorkflowType = '{names.WEEKLY_CHANGELOG}' AND ExecutionStatus = 'Running'"
    await until_listed(client, newest, *ids)
    shown = await runs_of(client)
    for edition in editions:  # no worker has marked them with their team, by which they would be cleared away
        await edition.terminate()
    assert {execution.id for execution, _ in shown} == ids
    assert {state.now for _, state in shown} == {"no worker answers"}
    assert counting.most == len(editions)


async def test_of_a_channel_that_was_queued_it_says_where_it_stands_now(stage: Stage) -> None:
    """One list for all of them; what the edition itself had to report stays as it was."""
    with_mail_and_webhook(stage)
    stage.change_team(deliver_by="8s")
    stage.change_delivery(
        delivery_reserve="4s", slack={"retry_schedule": ["1s"] * 60}, email={"retry_schedule": ["1s"] * 60}
    )
    stage.sandbox.pause("slack")
    inbox(stage).replies.append(Reply(says="451 4.3.0 busy"))
    counting = _Counting()
    client = await counting.client(stage)
    async with stage.worker():
        edition = await stage.start()
        result = await edition.result()
        await stage.until_closed_in_list(edition.id)
        queued = await channels_of(client, edition.id)
        stage.sandbox.resume("slack")
        inbox(stage).replies.clear()
        slack, email, webhook = (channel.key for channel in result.channels)
        for key in (slack, email):
            await stage.client.get_workflow_handle(names.delivery_id(stage.team, stage.week, key)).result()
        await stage.until_closed_in_list(*(names.delivery_id(stage.team, stage.week, key) for key in (slack, email)))
    counting.lists.clear()
    delivered = await channels_of(client, edition.id)
    assert [channel.state for channel in result.channels] == [*[DeliveryState.QUEUED] * 2, DeliveryState.DELIVERED]
    assert list(queued.values()) == [(channel.state, channel.message_id) for channel in result.channels]
    assert {key: state for key, (state, _) in delivered.items()} == dict.fromkeys(
        (slack, email, webhook), DeliveryState.DELIVERED
    )
    assert delivered[slack][1] == stage.messages[0].ts
    assert sum("delivery:" in query for query in counting.lists) == 1


async def channels_of(client: Client, edition_id: str) -> dict[str, tuple[DeliveryState, str | None]]:
    (state,) = [state for execution, state in await runs_of(client) if execution.id == edition_id]
    return {channel.key: (channel.state, channel.message_id) for channel in state.channels}
