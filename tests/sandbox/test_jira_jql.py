"""JQL: what it finds, and what it refuses in JIRA Cloud's words."""

from __future__ import annotations

import contextlib
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.jira import catalogue
from sandbox.jira.errors import JqlError
from sandbox.jira.jql import Site, search
from sandbox.jira.jql_parser import parse
from tests.sandbox.jira_samples import ANNA, NOW, small_world


def found(text: str, zone: str = "UTC") -> list[str]:
    site = Site(small_world(), ZoneInfo(zone), NOW, catalogue.account_id(ANNA.email))
    return [issue.key for issue in search(text, site)]


def refusal(text: str) -> list[str]:
    with pytest.raises(JqlError) as caught:
        found(text)
    assert caught.value.status == 400
    return list(caught.value.messages)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("project = CORE ORDER BY key", "CORE-1 CORE-2 CORE-3 CORE-10 CORE-11"),
        ("project = core ORDER BY key DESC", "CORE-11 CORE-10 CORE-3 CORE-2 CORE-1"),
        ("project = 'Core Platform' and key < CORE-3 order by key", "CORE-1 CORE-2"),
        ('project in (CORE, "DO") AND statusCategory = Done ORDER BY key', "CORE-1 CORE-2 CORE-11 DO-2"),
        ("key in (DO-1, core-2) order by key asc", "CORE-2 DO-1"),
        ("issuekey = CORE-3", "CORE-3"),
        ("id = 10003", "CORE-3"),
        ("project != CORE order by key", "DO-1 DO-2"),
        ('resolved >= "2026-11-16 00:00" ORDER BY resolved ASC', "CORE-1 DO-2 CORE-11"),
        ('resolutiondate < "2026-11-16"', "CORE-2"),
        ('resolved >= "2026-11-16 00:00" and resolved < "2026/11/17"', "CORE-1"),
        ("resolved is empty and project = CORE order by key", "CORE-3 CORE-10"),
        ("resolution = Unresolved AND project = CORE order by key", "CORE-3 CORE-10"),
        ("resolution is not EMPTY order by key", "CORE-1 CORE-2 CORE-11 DO-2"),
        ("created >= 2026-11-02", "CORE-10"),
        ("updated >= -4d", "CORE-11 CORE-3"),
        ("updated >= '-1w 0d' ORDER BY updated", "DO-2 CORE-3 CORE-11"),
        ("updated > startOfDay()", ""),
        ("updated < now() AND status = 'In Progress'", "CORE-3"),
        ("status in ('to do', 'In Progress') order by key", "CORE-3 CORE-10 DO-1"),
        ("issuetype = Bug", "CORE-1"),
        ("type in (Bug, Epic) order by issuetype", "CORE-1 CORE-10"),
        ("labels = WEB order by key", "CORE-1 CORE-3"),
        ("labels = no-such-label", ""),
        ("labels in (security, web) and statusCategory != Done", "CORE-3"),
        ("assignee = currentUser()", "CORE-2"),
        ("assignee = 'ben@example.com'", "CORE-3"),
        ("assignee is empty and project = CORE order by key", "CORE-1 CORE-10 CORE-11"),
        ("priority = High", "CORE-2"),
        ("parent = CORE-10", "CORE-11"),
        ("sprint = 7 order by key", "CORE-1 CORE-3"),
        ("Sprint = 'Core 6'", "CORE-2"),
        ('summary ~ "login fix"', "CORE-1"),
        ("description !~ nothing", "CORE-3"),
        ("NOT project = CORE order by key", "DO-1 DO-2"),
        ("!(project = CORE or key = DO-1)", "DO-2"),
        ("project = DO-OPS OR project = CORE", None),
        ("project = CORE && (type = Bug || type = Story) order by key", "CORE-1 CORE-2"),
        ("project = CORE AND type = Bug OR project = \"DO\" order by key", "CORE-1 DO-1 DO-2"),
        ("project = CORE ORDER BY priority DESC, created DESC, key DESC", "CORE-2 CORE-10 CORE-11 CORE-3 CORE-1"),
        ("project = CORE order by resolved desc, key", "CORE-3 CORE-10 CORE-11 CORE-1 CORE-2"),
    ],
)  # fmt: skip
def test_a_query_finds_exactly_what_it_asks_for(text: str, keys: str | None) -> None:
    if keys is None:
        assert refusal(text) == ["The value 'DO-OPS' does not exist for the field 'project'."]
    else:
        assert found(text) == keys.split()


def test_a_negative_clause_leaves_out_issues_whose_field_is_empty() -> None:
    assert found("project = CORE and labels != security") == ["CORE-3"]
    assert found("project = CORE and not labels = security") == ["CORE-3"]
    assert found("resolution != Done") == ["CORE-11"]
    assert found("project = CORE and assignee not in (currentUser())") == ["CORE-3"]


