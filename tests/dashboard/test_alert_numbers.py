"""The number in an alert is the number on the page behind its link, whatever happened before and after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from dashboard.pages.windows import Window
from devsync.contracts.operations import OperationKind
from devsync.domain.health import alerts
from devsync.domain.health.book import Alert, AlertBook, AlertPolicy
from devsync.domain.health.leads import leads_of
from devsync.domain.health.rules import verdicts
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.span import Span
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from devsync.storage.performance import Performance
from tests.dashboard.conftest import House
from tests.domain.health.makers import snapshot
from tests.storage.test_errors import record as error
from tests.storage.test_operations import operation
from tests.storage.test_performance import record_edition

AGO = timedelta(minutes=2, microseconds=1)
NOW = datetime.now(UTC) - AGO
"""Of the look: what came on record since is not counted."""
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture(autouse=True)
def just_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long ago the tests were collected."""
    monkeypatch.setattr("tests.dashboard.test_alert_numbers.NOW", datetime.now(UTC) - AGO)


async def fail(database: Database) -> None:
    """Of 21 attempts 11 fail, and there are 16 errors: a breaker refused five more. Others are none of these."""
    times = [NOW - HOUR + number * SECOND for number in range(21)]
    attempts = [
        operation(number, ended_at=at, succeeded=number >= 11, team=("payments", "search")[number % 2])
        for number, at in enumerate(times)
    ]
    answers = [
        operation(number, ended_at=at, kind=OperationKind.CALL, number=1, seconds=11.0)
        for number, at in enumerate(times[:7])
    ]
    others = [
        operation(30, ended_at=NOW - HOUR - timedelta(microseconds=1), succeeded=False),
        operation(31, ended_at=NOW, succeeded=False),
        operation(32, ended_at=NOW - 2 * SECOND, succeeded=False, service="jira"),
    ]
    await Operations(database).write([*attempts, *answers, *others])
    refused = [error(number, occurred_at=NOW - SECOND, fingerprint="f2", team="search") for number in range(40, 45)]
    told = [error(one, occurred_at=times[one], team=attempts[one].team) for one in range(11)]
    outside = error(50, occurred_at=NOW + SECOND)
    await Errors(database).write([*told, *refused, outside])


async def alert_of(database: Database, key: str) -> Alert:
    """As the monitor makes it of what is on record."""
    window, records = Span(start=NOW - HOUR, end=NOW), Performance(database)
    services, editions = tuple(await records.services(window)), tuple(await records.editions(window))
    seen = snapshot(services=services, editions=editions).model_copy(update={"window": window})
    book = alerts.apply(AlertBook(), verdicts(seen, Thresholds()), AlertPolicy(), NOW).book
    return next(alert for alert in book.alerts if alert.key == key)


async def behind(house: House, alert: Alert) -> str:
    answer = await (await house.visitor("root")).get(leads_of(alert)[0].page)
    assert answer.status_code == 200
    return unescape(answer.text)


async def test_an_error_rate_is_found_again_with_its_errors(house: House) -> None:
    await fail(house.site.database)
    alert = await alert_of(house.site.database, "error_rate:github")
    assert alert.summary == "github: 52.4 % of 21 attempts failed, more than 5 %"
    assert alert.details[0] == "16 errors on record, most of them:"
    shown = await behind(house, alert)
    assert "<dt>Attempts that failed</dt><dd>11 of 21, 52.4 %</dd>" in shown
    assert "<dt>Errors on record</dt><dd>16</dd>" in shown
    assert [shown.count(f'<td class="number" data-label="Times">{count}<br>') for count in (11, 5)] == [1, 1]


async def test_how_soon_a_service_answers_is_found_again(house: House) -> None:
    await fail(house.site.database)
    alert = await alert_of(house.site.database, "response_time:github")
    assert alert.summary == "github: one of 20 API calls took 11.0 s or longer, more than 10 s"
    assert "<dt>API calls</dt><dd>7, 19 of 20 within 11.0 s</dd>" in await behind(house, alert)


