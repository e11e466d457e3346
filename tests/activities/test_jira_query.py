"""The JQL of a window, and the mapping of JIRA's issues."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from activities.jira import issue_of, issues_jql
from devsync.domain.changelog.window import Window, week_window
from devsync.runtime.classification import MalformedAnswer

ISSUE: dict[str, Any] = {
    "key": "PAY-12",
    "fields": {
        "summary": "Refund e-mail goes out twice",
        "issuetype": {"name": "Bug"},
        "status": {"name": "Done"},
        "resolution": {"name": "Fixed"},
        "priority": {"name": "High"},
        "labels": ["mail"],
        "assignee": {"displayName": "Anna Lindqvist"},
        "parent": {"key": "PAY-1", "fields": {"summary": "Refunds"}},
        "created": "2026-11-16T09:30:00.000+0100",
        "resolutiondate": "2026-11-18T10:00:00.000+0100",
    },
}


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("Europe/Berlin", "2026-11-16 00:00", "2026-11-23 00:00"),
        ("UTC", "2026-11-15 23:00", "2026-11-22 23:00"),
        ("America/New_York", "2026-11-15 18:00", "2026-11-22 18:00"),
        ("Asia/Kathmandu", "2026-11-16 04:45", "2026-11-23 04:45"),
    ],
)
def test_the_window_is_asked_for_in_the_api_users_timezone(zone: str, start: str, end: str) -> None:
    jql = issues_jql("PAY", week_window("2026-W47", "Europe/Berlin"), ZoneInfo(zone))
    assert jql == (f'project = "PAY" AND resolved >= "{start}" AND resolved < "{end}" ORDER BY created ASC, key ASC')


def test_where_the_users_clock_changes_at_the_edge_the_query_asks_for_an_hour_more() -> None:
    # New York's clocks go back on 2026-11-01 at 06:00 UTC: 01:00 there names two instants.
    window = Window(
        start=datetime(2026, 10, 25, 6, tzinfo=UTC), end=datetime(2026, 11, 1, 6, tzinfo=UTC), timezone="Etc/GMT-6"
    )
    jql = issues_jql("PAY", window, ZoneInfo("America/New_York"))
    assert 'resolved < "2026-11-01 02:00"' in jql


def test_a_retry_goes_on_from_the_created_minute_of_the_last_stored_issue() -> None:
    jql = issues_jql(
        "PAY", week_window("2026-W47", "UTC"), ZoneInfo("Europe/Berlin"), created_from="2026-11-17T08:15:42+00:00"
    )
    assert 'AND created >= "2026-11-17 09:15" ORDER BY' in jql


@pytest.mark.parametrize(
    ("created", "asked_from"),
    [
        # Berlin's clocks go back on 2026-10-25 at 01:00 UTC: 02:00 to 03:00 there names two instants each.
        ("2026-10-24T23:59:59+00:00", "2026-10-25 01:59"),
        ("2026-10-25T00:30:00+00:00", "2026-10-25 01:30"),
        ("2026-10-25T01:30:00+00:00", "2026-10-25 02:30"),
        ("2026-10-25T02:30:00+00:00", "2026-10-25 03:30"),
    ],
)
def test_a_retry_goes_on_at_or_before_the_last_stored_issue_whichever_instant_jira_takes_the_clock_for(
    created: str, asked_from: str
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    jql = issues_jql("PAY", week_window("2026-W43", "Europe/Berlin"), zone, created_from=created)
    assert f'AND created >= "{asked_from}" ORDER BY' in jql
    local = datetime.strptime(asked_from, "%Y-%m-%d %H:%M")  # noqa: DTZ007 (read as JIRA may: either way)
    for fold in (0, 1):
        assert local.replace(tzinfo=zone, fold=fold).astimezone(UTC) <= datetime.fromisoformat(created)


def test_without_a_known_timezone_the_query_asks_for_a_day_more_on_either_side() -> None:
    window = week_window("2026-W47", "Europe/Berlin")
    jql = issues_jql("PAY", window, None, created_from="2026-11-17T08:15:42+00:00")
    assert 'resolved >= "2026-11-14 23:00" AND resolved < "2026-11-23 23:00"' in jql
    assert 'AND created >= "2026-11-16 08:15" ORDER BY' in jql


def test_an_issue_is_mapped_to_the_products_words() -> None:
    issue = issue_of(ISSUE, "https://acme.atlassian.net")
    assert issue.url == "https://acme.atlassian.net/browse/PAY-12"
    assert (issue.issue_type, issue.status, issue.assignee) == ("Bug", "Done", "Anna Lindqvist")
    assert (issue.parent_key, issue.parent_summary) == ("PAY-1", "Refunds")
    assert issue.resolved_at == datetime(2026, 11, 18, 9, 0, tzinfo=UTC)


def test_what_jira_leaves_empty_stays_empty() -> None:
    empty = dict.fromkeys(ISSUE["fields"]) | {"summary": None, "created": ISSUE["fields"]["created"]}
    issue = issue_of({"key": "PAY-13", "fields": empty}, "https://acme.atlassian.net")
    assert (issue.summary, issue.assignee, issue.labels, issue.resolved_at) == ("", None, (), None)


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"key": "PAY-1"},
        {"key": "PAY-1", "fields": []},
        {"key": "PAY-1", "fields": {"summary": "x"}},
        {"key": "PAY-1", "fields": {"summary": "x", "created": "yesterday"}},
        {"key": 7, "fields": ISSUE["fields"]},
    ],
)
def test_a_foreign_answer_is_malformed_and_not_an_empty_week(entry: dict[str, Any]) -> None:
    with pytest.raises(MalformedAnswer, match="jira answered a search"):
        issue_of(entry, "https://acme.atlassian.net")