def test_dates_are_read_in_the_timezone_of_the_api_user() -> None:
    text = 'project = CORE AND resolved >= "2026-11-16 00:00" ORDER BY key'
    assert found(text, "Europe/Berlin") == ["CORE-1", "CORE-2", "CORE-11"]
    assert found(text, "America/New_York") == ["CORE-11"]


def test_without_an_order_the_newest_issue_comes_first() -> None:
    assert found("project = CORE") == ["CORE-11", "CORE-10", "CORE-3", "CORE-2", "CORE-1"]


OPERATORS = "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."),
        ("ORDER BY key", "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("status = Gone", "The value 'Gone' does not exist for the field 'status'."),
        ("team = x", "Field 'team' does not exist or you do not have permission to view it."),
        ("project = CORE ORDER BY rank", "Field 'rank' does not exist or you do not have permission to view it."),
        ("key = CORE-99", "An issue with key 'CORE-99' does not exist for field 'key'."),
        ("key in (CORE-1, 'SHA 256')", "The issue key 'SHA 256' for field 'key' is invalid."),
        ("project ~ CORE", "The operator '~' is not supported by the 'project' field."),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        ("project = (CORE)", "Operator '=' does not support the list value '(CORE)' for field 'project'."),
        ("project in CORE", "Operator 'in' does not support the non-list value 'CORE' for field 'project'."),
        ("updated >= lastLogin()", "Unable to find JQL function 'lastLogin()'."),
        (
            'created >= "2026-11-16 00:00:00"',
            "Date value '2026-11-16 00:00:00' for field 'created' is invalid. Valid formats include: "
            "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format "
            "e.g. '-5d', '4w 2d'.",
        ),
        (
            "project = DO",
            "Error in the JQL Query: 'DO' is a reserved JQL word. You must surround it in quotation marks "
            "to use it in a query. (line 1, character 11)",
        ),
        (
            "created >= 2026-11-16 00:00",
            "Error in the JQL Query: Expecting either 'OR' or 'AND' but got '00:00'. (line 1, character 23)",
        ),
        (
            "project = CORE AND\n status Done",
            f"Error in the JQL Query: Expecting operator but got 'Done'. {OPERATORS} (line 2, character 9)",
        ),
        (
            "project",
            f"Error in the JQL Query: Expecting operator before the end of the query. {OPERATORS} "
            "(line 1, character 8)",
        ),
        (
            "project =",
            "Error in the JQL Query: Expecting either a value, list or function before the end of the query. "
            "(line 1, character 10)",
        ),
        (
            "project = CORE AND",
            "Error in the JQL Query: Expecting a field name at the end of the query. (line 1, character 19)",
        ),
        (
            "(project = CORE",
            "Error in the JQL Query: Expecting ')' before the end of the query. (line 1, character 16)",
        ),
        (
            'project = "CORE',
            "Error in the JQL Query: The quoted string 'CORE' has not been completed. (line 1, character 11)",
        ),
        (
            "reporter=a/user",
            "Error in the JQL Query: The character '/' is a reserved JQL character. You must enclose it in a "
            "string or use the escape '\\u002f' instead. (line 1, character 11)",
        ),
        ("status was Done", "The sandbox does not evaluate the history operator 'WAS'."),
        (
            "project = CORE ORDER BY key, key, key, key, key, key, key, key",
            "The ORDER BY clause can contain a maximum of 7 fields.",
        ),
    ],
)  # fmt: skip
def test_what_cloud_refuses_is_refused_in_its_words(text: str, message: str) -> None:
    assert refusal(text) == [message]


def test_all_errors_of_a_query_are_told_at_once() -> None:
    assert refusal("project = NOPE AND team = x AND key in (CORE-98, CORE-99)") == [
        "The value 'NOPE' does not exist for the field 'project'.",
        "Field 'team' does not exist or you do not have permission to view it.",
        "An issue with key 'CORE-98' does not exist for field 'key'.",
        "An issue with key 'CORE-99' does not exist for field 'key'.",
    ]


def test_an_escaped_quote_belongs_to_the_value() -> None:
    assert refusal(r"""project = "a\"b\u0063" """) == ["The value 'a\"bc' does not exist for the field 'project'."]


@given(st.text(alphabet="projectCORE= ()'\"\\,<>!~&|#/andorint byNULL-1\n", max_size=40) | st.text(max_size=20))
def test_any_text_is_parsed_or_refused_never_a_crash(text: str) -> None:
    with contextlib.suppress(JqlError):
        parse(text)


SIMPLE = st.sampled_from(
    ["project = CORE", "labels = web", "assignee is empty", "type = Bug", "resolved >= 2026-11-16", "priority = High"]
)


@given(SIMPLE, SIMPLE)
def test_de_morgan_holds(left: str, right: str) -> None:
    assert found(f"NOT ({left} AND {right})") == found(f"NOT {left} OR NOT {right}")
    assert set(found(f"({left}) AND ({right})")) == set(found(left)) & set(found(right))
    assert set(found(f"({left}) OR ({right})")) == set(found(left)) | set(found(right))
