"""Dates, counts and lists as a reader expects them."""

from datetime import UTC, datetime

import pytest

from devsync.domain.changelog.edition import Section
from devsync.domain.changelog.window import Window, week_window
from devsync.domain.errors import ErrorCategory
from devsync.rendering.wording import SECTION_WORDS, counted, day, listed, moment, period, unit_name, why_missing


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (week_window("2026-W46", "Europe/Berlin"), "9–15 November 2026"),
        (week_window("2026-W49", "Asia/Tokyo"), "30 November – 6 December 2026"),
        (week_window("2026-W53", "America/New_York"), "28 December 2026 – 3 January 2027"),
        # Clocks change inside the week, or at its very first midnight.
        (week_window("2026-W43", "Europe/Berlin"), "19–25 October 2026"),
        (week_window("2018-W44", "America/Sao_Paulo"), "29 October – 4 November 2018"),
        (
            Window(start=datetime(2026, 11, 9, tzinfo=UTC), end=datetime(2026, 11, 10, tzinfo=UTC), timezone="UTC"),
            "9 November 2026",
        ),
        (
            Window(
                start=datetime(2026, 11, 9, 13, 30, tzinfo=UTC),
                end=datetime(2026, 11, 16, 8, tzinfo=UTC),
                timezone="Europe/Berlin",
            ),
            "9 November 2026, 14:30 – 16 November 2026, 09:00 (Europe/Berlin)",
        ),
    ],
)
def test_a_window_is_named_by_its_days_in_the_teams_timezone(window: Window, words: str) -> None:
    assert period(window) == words


def test_instants_are_told_in_the_teams_timezone_with_its_name() -> None:
    late = datetime(2026, 11, 9, 23, 30, tzinfo=UTC)
    assert day(late, "Europe/Berlin") == "10 November"
    assert moment(late, "America/New_York") == "9 November 2026, 18:30 EST"
    assert moment(late, "Asia/Kathmandu") == "10 November 2026, 05:15 UTC+05:45"


def test_counts_agree_with_their_nouns() -> None:
    assert [counted(n, "fix", "fixes") for n in (0, 1, 1204)] == ["0 fixes", "1 fix", "1,204 fixes"]
    assert counted(2, "change") == "2 changes"


def test_lists_end_in_and() -> None:
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_every_section_has_words() -> None:
    assert set(SECTION_WORDS) == set(Section)


@pytest.mark.parametrize("category", ErrorCategory)
def test_a_reader_learns_why_a_source_is_missing_and_nothing_of_variables_or_commands(category: ErrorCategory) -> None:
    reason = "github answered 401 (Bad credentials): check GITHUB_TOKEN or run `python starter.py doctor`"
    clause = why_missing("github", category.value, reason)
    assert "GITHUB_TOKEN" not in clause
    assert "answered" not in clause
    assert "401" not in clause
    assert ":" not in clause


@pytest.mark.parametrize(
    ("service", "category", "reason", "clause"),
    [
        (
            "github",
            "rate_limiting",
            "github limits our rate (status 403)",
            "GitHub took no more requests of ours in time",
        ),
        ("jira", "network", "jira did not answer in time", "JIRA did not answer"),
        ("local", "database", "collected without descriptions: the store was away", "collected without descriptions"),
        (
            "github",
            "",
            "The source did not answer; its feed stands in.",
            "The source did not answer; its feed stands in.",
        ),
    ],
)
def test_what_a_reader_is_told_instead_of_the_operators_reason(
    service: str, category: str, reason: str, clause: str
) -> None:
    assert why_missing(service, category, reason) == clause


@pytest.mark.parametrize(
    ("unit", "service", "name"),
    [
        ("github:acme/ledger", "github", "acme/ledger"),
        ("github:acme/ledger/deployments", "github", "deployments of acme/ledger"),
        ("github:acme/deployments", "github", "acme/deployments"),
        ("jira:PAY", "jira", "PAY"),
        ("jira:board/42", "jira", "board 42"),
        ("calendar:payments", "calendar", "payments"),
        ("rendering", "local", "rendering"),
    ],
)
def test_sources_are_named_as_readers_know_them(unit: str, service: str, name: str) -> None:
    assert unit_name(unit, service) == name
