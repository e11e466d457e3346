"""What a Delivery, and a notice, ask of the mail server."""

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

from temporalio import activity

from activities.clients.mail import MailClient
from devsync.contracts import names
from devsync.contracts.activities import NOTIFY_EMAIL, SEND_MAIL
from devsync.contracts.delivery import MailSent, SendMail
from devsync.contracts.notifications import Notice, Notified, Notify
from devsync.domain.spelling import spelled
from devsync.rendering.escape import one_line
from devsync.rendering.mail import (
    MailIdentity,
    edition_mail,
    edition_message_id,
    notice_mail,
    notice_message_id,
)
from devsync.runtime.classification import classify
from devsync.storage.artifacts import ArtifactStore


class EmailActivities:
    """A mail is sent once a try; the workflow repeats it, with the same Message-ID, to whom it has not reached."""

    def __init__(
        self, client: MailClient, store: ArtifactStore, identity: MailIdentity, *, dashboard: str = ""
    ) -> None:
        """`dashboard`: where people reach it; empty: notices do not lead there."""
        self._client = client
        self._store = store
        self._identity = identity
        self._dashboard = dashboard

    def all(self) -> list[Callable[..., Any]]:
        return [self.send_edition, self.notify]

    @activity.defn(name=SEND_MAIL.name)
    async def send_edition(self, message: SendMail) -> MailSent:
        """Mails a revision to all of `to` in one transaction, and tells whom the server refused; raises where it did
        not come to that, or where the server did not take the text."""
        mail = edition_mail(
            self._identity,
            team=message.team,
            iso_week=message.iso_week,
            channel=message.channel,
            revision=message.revision,
            recipients=message.recipients,
            text=(await self._store.get(message.text)).decode(),
            html=(await self._store.get(message.html)).decode() if message.html else None,
            dated=message.dated,
            stands_in_for=message.stands_in_for,
        )
        refused = await self._client.send(message.to, mail, sender=self._identity.address)
        now = datetime.now(UTC)
        return MailSent(
            message_id=edition_message_id(
                message.team, message.iso_week, message.channel, message.revision, self._identity.domain
            ),
            refused={address: classify(refusal, names.EMAIL, now) for address, refusal in refused.items()},
        )

    @activity.defn(name=NOTIFY_EMAIL.name)
    async def notify(self, message: Notify) -> Notified:
        """Mails a notice; a later revision of it is a mail of its own in the thread of the first."""
        recipient, notice = message.target.target, message.notice.with_dashboard(self._dashboard)
        mail = notice_mail(
            self._identity,
            key=message.key,
            revision=message.revision,
            recipient=recipient,
            title=_title(notice),
            text=_text(notice),
            html=_html(notice),
            # The time of the first attempt: each one sends the same mail.
            dated=activity.info().scheduled_time,
        )
        refused = await self._client.send([recipient], mail, sender=self._identity.address)
        if refused:
            raise refused[recipient]
        return Notified(message_id=notice_message_id(message.key, message.revision, self._identity.domain))


def _title(notice: Notice) -> str:
    return spelled(one_line(notice.title))


def _text(notice: Notice) -> str:
    facts = [f"{one_line(name)}: {one_line(value)}" for name, value in notice.fields.items()]
    links = [f"{one_line(link.label)}: {one_line(link.url)}" for link in notice.links]
    blocks = [_title(notice), *_paragraphs(notice), "\n".join(facts), "\n".join(links)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _html(notice: Notice) -> str:
    """Plain: a table of the facts between the words and the links. Only web addresses become links."""
    words = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in _paragraphs(notice))
    facts = "".join(
        f"<tr><th align=left>{escape(one_line(name))}</th><td>{escape(one_line(value))}</td></tr>"
        for name, value in notice.fields.items()
    )
    links = "".join(
        f'<p><a href="{escape(link.url)}">{escape(one_line(link.label))}</a></p>'
        for link in notice.links
        if link.url.startswith(("https://", "http://"))
    )
    title = escape(_title(notice))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f'<body style="font:15px sans-serif"><h1 style="font-size:18px">{title}</h1>{words}'
        f"{f'<table>{facts}</table>' if facts else ''}{links}</body></html>\n"
    )


def _paragraphs(notice: Notice) -> list[str]:
    return [one_line(paragraph, limit=4000) for paragraph in notice.body.split("\n\n") if paragraph.strip()]
