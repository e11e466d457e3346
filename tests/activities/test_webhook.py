"""Webhooks on the wire: signed as Standard Webhooks wants it, to public addresses alone, and no further."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from httpx import TimeoutException
from standardwebhooks import Webhook
from temporalio.testing import ActivityEnvironment

from activities.clients.webhook import WebhookClient, secrets_of, sign
from activities.webhook import WebhookActivities
from devsync.contracts.delivery import SendWebhook, WebhookSent
from devsync.contracts.notifications import Notice, NoticeLink, Notify, NotifyTarget
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.classification import classify
from devsync.runtime.failures.outgoing import AddressForbidden
from devsync.runtime.failures.webhook import WebhookAnswered
from devsync.settings.problems import ConfigError
from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from sandbox.webhook import EVENTS, SECRET, Event
from sandbox.worlds.demo import demo_world
from tests.activities.carried import carried, no_store

VARIABLE = "SANDBOX_WEBHOOK_SECRET"
OTHER = f"whsec_{base64.b64encode(b'the secret that comes next!').decode()}"
DATED = datetime(2026, 11, 23, 8, 0, 5, tzinfo=UTC)


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    monkeypatch.setenv(VARIABLE, SECRET)
    async with run_sandbox(demo_world("2026-W47"), services=("webhook",)) as running:
        yield running


@pytest.fixture
def events(sandbox: Sandbox) -> list[Event]:
    taken: list[Event] = sandbox.apps["webhook"][EVENTS]
    return taken


@pytest.fixture
def allowed() -> str:
    return "localhost"


@pytest.fixture
async def webhook(allowed: str) -> AsyncIterator[WebhookActivities]:
    half = timedelta(seconds=0.5)
    client = WebhookClient(private_hosts=[allowed], concurrency=2, connect_timeout=half, read_timeout=half)
    yield WebhookActivities(client, no_store(), dashboard="https://changelog.acme.dev")
    await client.close()


def message(sandbox: Sandbox, path: str = "/hooks/changelog", **changes: object) -> SendWebhook:
    values: dict[str, object] = {
        "team": "payments", "iso_week": "2026-W47", "channel": "webhook-2", "url": f"{sandbox.urls['webhook']}{path}",
        "secret_env": VARIABLE, "revision": 1, "rendering": carried('{"team": "payments", "items": []}'),
        "dated": DATED,
    }  # fmt: skip
    return SendWebhook.model_validate(values | changes)


async def send(webhook: WebhookActivities, asked: SendWebhook) -> WebhookSent:
    sent: WebhookSent = await ActivityEnvironment().run(webhook.send_edition, asked)
    return sent


async def failed(webhook: WebhookActivities, asked: SendWebhook) -> Failure:
    with pytest.raises((WebhookAnswered, AddressForbidden, ConfigError, TimeoutError)) as raised:
        await send(webhook, asked)
    return classify(raised.value, "webhook", datetime.now(UTC))


async def test_an_event_is_signed_dated_and_has_the_same_id_at_each_try(
    webhook: WebhookActivities, sandbox: Sandbox, events: list[Event]
) -> None:
    for _ in range(2):
        sent = await send(webhook, message(sandbox, stands_in_for="#payments"))
    first, second = events
    assert first.id == second.id == sent.message_id == "changelog_payments_2026-W47_webhook-2_r1"
    assert first.body == second.body == {
        "type": "changelog.published",
        "timestamp": "2026-11-23T08:00:05+00:00",
        "data": {"team": "payments", "items": [], "stands_in_for": "#payments"},
    }  # fmt: skip
    assert (await send(webhook, message(sandbox, revision=2))).message_id != sent.message_id


async def test_while_a_secret_is_replaced_both_sign(
    webhook: WebhookActivities, sandbox: Sandbox, events: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"{OTHER} {SECRET}")
    await send(webhook, message(sandbox))
    monkeypatch.setenv(VARIABLE, OTHER)
    assert (await failed(webhook, message(sandbox))).code == "401"
    assert len(events) == 1


def test_the_signature_is_the_one_of_the_standard() -> None:
    (secret,) = [base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    body = b'{"test": 2432232314}'
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_standards_own_library_verifies_it() -> None:
    now, body = str(int(datetime.now(UTC).timestamp())), json.dumps({"type": "changelog.published"}).encode()
    signature = sign(base64.b64decode(SECRET.removeprefix("whsec_")), "msg_1", now, body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": now, "webhook-signature": f"v1,AAAA {signature}"}
    assert Webhook(SECRET).verify(body.decode(), headers) == {"type": "changelog.published"}


@pytest.mark.parametrize(
    ("status", "category", "may_help", "may_have_arrived"),
    [
        (404, ErrorCategory.DISTRIBUTION, True, False),
        (410, ErrorCategory.CONFIGURATION, False, False),
        (429, ErrorCategory.RATE_LIMITING, True, False),
        (500, ErrorCategory.EXTERNAL_SERVICE, True, True),
        (504, ErrorCategory.EXTERNAL_SERVICE, True, True),
    ],
)
async def test_anything_but_2xx_is_a_failure(
    webhook: WebhookActivities,
    sandbox: Sandbox,
    status: int,
    category: ErrorCategory,
    may_help: bool,
    may_have_arrived: bool,
) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="webhook", status=status))
    failure = await failed(webhook, message(sandbox))
    assert (failure.category, failure.is_retryable) == (category, may_help)
    assert (failure.code, failure.may_have_taken_effect) == (str(status), may_have_arrived)


async def test_the_receiver_says_when_to_come_back(webhook: WebhookActivities, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.RATE_LIMIT, service="webhook", retry_after_seconds=90))
    assert (await failed(webhook, message(sandbox))).retry_after == timedelta(seconds=90)


async def test_a_redirect_is_not_followed(webhook: WebhookActivities, sandbox: Sandbox, events: list[Event]) -> None:
    assert (await failed(webhook, message(sandbox, "/moved/changelog"))).code == "307"
    assert events == []


async def test_an_answer_that_comes_too_late_leaves_open_whether_it_arrived(
    webhook: WebhookActivities, sandbox: Sandbox, events: list[Event]
) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.COMMITTED_TIMEOUT, service="webhook", seconds=2))
    with pytest.raises((TimeoutError, TimeoutException)) as raised:
        await send(webhook, message(sandbox))
    failure = classify(raised.value, "webhook", datetime.now(UTC))
    assert (failure.code, failure.may_have_taken_effect, len(events)) == ("timeout", True, 1)


@pytest.mark.parametrize("allowed", ["elsewhere.intern"])
async def test_a_host_that_resolves_to_an_inside_address_is_refused(
    webhook: WebhookActivities, sandbox: Sandbox, events: list[Event]
) -> None:
    failure = await failed(webhook, message(sandbox))
    assert (failure.category, failure.code, failure.is_retryable) == (
        ErrorCategory.CONFIGURATION, "private_address", False,
    )  # fmt: skip
    assert "OUTGOING_PRIVATE_HOSTS" in failure.message
    assert "127.0.0.1" not in failure.message
    assert events == []


@pytest.mark.parametrize("allowed", ["127.0.0.0/8", "127.0.0.1"])
async def test_a_network_or_an_address_can_be_allowed(
    webhook: WebhookActivities, sandbox: Sandbox, events: list[Event]
) -> None:
    url = f"{sandbox.urls['webhook'].replace('localhost', '127.0.0.1')}/hooks/changelog"
    await send(webhook, message(sandbox, url=url))
    assert len(events) == 1


@pytest.mark.parametrize("written", [None, "", "ghp_token", "whsec_c2hvcnQ=", "whsec_!!"])
def test_a_missing_or_wrong_secret_is_told_with_its_cure_and_not_shown(
    written: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if written is not None:
        monkeypatch.setenv(VARIABLE, written)
    with pytest.raises(ConfigError, match=r"SANDBOX_WEBHOOK_SECRET .*whsec_") as refused:
        secrets_of(VARIABLE)
    assert not written or written not in str(refused.value)


async def test_a_notice_is_an_event_of_its_own(
    webhook: WebhookActivities, sandbox: Sandbox, events: list[Event]
) -> None:
    target = NotifyTarget(kind="webhook", target=f"{sandbox.urls['webhook']}/hooks/oncall", secret_env=VARIABLE)
    page = NoticeLink(label="Open in the dashboard", url="/alerts")
    notice = Notice(title="Down", body="GitHub", data={"level": "1"}, links=(page,))
    ask = Notify(key="escalation:1", target=target, notice=notice)
    notified = await ActivityEnvironment().run(webhook.notify, ask)
    (event,) = events
    assert (event.id, event.hook, event.body["type"]) == (notified.message_id, "oncall", "changelog.notice")
    assert event.body["data"]["data"] == {"level": "1"}
    assert event.body["data"]["links"] == [
        {"label": "Open in the dashboard", "url": "https://changelog.acme.dev/alerts"}
    ]
