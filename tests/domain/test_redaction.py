"""Texts that may be written: no secret in them, and not too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.redaction import MESSAGE_LIMIT_BYTES, REDACTED, bounded, redacted

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"

SECRETS = [
    ("token {}", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    ("token {}", "github_pat_11ABCDEFG0123456789_abcdefghijklmnop"),
    ("token {}", "ghs_16C7e42F292c6912E7710c838347Ae178B4a"),
    ("token {}", "xoxb-1234567890-abcdefghij"),
    ("token {}", "xoxe.xoxp-1-Mi0yLTEyMzQ1"),
    ("token {}", "xapp-1-A012-345-abcdef"),
    ("token {}", "ATATT3xFfGF0abcdefghijklmnop=1234ABCD"),
    ("signed with {}", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("jwt {}", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjMifQ.c2lnbmF0dXJl"),
    ("key {}", PEM),
    ("key {}", "-----BEGIN PRIVATE KEY-----\nMIIEow, and cut off"),
    ("cannot reach postgresql://{}@db.acme.dev:5432/devsync", "devsync:pa%40ss"),
    ("posting to https://hooks.slack.com/services/{} failed", "T000/B000/XXXX"),
    ("Authorization: Bearer {}", "abcdef0123456789"),
    ("authorization: Basic {}", "YW5uYTpzZWNyZXQ="),
    ("password={} was wrong", "hunter2"),
    ("GET /cb?token={}&page=2", "abcdef"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_what_looks_like_a_secret_is_taken_out_and_nothing_else(text: str, secret: str) -> None:
    assert redacted(text.format(secret)) == text.format(REDACTED)


@pytest.mark.parametrize(
    "text",
    [
        "jira answered 401 (Basic authentication with passwords is deprecated)",
        "check JIRA_EMAIL and JIRA_API_TOKEN (Cloud) or JIRA_PAT (Data Center)",
        "write postgresql://host:5432/devsync",
        "mail to anna@acme.dev at https://acme.dev/@anna",
        "a bearer of bad news",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redacted(text) == text


def test_a_known_secret_of_any_shape_is_taken_out_and_a_very_short_one_is_no_secret() -> None:
    assert redacted("jira quotes NjY2MDE3Mzk0 to us", ["NjY2MDE3Mzk0", "to"]) == f"jira quotes {REDACTED} to us"


@given(st.text(max_size=2000))
def test_a_message_is_never_too_long_and_a_short_one_is_left_alone(text: str) -> None:
    cut = bounded(text)
    assert len(cut.encode(errors="replace")) <= MESSAGE_LIMIT_BYTES
    assert cut == text or cut.endswith("…")


def test_a_cut_falls_between_characters() -> None:
    assert bounded("ééééé", 8) == "éé…"
