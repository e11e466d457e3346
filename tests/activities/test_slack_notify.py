"""`slack.notify` against the stand-in: a message of its own, changed in place, notes in its thread, to people too."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.clients.slack import SlackClient
from activities.slack import SlackActivities
from devsync.contracts.notifications import Notice, NoticeLink, Notified, Notify, NotifyTarget
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from sandbox.running import Sandbox, run_sandbox
from sandbox.slack import WORKSPACE, Message, Workspace
from sandbox.worlds.demo import demo_world

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NOTICE = Notice(
    title="Decision needed: github answered 503 <!channel>",
    body="github answered 503\n\nretry: run it again\nskip: go on *without*",
    fields={"State": "firing", "Next": "<@U1> is asked"},
    links=(NoticeLink(label="The run", url="https://temporal.acme.dev/x?a=1&b=2"),),
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world("2026-W47"), services=("slack",)) as running:
        yield running


@pytest.fixture
def workspace(sandbox: Sandbox) -> Workspace:
    workspace: Workspace = sandbox.apps["slack"][WORKSPACE]
    return workspace


@pytest.fixture
async def slack(sandbox: Sandbox) -> AsyncIterator[SlackActivities]:
    client = SlackClient(
        base_url=f"{sandbox.slack_url}/api/",
        token=sandbox.credentials.slack_bot_token,
        concurrency=1,
        read_timeout=timedelta(seconds=5),
    )
    yield SlackActivities(client, ArtifactStore(Database("postgresql://nobody@127.0.0.1:1/nowhere")))
    await client.close()


async def told(slack: SlackActivities, target: str = "#oncall", **more: Any) -> Notified:
    values: dict[str, Any] = {"key": "k", "notice": NOTICE} | more
    message = Notify(target=NotifyTarget(kind="slack", target=target), **values)
    answer: Notified = await ActivityEnvironment().run(slack.notify, message)
    return answer


def only(workspace: Workspace, channel: str = "oncall") -> Message:
    (message,) = workspace.channel_named(channel).top_level()
    return message


async def test_a_notice_is_posted_with_its_key_and_changed_in_place(
    slack: SlackActivities, workspace: Workspace
) -> None:
    posted = await told(slack)
    message = only(workspace)
    assert message.metadata == {"event_type": "devsync_changelog", "event_payload": {"key": "k"}}
    assert await slack._client.find("#oncall", "k", LONG_AGO) == (posted.channel_id, posted.message_id)
    over = NOTICE.model_copy(update={"title": "Resolved"})
    again = await told(slack, notice=over, channel_id=posted.channel_id, message_id=posted.message_id)
    assert again == posted
    assert only(workspace).text == "Resolved"


async def test_a_note_stands_in_the_thread(slack: SlackActivities, workspace: Workspace) -> None:
    posted = await told(slack)
    note = Notice(title="Now asked: executive", body="")
    await told(slack, key="k2", notice=note, channel_id=posted.channel_id, thread_id=posted.message_id)
    (reply,) = workspace.channel(posted.channel_id).replies(posted.message_id)
    assert (reply.text, reply.blocks) == ("Now asked: executive", [])


async def test_text_from_outside_changes_nothing(slack: SlackActivities, workspace: Workspace) -> None:
    await told(slack)
    message = only(workspace)
    said = str(message.blocks) + message.text
    assert "<!channel>" not in said
    assert "<@U1>" not in said
    assert "&lt;!channel&gt;" in message.text
    assert "<https://temporal.acme.dev/x?a=1&amp;b=2|The run>" in said


@pytest.mark.parametrize("by_name", [True, False])
async def test_a_person_gets_a_direct_message(slack: SlackActivities, workspace: Workspace, by_name: bool) -> None:
    user_id, person = next((user, one) for user, one in workspace.people.items() if not one.is_bot)
    await told(slack, f"@{person.login}" if by_name else user_id)
    (message,) = workspace.direct_channel(user_id).top_level()
    assert message.text.startswith("Decision needed")


async def test_nobody_of_that_name_is_said_so(slack: SlackActivities) -> None:
    with pytest.raises(Exception, match="slack has no person @nobody"):
        await told(slack, "@nobody")


async def test_a_notice_as_large_as_it_gets_is_taken(slack: SlackActivities, workspace: Workspace) -> None:
    huge = Notice(
        title='"' * 5_000,
        body="\n\n".join(["<" * 20_000] * 99),
        fields={f"n{number}": "&" * 900 for number in range(40)},
    )
    await told(slack, notice=huge)
    assert only(workspace).blocks


@pytest.mark.parametrize(
    ("dashboard", "shown"),
    [
        ("https://changelog.acme.dev", "<https://changelog.acme.dev/alerts?a=1&amp;b=2|Open in the dashboard>  ·  <"),
        ("", "<https://temporal.acme.dev"),
    ],
)
async def test_a_page_of_the_dashboard_is_linked_where_there_is_one(
    slack: SlackActivities, workspace: Workspace, dashboard: str, shown: str
) -> None:
    page = NoticeLink(label="Open in the dashboard", url="/alerts?a=1&b=2")
    activities = SlackActivities(slack._client, slack._store, dashboard=dashboard)
    await told(activities, notice=NOTICE.model_copy(update={"links": (page, *NOTICE.links)}))
    (*_, links) = only(workspace).blocks
    assert links["elements"][0]["text"].startswith(shown)
