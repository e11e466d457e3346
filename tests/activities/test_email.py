"""Mail on the wire: what arrives, who gets it, what is said of those who do not."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from aiosmtplib import SMTPException
from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.clients.mail import MailClient
from activities.email import EmailActivities
from devsync.contracts.delivery import MailSent, SendMail
from devsync.contracts.notifications import Notice, NoticeLink, Notify, NotifyTarget
from devsync.domain.breaker import Outcome
from devsync.domain.breaker.refusals import CircuitOpen
from devsync.domain.errors import ErrorCategory
from devsync.rendering.mail import MailIdentity
from devsync.runtime.classification import classify
from devsync.settings.environment import Environment
from devsync.settings.mail_server import SmtpAccess
from sandbox.running import run_sandbox
from sandbox.smtp import INBOX, Inbox, Reply
from sandbox.worlds.demo import demo_world
from tests.activities.carried import carried, no_store
from tests.activities.test_gated_calls import WatchedGate, open_standing

IDENTITY = MailIdentity(name="DevSync", address="changelog@acme.dev", unsubscribe="https://acme.dev/unsubscribe?t=1")
ANNA, BEN, CARL = "anna@acme.dev", "ben@acme.dev", "carl@acme.dev"
HTML = carried('<!doctype html><html><body class="page"><p>What shipped ✓</p></body></html>')
DATED = datetime(2026, 11, 23, 8, 0, 5, tzinfo=UTC)


@pytest.fixture
async def access() -> AsyncIterator[tuple[SmtpAccess, Inbox]]:
    async with run_sandbox(demo_world("2026-W47"), services=("smtp",)) as sandbox:
        environment = Environment(smtp_url=SecretStr(sandbox.environment["SMTP_URL"]))
        yield environment.smtp(), sandbox.apps["smtp"][INBOX]


@pytest.fixture
def inbox(access: tuple[SmtpAccess, Inbox]) -> Inbox:
    return access[1]


@pytest.fixture
def email(access: tuple[SmtpAccess, Inbox]) -> EmailActivities:
    client = MailClient(access[0], concurrency=2, read_timeout=timedelta(seconds=1))
    return EmailActivities(client, no_store(), IDENTITY, dashboard="https://a.dev")


def message(*to: str, revision: int = 1, **changes: object) -> SendMail:
    values: dict[str, object] = {
        "team": "payments", "iso_week": "2026-W47", "channel": "email-1", "revision": revision,
        "recipients": (ANNA, BEN, CARL), "to": to or (ANNA, BEN, CARL), "text": carried("Payments\n\nWhat shipped ✓\n"),
        "html": HTML, "dated": DATED,
    }  # fmt: skip
    return SendMail.model_validate(values | changes)


async def send(email: EmailActivities, asked: SendMail) -> MailSent:
    sent: MailSent = await ActivityEnvironment().run(email.send_edition, asked)
    return sent


async def test_a_mail_has_text_first_and_html_last_and_the_headers_of_a_list(
    email: EmailActivities, inbox: Inbox
) -> None:
    sent = await send(email, message())
    (mail,) = inbox.mails
    parsed: EmailMessage = mail.message
    assert (mail.recipients, sent.refused) == ([ANNA, BEN, CARL], {})
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    assert "What shipped ✓" in mail.body("plain")
    assert "What shipped ✓" in mail.body("html")
    assert {name: str(parsed[name]) for name in HEADERS} == HEADERS
    assert sent.message_id == HEADERS["Message-ID"]
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998


HEADERS = {
    "From": "DevSync <changelog@acme.dev>",
    "To": "anna@acme.dev, ben@acme.dev, carl@acme.dev",
    "Subject": "Changelog of payments, 2026-W47",
    "Date": "Mon, 23 Nov 2026 08:00:05 +0000",
    "Message-ID": "<changelog.payments.2026-W47.email-1.r1@acme.dev>",
    "List-Id": "Changelog of payments <payments.changelog.acme.dev>",
    "List-Unsubscribe": "<https://acme.dev/unsubscribe?t=1>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Auto-Submitted": "auto-generated",
    "MIME-Version": "1.0",
}


async def test_a_later_try_sends_the_same_mail_to_the_byte(email: EmailActivities, inbox: Inbox) -> None:
    await send(email, message())
    await send(email, message(BEN))
    first, second = inbox.mails
    assert first.content == second.content
    assert second.recipients == [BEN]


async def test_a_later_revision_follows_in_the_thread_of_the_first(email: EmailActivities, inbox: Inbox) -> None:
    await send(email, message(revision=3))
    parsed = inbox.mails[0].message
    one, two = (f"<changelog.payments.2026-W47.email-1.r{n}@acme.dev>" for n in (1, 2))
    assert (parsed["In-Reply-To"], parsed["References"]) == (two, f"{one} {two}")
    assert parsed["Subject"] == HEADERS["Subject"]


async def test_who_is_refused_is_named_and_the_others_get_it(email: EmailActivities, inbox: Inbox) -> None:
    inbox.replies += [Reply(says="550 5.1.1 unknown", to="ben"), Reply(says="451 4.3.0 busy", to="carl")]
    sent = await send(email, message())
    assert inbox.mails[0].recipients == [ANNA]
    assert {who: (failure.code, failure.is_retryable) for who, failure in sent.refused.items()} == {
        BEN: ("5.1.1", False),
        CARL: ("4.3.0", True),
    }
    assert "@acme.dev" not in sent.refused[BEN].message


async def test_where_all_are_refused_each_is_named(email: EmailActivities, inbox: Inbox) -> None:
    inbox.replies.append(Reply(says="550 5.7.1 no"))
    assert set((await send(email, message())).refused) == {ANNA, BEN, CARL}
    assert inbox.mails == []


@pytest.mark.parametrize(("says", "code", "may_help"), [("451 busy", "451", True), ("554 5.7.1 spam", "5.7.1", False)])
async def test_a_text_that_is_refused_is_a_failure_for_all(
    email: EmailActivities, inbox: Inbox, says: str, code: str, may_help: bool
) -> None:
    inbox.replies.append(Reply(command="DATA", says=says))
    with pytest.raises(SMTPException) as raised:
        await send(email, message())
    failure = classify(raised.value, "email", datetime.now(UTC))
    assert (failure.code, failure.is_retryable, failure.may_have_taken_effect) == (code, may_help, False)


@pytest.mark.parametrize(("says", "seconds"), [("drop", 0), ("250 OK", 1.5)])
async def test_a_text_without_an_answer_may_have_arrived(
    email: EmailActivities, inbox: Inbox, says: str, seconds: float
) -> None:
    inbox.replies.append(Reply(command="DATA", says=says, seconds=seconds))
    with pytest.raises(SMTPException) as raised:
        await send(email, message())
    failure = classify(raised.value, "email", datetime.now(UTC))
    assert (failure.category, failure.may_have_taken_effect) == (ErrorCategory.NETWORK, True)
    assert len(inbox.mails) == 1


async def test_a_wrong_password_names_the_variable(access: tuple[SmtpAccess, Inbox]) -> None:
    wrong = access[0]._replace(password=SecretStr("wrong"))
    client = MailClient(wrong, concurrency=1, read_timeout=timedelta(seconds=1))
    with pytest.raises(SMTPException) as raised:
        await client.send([ANNA], b"Subject: x\r\n\r\nx\r\n", sender=IDENTITY.address)
    failure = classify(raised.value, "email", datetime.now(UTC))
    assert (failure.category, failure.is_retryable) == (ErrorCategory.AUTHENTICATION, False)
    assert "SMTP_URL" in failure.message


async def test_encryption_that_is_required_and_not_offered_sends_nothing(access: tuple[SmtpAccess, Inbox]) -> None:
    client = MailClient(access[0]._replace(must_start_tls=True), concurrency=1, read_timeout=timedelta(seconds=1))
    with pytest.raises(SMTPException) as raised:
        await client.send([ANNA], b"Subject: x\r\n\r\nx\r\n", sender=IDENTITY.address)
    assert classify(raised.value, "email", datetime.now(UTC)).category is ErrorCategory.CONFIGURATION
    assert access[1].transactions == 0


async def test_nobody_listens_and_nothing_was_sent() -> None:
    access = Environment(smtp_url=SecretStr("smtp://localhost:9")).smtp()
    client = MailClient(access, concurrency=1, read_timeout=timedelta(seconds=1))
    with pytest.raises(SMTPException) as raised:
        await client.send([ANNA], b"Subject: x\r\n\r\nx\r\n", sender=IDENTITY.address)
    failure = classify(raised.value, "email", datetime.now(UTC))
    assert (failure.code, failure.may_have_taken_effect) == ("unreachable", False)


async def test_a_mail_that_stands_in_says_so_in_both_forms(email: EmailActivities, inbox: Inbox) -> None:
    await send(email, message(stands_in_for="#payments"))
    said = "This stands in for #payments, which could not be reached in time."
    assert inbox.mails[0].body("plain").startswith(said)
    assert inbox.mails[0].body("html").index(said) > inbox.mails[0].body("html").index("<body")


async def test_a_notice_of_hostile_words_starts_no_header_and_no_tag(email: EmailActivities, inbox: Inbox) -> None:
    notice = Notice(
        title="Down\r\nBcc: everybody@acme.dev\u202e", body="One <script>\n\ntwo", fields={"Since\r\nX: y": "<b>"},
        links=(NoticeLink(label="<i>", url="javascript:alert(1)"), NoticeLink(label="Run", url="/?a&b")),
    )  # fmt: skip
    ask = Notify(key="escalation:1\r\n", target=NotifyTarget(kind="email", target=ANNA), notice=notice, revision=2)
    notified = await ActivityEnvironment().run(email.notify, ask)
    (mail,) = inbox.mails
    parsed = mail.message
    assert (parsed["Subject"], parsed["Bcc"], mail.recipients) == ("Down Bcc: everybody@acme.dev", None, [ANNA])
    assert parsed["Message-ID"] == notified.message_id != parsed["In-Reply-To"]
    html = mail.body("html")
    assert not any(hostile in html for hostile in ("<script", "javascript:", "<b>"))
    assert 'href="https://a.dev/?a&amp;b"' in html
    assert "Run: https://a.dev/?a&b" in mail.body("plain")


async def test_a_notice_spells_services_as_their_owners_do(email: EmailActivities, inbox: Inbox) -> None:
    notice = Notice(title="Alert (high): github: 9 % of 100 calls failed", body="github answered 503")
    ask = Notify(key="alert/1", target=NotifyTarget(kind="email", target=ANNA), notice=notice)
    await ActivityEnvironment().run(email.notify, ask)
    (mail,) = inbox.mails
    spelled = "Alert (high): GitHub: 9 % of 100 calls failed"
    assert mail.message["Subject"] == spelled
    assert mail.body("plain").startswith(spelled)
    assert f'<h1 style="font-size:18px">{spelled}</h1>' in mail.body("html")


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (None, Outcome.SUCCESS),
        (Reply(says="550 5.1.1 unknown"), Outcome.IGNORED),
        (Reply(says="451 4.3.0 ill"), Outcome.FAILURE),
        (Reply(command="DATA", says="drop"), Outcome.FAILURE),
    ],
    ids=["taken", "all refused", "ill", "cut off"],
)
async def test_a_transaction_is_one_call_with_one_outcome(
    access: tuple[SmtpAccess, Inbox], reply: Reply | None, outcome: Outcome
) -> None:
    gate = WatchedGate("email")
    access[1].replies += [reply] if reply else []
    client = MailClient(access[0], concurrency=1, read_timeout=timedelta(seconds=1), gate=gate)
    with suppress(SMTPException):
        await client.send([ANNA, BEN], b"Subject: x\r\n\r\nx\r\n", sender=IDENTITY.address)
    assert gate.outcomes == {outcome: 1}


async def test_an_open_breaker_costs_no_transaction(access: tuple[SmtpAccess, Inbox]) -> None:
    gate = WatchedGate("email")
    gate.learn(open_standing().model_copy(update={"service": "email"}), None)
    client = MailClient(access[0], concurrency=1, read_timeout=timedelta(seconds=1), gate=gate)
    with pytest.raises(CircuitOpen):
        await client.send([ANNA], b"", sender=IDENTITY.address)
    assert access[1].transactions == 0
