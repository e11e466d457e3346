"""Messages to people about the service itself (escalations, approvals, alerts), beside the editions."""

from typing import Self

from devsync.domain.answers import Offer
from devsync.domain.dashboard_pages import address_of
from devsync.domain.model import Model


class NotifyTarget(Model):
    """Somebody who is told: `kind` is the service that reaches them."""

    kind: str
    """`slack`, `email` or `webhook`."""
    target: str
    """`#oncall`, `@anna` or a Slack id; a mail address; an https address."""
    secret_env: str = ""
    """Of a webhook: the variable that holds its signing secret."""


class NoticeLink(Model):
    label: str
    url: str
    """Absolute; or the path of a page of the dashboard, which whoever sends the notice makes so."""


class Notice(Model):
    """What is told, in plain words: each service renders and escapes it in its own form."""

    title: str
    """One line."""
    body: str
    """Plain text; an empty line parts paragraphs."""
    fields: dict[str, str] = {}
    """Short facts: `{"Service": "GitHub", "Since": "09:04 UTC"}`."""
    links: tuple[NoticeLink, ...] = ()
    offers: tuple[Offer, ...] = ()
    """What can be answered at once, where the service has buttons; the body says how else."""
    data: dict[str, str] = {}
    """For programs (webhooks): ids, states."""

    def with_dashboard(self, dashboard: str) -> Self:
        """Its links as people can follow them: to the dashboard at that address; where it is empty, without these."""
        links = [link.model_copy(update={"url": address_of(link.url, dashboard)}) for link in self.links]
        return self.model_copy(update={"links": tuple(link for link in links if link.url)})


class Notify(Model):
    """Tell a target, or change what it was told: input of `slack.notify`, `email.notify`, `webhook.notify`."""

    key: str
    """Stable: the same notice to the same target is one message however often it is sent. It becomes Slack's metadata,
    the mail's Message-ID, the webhook's id."""
    target: NotifyTarget
    notice: Notice
    revision: int = 1
    """Raised when the notice changes: a mail and a webhook are sent again, in the thread of the first."""
    channel_id: str = ""
    message_id: str = ""
    """Slack: set to update this message in place."""
    thread_id: str = ""
    """Slack: post into the thread of this message."""


class Notified(Model):
    channel_id: str = ""
    message_id: str = ""
