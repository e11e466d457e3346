"""Alike failures have one fingerprint, others have another."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.fingerprint import fingerprint, parameterised

VALUES = [
    ("url", "https://api.github.com/repos/acme/api?page=2"),
    ("url", "postgresql://db.acme.dev:5432/devsync"),
    ("email", "anna.k+team@acme-corp.dev"),
    ("quoted", '"PAY\'s name"'),
    ("quoted", "'no such field'"),
    ("quoted", "`bad column`"),
    ("time", "2026-11-23T09:00:00Z"),
    ("time", "2026-11-23 09:00:00.123+01:00"),
    ("time", "2026-11-23"),
    ("time", "Mon, 23 Nov 2026 09:02:00 GMT"),
    ("week", "2026-W47"),
    ("trace", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("uuid", "7d444840-9dc0-11d1-b245-5ffdce74fad2"),
    ("ip", "127.0.0.1"),
    ("ip", "10.0.0.17:5432"),
    ("ip", "2001:db8::ff00:42:8329"),
    ("host", "db.acme.dev:5432"),
    ("host", "localhost:7233"),
    ("path", "/repos/acme/ledger/pulls"),
    ("path", "/var/lib/devsync/"),
    ("name", "acme/payments-api"),
    ("name", "config/teams/payments.yaml"),
    ("channel", "#payments-backup"),
    ("hex", "9fceb02"),
    ("hex", "9fceb02d0ae598e95dc970b74767f19372d61af8"),
    ("hex", "d41d8cd98f00b204e9800998ecf8427e"),
    ("hex", "0xDEADBEEF"),
    ("key", "PAY-1234"),
    ("id", "C012AB3CD4E"),
    ("duration", "15m"),
    ("duration", "2.5s"),
    ("n", "42"),
    ("n", "-3.75"),
    ("n", "1,234"),
    ("n", "6.02e23"),
]


@pytest.mark.parametrize(("kind", "value"), VALUES)
@pytest.mark.parametrize("around", ["{}", "it was {} again", "({})", "value={}, and more", "at {}: refused"])
def test_a_value_gives_way_to_its_kind_wherever_it_stands(kind: str, value: str, around: str) -> None:
    assert parameterised(around.format(value)) == around.format(f"<{kind}>")


@pytest.mark.parametrize(
    "words",
    [
        "github cannot be reached (ConnectTimeout)",
        "slack answered channel_not_found; invite the app to the channel, or correct the team file",
        "it's not Anna's, don't ask",
        "check GITHUB_API_URL and sha256 in UTF8",
        "a facade of deadbeef and the decade",
    ],
)
def test_words_are_no_values(words: str) -> None:
    assert parameterised(words) == words


def test_alike_failures_are_one_group() -> None:
    def of(message: str) -> str:
        return fingerprint("data_collection", "github", "collect_repository", message, code="404")

    assert of("github answered 404 to GET /repos/acme/ledger/pulls") == of(
        "github answered 404 to GET /repos/x/y/pulls"
    )
    assert of('no branch "main" at 9fceb02') == of('no branch "trunk" at 1a2b3c4')


def test_category_service_operation_and_status_tell_groups_apart() -> None:
    base = fingerprint("external_service", "github", "collect_repository", "github answered 503", code="503")
    others = [
        fingerprint("network", "github", "collect_repository", "github answered 503", code="503"),
        fingerprint("external_service", "jira", "collect_repository", "github answered 503", code="503"),
        fingerprint("external_service", "github", "probe", "github answered 503", code="503"),
        fingerprint("external_service", "github", "collect_repository", "github answered 500", code="500"),
    ]
    assert len({base, *others}) == 5


def test_a_fingerprint_is_the_same_in_every_process_and_version() -> None:
    assert fingerprint("network", "jira", "collect_project", "jira did not answer in time") == "fdb28fb8239c5061"


@given(st.integers(), st.text(string.ascii_lowercase, min_size=1, max_size=12))
def test_numbers_and_quoted_names_never_matter(number: int, name: str) -> None:
    assert parameterised(f'"{name}" failed {number} times') == "<quoted> failed <n> times"


@given(st.text(max_size=300))
def test_any_text_has_a_fingerprint(text: str) -> None:
    assert len(fingerprint("system", "local", "plan", text)) == 16


@given(st.text("aA0./:-_#@\"' ", max_size=1500))
def test_no_text_takes_long(text: str) -> None:
    assert len(parameterised(text)) <= 10_000
