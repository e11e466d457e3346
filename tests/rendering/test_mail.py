"""A mail's bytes: nothing from outside starts a header, and no line is longer than a server takes."""

from datetime import UTC, datetime
from email import message_from_bytes, policy

from hypothesis import given

from devsync.rendering.mail import MailIdentity, edition_mail, notice_mail
from devsync.rendering.stand_in import in_blocks
from tests.rendering.inputs import hostile_text

IDENTITY = MailIdentity(name="DevSync", address="changelog@acme.dev")
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
OURS = {
    "from", "to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted", "mime-version",
    "content-type", "content-transfer-encoding",
}  # fmt: skip


@given(hostile_text)
def test_hostile_words_start_no_header_and_no_long_line(words: str) -> None:
    content = notice_mail(
        IDENTITY, key=words, revision=3, recipient="anna@acme.dev", title=words, text=f"{words}\n", html=words, dated=AT
    )
    mail = message_from_bytes(content, policy=policy.default)
    assert {name.lower() for name in mail} <= OURS
    assert mail["To"] == "anna@acme.dev"
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_without_an_address_for_one_click_a_reader_writes_to_unsubscribe() -> None:
    mail = message_from_bytes(_edition("Wort für Wort\n" * 3), policy=policy.default)
    assert mail["List-Unsubscribe"] == "<mailto:changelog@acme.dev?subject=unsubscribe%20payments>"
    assert mail["List-Unsubscribe-Post"] is None


def test_many_readers_and_many_revisions_leave_each_id_whole() -> None:
    readers = [f"reader-{number}@acme.dev" for number in range(200)]
    mail = message_from_bytes(_edition("x", readers, revision=30), policy=policy.default)
    references = str(mail["References"]).split()
    assert (references[0], references[-1]) == (_id(1), _id(29))
    assert len(references) == 11
    assert str(mail["To"]).count("@") == 200
    assert b"=?" not in _edition("x", readers, revision=30).split(b"\r\n\r\n")[0]


def test_a_line_of_a_megabyte_is_wrapped() -> None:
    content = _edition("x" * 1_000_000)
    assert max(map(len, content.split(b"\r\n"))) <= 998
    body = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert body is not None
    assert str(body.get_content()).strip() == "x" * 1_000_000


def test_a_slack_message_that_stands_in_says_so_below_its_header() -> None:
    header, section = {"type": "header"}, {"type": "section"}
    first, said, last = in_blocks([header, section], "#pay<!channel>")
    assert (first, last) == (header, section)
    assert "<!" not in said["elements"][0]["text"]
    assert in_blocks([header, section], "") == [header, section]


def _id(revision: int) -> str:
    return f"<changelog.payments.2026-W47.email-1.r{revision}@acme.dev>"


def _edition(text: str, recipients: list[str] | None = None, revision: int = 1) -> bytes:
    return edition_mail(
        IDENTITY, team="payments", iso_week="2026-W47", channel="email-1", revision=revision,
        recipients=recipients or ["anna@acme.dev"], text=text, html="<p>x</p>", dated=AT,
    )  # fmt: skip
