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
    ("pushed with {}", "glpat-abcdefghij0123456789"),
    ("aws {} was found", "AKIAIOSFODNN7EXAMPLE"),
    ("npm {}", "npm_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("calendar.google.com/calendar/ical/anna/private-{}/basic.ics", "0123456789abcdef0123456789abcdef"),
    ("posting to https://hooks.slack.com/triggers/{} failed", "T000/123/XXXX"),
    ('answered {{"error": "no", "access_token": "{}"}}', "abcdef"),
    ('answered {{"client_secret":"{}","id":1}}', "hunter 2"),
    ("X-Api-Key: {}", "abcdef0123456789"),
    ("Set-Cookie: {}", "session=abcdef; Path=/; HttpOnly"),
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
        "token: create a fine-grained one; secret: keep it",
        "a private-repository and its cookies: a recipe",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redacted(text) == text


def test_a_known_secret_of_any_shape_is_taken_out_and_a_very_short_one_is_no_secret() -> None:
    assert redacted("jira quotes NjY2MDE3Mzk0 to us", ["NjY2MDE3Mzk0", "to"]) == f"jira quotes {REDACTED} to us"


WORDS = st.text(alphabet=st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=60)


@given(WORDS, st.sampled_from(SECRETS), WORDS, st.sampled_from(SECRETS))
def test_no_secret_is_left_whatever_stands_around_it(
    before: str, first: tuple[str, str], between: str, second: tuple[str, str]
) -> None:
    text = f"{before} {first[0].format(first[1])} {between} {second[0].format(second[1])}"
    cleaned = redacted(text)
    for _, secret in (first, second):
        if len(secret) > 12:  # a shorter one may stand in the words by chance
            assert secret not in cleaned
    assert redacted(cleaned) == cleaned, "what is clean stays as it is"


@given(WORDS, st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=6, max_size=60), WORDS)
def test_a_known_secret_is_never_left(before: str, secret: str, after: str) -> None:
    cleaned = redacted(f"{before}{secret}{after}", [secret])
    assert secret not in cleaned.replace(REDACTED, "") or secret in before + after


def test_of_a_secret_that_begins_with_another_nothing_is_left() -> None:
    assert redacted("it is hunter2-and-more", ["hunter2", "hunter2-and-more"]) == f"it is {REDACTED}"


@given(st.text(max_size=2000))
def test_a_message_is_never_too_long_and_a_short_one_is_left_alone(text: str) -> None:
    cut = bounded(text)
    assert len(cut.encode(errors="replace")) <= MESSAGE_LIMIT_BYTES
    assert cut == text or cut.endswith("…")


def test_half_a_character_is_none_that_a_message_could_carry() -> None:
    assert bounded("a \ud800 b") == "a ? b"


def test_a_cut_falls_between_characters() -> None:
    assert bounded("ééééé", 8) == "éé…"
