"""Mails to the byte: one of an edition, one of a notice; made of the same values at each try, each is the same mail.

Text from outside can start no header: what stands in one is a single clean line, and `EmailMessage` refuses others.
"""

from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256

from devsync.domain.model import Model
from devsync.rendering.escape import one_line
from devsync.rendering.stand_in import in_html, in_text

# Headers alone: a longer one is folded as RFC 2047 would, which must not happen to a Message-ID. RFC 5322 allows 998.
_WHOLE_HEADERS = SMTP.clone(max_line_length=998)

_REFERENCES = 10
_SUBJECT_CHARACTERS = 200


class MailIdentity(Model):
    """Who writes, and how a reader gets rid of it."""

    name: str
    address: str
    unsubscribe: str = ""
    """`https://…` for one click (RFC 8058), or `mailto:…`; empty: a mail to the sender."""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def edition_message_id(team: str, iso_week: str, channel: str, revision: int, domain: str) -> str:
    """The same for each try and each recipient, so that a repetition is known as one."""
    return f"<changelog.{team}.{iso_week}.{channel}.r{revision}@{domain}>"


def edition_mail(
    identity: MailIdentity,
    *,
    team: str,
    iso_week: str,
    channel: str,
    revision: int,
    recipients: Sequence[str],
    text: str,
    html: str | None,
    dated: datetime,
    stands_in_for: str = "",
) -> bytes:
    """One revision for a team's readers; later ones follow the first in its thread."""
    ids = [edition_message_id(team, iso_week, channel, number, identity.domain) for number in range(1, revision + 1)]
    mail = _mail(identity, recipients, subject=f"Changelog of {team}, {iso_week}", dated=dated, ids=ids)
    mail["List-Id"] = f"Changelog of {team} <{team}.changelog.{identity.domain}>"
    unsubscribe = identity.unsubscribe or f"mailto:{identity.address}?subject=unsubscribe%20{team}"
    mail["List-Unsubscribe"] = f"<{unsubscribe}>"
    if unsubscribe.startswith("https://"):
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return _written(mail, in_text(text, stands_in_for), html and in_html(html, stands_in_for))


def notice_message_id(key: str, revision: int, domain: str) -> str:
    """The key may be anything; its digest is fit for a header."""
    return f"<notice.{sha256(key.encode()).hexdigest()[:32]}.r{revision}@{domain}>"


def notice_mail(
    identity: MailIdentity,
    *,
    key: str,
    revision: int,
    recipient: str,
    title: str,
    text: str,
    html: str,
    dated: datetime,
) -> bytes:
    """A notice about the service itself to one person; its changes follow in the thread of the first."""
    ids = [notice_message_id(key, number, identity.domain) for number in range(1, revision + 1)]
    return _written(_mail(identity, [recipient], subject=title, dated=dated, ids=ids), text, html)


def _mail(
    identity: MailIdentity, recipients: Sequence[str], *, subject: str, dated: datetime, ids: Sequence[str]
) -> EmailMessage:
    *earlier, message_id = ids
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(display_name=one_line(identity.name), addr_spec=identity.address)
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = one_line(subject)[:_SUBJECT_CHARACTERS]
    mail["Date"] = format_datetime(dated)
    mail["Message-ID"] = message_id
    if earlier:
        mail["In-Reply-To"] = earlier[-1]
        mail["References"] = " ".join([earlier[0], *earlier[1:][-_REFERENCES:]])
    mail["Auto-Submitted"] = "auto-generated"
    return mail


def _written(mail: EmailMessage, text: str, html: str | None) -> bytes:
    # Quoted-printable: no line is longer than 76 characters, whatever the text.
    mail.set_content(text, cte="quoted-printable")
    if html:
        mail.add_alternative(html, subtype="html", cte="quoted-printable")
        # Not a random one: a repetition is the same mail to the byte.
        mail.set_boundary(f"=_{sha256((mail['Message-ID'] + html).encode()).hexdigest()[:32]}")
    return mail.as_bytes(policy=_WHOLE_HEADERS)
