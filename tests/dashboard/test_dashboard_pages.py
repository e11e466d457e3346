"""Where messages lead to: each is a page that the dashboard has."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import pytest
from starlette.routing import Match

from dashboard.access import Rule, rule_of
from devsync.domain.dashboard_pages import (
    INSIGHT,
    OVERVIEW,
    SCHEDULES,
    address_of,
    alert_page,
    approval_page,
    breaker_page,
    deliveries_page,
    edition_page,
    errors_page,
    escalation_page,
    run_page,
    schedule_page,
)
from devsync.domain.insight.span import Span
from tests.dashboard.conftest import House
from tests.dashboard.test_access import routes

HOUR = Span(start=datetime(2026, 11, 23, 11, tzinfo=UTC), end=datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC))
PAGES = {
    edition_page("payments", "2026-W47"): "edition",
    approval_page("payments", "2026-W47"): "approval",
    escalation_page("escalation:service:github"): "escalation",
    alert_page("error_rate:git hub#1"): "alerts",
    breaker_page("git hub"): "breaker",
    breaker_page(""): "breakers",
    errors_page("github", HOUR): "errors",
    deliveries_page("payments", "2026-W47"): "deliveries",
    run_page("payments", "2026-W47"): "run",
    schedule_page("payments"): "schedule",
    OVERVIEW: "overview",
    INSIGHT: "insight",
    SCHEDULES: "schedules",
}


@pytest.mark.parametrize("path", PAGES)
def test_a_message_leads_to_a_page_that_is_there(path: str, house: House) -> None:
    scope = {"type": "http", "method": "GET", "path": unquote(urlsplit(path).path)}
    found = [route for route in routes(house.app) if route.matches(scope)[0] is Match.FULL]
    assert found[0].name == PAGES[path]
    assert rule_of(found[0].endpoint) in {Rule.VIEW, Rule.PARTY}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (
            "/editions?week=soon",
            "week: &#34;soon&#34; is not a week; write its year and number (ISO 8601), as 2026-W47",
        ),
        ("/deliveries?week=2026-W54", "week: &#34;2026-W54&#34; does not exist: 2026 has no week 54"),
        ("/recoveries?week=46", "is not a week"),
        ("/teams/payments/runs/last", "is not a week"),
        ("/editions?status=good", "status: is not known; write complete, partial, rejected, aborted, cancelled or fai"),
        ("/errors?page=many", "page: is not a whole number; write one"),
        ("/insight?days=92", "days: is too large; write 91 or less"),
        ("/audit?since=yesterday", "since: is not a day; write it like 2026-11-30"),
    ],
)
async def test_what_is_wrong_with_an_address_is_told_in_words_with_what_to_write(
    path: str, told: str, house: House
) -> None:
    answer = await (await house.visitor("anna")).get(path)
    assert (answer.status_code, told in answer.text) == (422, True), answer.text
    assert r"\d" not in answer.text


def test_names_end_no_path() -> None:
    assert edition_page("a/b?c", "2026-W47") == "/teams/a%2Fb%3Fc/editions/2026-W47"
    assert alert_page("error_rate:git hub#1") == "/alerts#error_rate%3Agit%20hub%231"
    assert breaker_page("a/b?c") == "/breakers/a%2Fb%3Fc"


def test_filters_stand_in_the_address_and_none_that_is_empty() -> None:
    assert errors_page("a&b=c", HOUR) == (
        "/errors?service=a%26b%3Dc&from=2026-11-23T11:00:00Z&until=2026-11-23T12:00:00.250000Z"
    )
    assert (errors_page(), deliveries_page(team="a b")) == ("/errors", "/deliveries?team=a+b")


@pytest.mark.parametrize(
    ("page", "dashboard", "address"),
    [
        ("/alerts", "https://changelog.acme.dev", "https://changelog.acme.dev/alerts"),
        ("/alerts", "", ""),
        ("https://docs.acme.dev/runbook", "", "https://docs.acme.dev/runbook"),
        ("", "https://changelog.acme.dev", ""),
    ],
)
def test_only_a_path_needs_a_dashboard(page: str, dashboard: str, address: str) -> None:
    assert address_of(page, dashboard) == address
