"""Messages to people about the service itself (escalations, approvals, alerts), beside the editions."""

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


class Notice(Model):
    """What is told, in plain words: each service renders and escapes it in its own form."""

    title: str
    """One line."""
    body: str
    """Plain text; an empty line parts paragraphs."""
    fields: dict[str, str] = {}
    """Short facts: `{"Service": "GitHub", "Since": "09:04 UTC"}`."""
    links: tuple[NoticeLink, ...] = ()
    data: dict[str, str] = {}
    """For programs (webhooks): ids, states."""


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