async def test_a_rate_of_all_services_together_is_found_again(house: House) -> None:
    """Of each too few fail for an alert of its own."""
    names = ("github", "jira", "slack")
    ended = [(name, number, NOW - number * SECOND) for name in names for number in range(1, 21)]
    await Operations(house.site.database).write(
        [operation(number, service=name, activity_id=f"{name}{number}", ended_at=at, succeeded=number > 2)
         for name, number, at in ended]
    )  # fmt: skip
    alert = await alert_of(house.site.database, "health:overall")
    assert alert.summary == "the system is degraded: 6 of all 60 attempts failed"
    assert "<dt>Attempts that failed</dt><dd>6 of 60, 10.0 %</dd>" in await behind(house, alert)


async def test_a_kind_that_is_opened_from_there_has_the_same_count(house: House) -> None:
    await fail(house.site.database)
    shown = await behind(house, await alert_of(house.site.database, "error_rate:github"))
    (address,) = {part.partition('"')[0] for part in shown.split('href="') if part.startswith("/errors/f1?")}
    kind = (await (await house.visitor("root")).get(address)).text
    assert "<dt>Times</dt><dd>11</dd>" in kind


async def test_a_slow_edition_is_found_again_on_the_page_of_its_run(house: House) -> None:
    database, began = house.site.database, NOW - HOUR / 2
    ended = began + timedelta(seconds=200)
    phases = {"collect": 190.0, "compose": 10.0}
    # Of a week of its own: Temporal keeps runs of other tests, which the page would show.
    await record_edition(database, "payments", phases, iso_week="2026-W40", ended_at=ended, started_at=began)
    alert = await alert_of(database, "generation_time:editions")
    assert alert.summary == "the edition of payments 2026-W40 took 200 s, more than 180 s"
    assert "<dt>Took</dt><dd>3 min 20 s</dd>" in await behind(house, alert)


async def test_who_sees_some_teams_is_told_their_attempts_alone(house: House) -> None:
    await fail(house.site.database)
    (page,) = {lead.page for lead in leads_of(await alert_of(house.site.database, "error_rate:github"))}
    shown = (await (await house.visitor("anna")).get(page)).text
    assert "<dt>Attempts that failed</dt><dd>6 of 11, 54.5 %</dd>" in shown
    assert "API calls</dt>" not in shown, "they are told of all teams together"


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("from=2026-11-23T11:00:00Z", "has one of from and until"),
        ("until=2026-11-23T11:00:00Z", "has one of from and until"),
        ("from=2026-11-23T11:00:00Z&until=2026-11-23T10:00:00Z", "the window is empty"),
        ("from=2999-11-23T11:00:00Z&until=2999-11-23T12:00:00Z", "the window lies in the future"),
        ("from=1999-11-23T11:00:00Z&until=2025-11-23T12:00:00Z", "the window is longer than"),
        ("from=2026-11-23T11:00:00&until=2026-11-23T12:00:00", "has no time zone; write it like"),
        ("from=yesterday&until=today", "from: "),
    ],
)
async def test_a_time_that_cannot_be_asked_about_is_told_so(house: House, query: str, why: str) -> None:
    anna = await house.visitor("anna")
    for path in ("/errors", "/errors/f1"):
        answer = await anna.get(f"{path}?{query}")
        assert (answer.status_code, why in answer.text) == (422, True), path


async def test_other_filters_keep_the_time_and_another_time_drops_it(house: House) -> None:
    await fail(house.site.database)
    shown = await behind(house, await alert_of(house.site.database, "error_rate:github"))
    form = shown.partition('<form class="filters"')[2].partition("</form>")[0]
    assert ('type="hidden" name="from"' in form, 'name="window"' in form) == (True, False)
    assert f'href="/errors?service=github">The last {Window.WEEK.words}</a>' in shown
    anna = await house.visitor("anna")
    assert "Attempts that failed" not in (await anna.get("/errors?category=network")).text


async def test_a_page_without_anything_on_record_counts_nothing(house: House) -> None:
    shown = (await (await house.visitor("root")).get("/errors?service=nothing")).text
    assert "<dt>Errors on record</dt><dd>0</dd>" in shown
    assert "Attempts that failed" not in shown
