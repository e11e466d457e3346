"""`errors stats`, `performance stats`, `recommendations` and `forecast` over a database with a story of nine weeks."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devsync.contracts.operations import OperationKind
from devsync.domain.errors import ErrorCategory
from devsync.domain.insight.series import WEEK
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from sandbox.postgres import PostgresServer
from tests.command_line import invoked
from tests.configuration import shipped_settings
from tests.servers import new_database
from tests.storage.test_errors import record
from tests.storage.test_operations import operation
from tests.storage.test_performance import record_edition

DAYS = 9 * WEEK
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
COMMANDS = (("errors", "stats"), ("performance", "stats"), ("recommendations",), ("forecast",))

Environment = Mapping[str, str]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = shipped_settings(tmp_path_factory.mktemp("config"))
    team = "team: payments\ntimezone: Europe/Berlin\ngithub: {repositories: [acme/api]}\n"
    (directory / "teams" / "payments.yaml").write_text(team + "channels: [{kind: slack, channel: '#payments'}]\n")
    return directory


@pytest.fixture(scope="module")
def nothing(postgres: PostgresServer, config: Path) -> Environment:
    """Nothing is on record."""
    return {"DATABASE_URL": postgres.url(new_database(postgres)), "CONFIG_DIR": str(config), "COLUMNS": "200"}


@pytest.fixture(scope="module")
async def story(postgres: PostgresServer, config: Path) -> Environment:
    """Five errors a working day, of JIRA; a tenth of its attempts fail; editions take half a minute."""
    url = postgres.url(new_database(postgres))
    database = Database(url)
    days = [TODAY - timedelta(days=number) for number in range(1, DAYS + 1)]
    failures = [(day, number) for day in days if day.weekday() < 5 for number in range(5)]
    await Errors(database).write(
        [
            record(
                0,
                run_id=f"{day:%j}/{number}",
                service="jira",
                operation="collect_project",
                category=ErrorCategory.EXTERNAL_SERVICE,
                occurred_at=day + timedelta(hours=9 + number),
            )
            for day, number in failures
        ]
    )
    await Operations(database).write(
        [
            operation(
                0,
                run_id=f"{day:%j}/{number}",
                service="jira",
                operation="collect_project",
                ended_at=day + timedelta(hours=9, seconds=number),
                succeeded=number >= 5 or day.weekday() >= 5,
                seconds=0.5,
            )
            for day in days
            for number in range(50)
        ]
    )
    call, refusal = {"kind": OperationKind.CALL}, {"kind": OperationKind.REFUSAL, "succeeded": False, "seconds": 0.0}
    sent = {"service": "slack", "operation": "send_part", "ended_at": TODAY - timedelta(hours=5)}
    await Operations(database).write(
        [
            operation(1, number=1, seconds=0.5, **sent, **call),
            operation(1, number=2, seconds=0.7, succeeded=False, **sent, **call),
            operation(1, number=3, **sent, **refusal),
            operation(1, number=4, **(sent | {"operation": "find_part"}), **refusal),
        ]
    )
    for number in range(4):
        ended_at = TODAY - timedelta(hours=5 + number)
        await record_edition(database, f"team{number}", {"collect": 24.0, "deliver": 6.0}, ended_at=ended_at)
    await database.dispose()
    return {"DATABASE_URL": url, "CONFIG_DIR": str(config), "COLUMNS": "200"}


def told(environment: Environment, *arguments: str) -> dict[str, Any]:
    code, output, errors = invoked(environment, *arguments, "--json")
    assert (code, errors) == (0, "")
    document: dict[str, Any] = json.loads(output)
    return document


def said(environment: Environment, *arguments: str) -> str:
    code, output, errors = invoked(environment, *arguments)
    assert (code, errors) == (0, "")
    return output


def test_errors_stats_compares_and_tells_how_often_attempts_fail(story: Environment) -> None:
    document = told(story, "errors", "stats", "--window", "7d", "--until", TODAY.isoformat())
    assert (document["total"], document["total_before"]) == (25, 25)
    assert document["by_operation"] == {"jira.collect_project": 25}
    assert document["rates"] == [{"service": "jira", "attempts": 350, "failures": 25, "rate": 25 / 350}]
    output = said(story, "errors", "stats", "--window", "7d", "--until", TODAY.isoformat())
    assert "25 in as long a time before" in output
    assert "jira 25 of 350 (7.1%)" in output


def test_performance_stats_tells_where_the_time_goes(story: Environment) -> None:
    document = told(story, "performance", "stats", "--window", "2d")
    assert document["editions"] == {"editions": 4, "seconds_p95": 30.0, "peak_mb_p95": None}
    assert [(one["stage"], one["share"]) for one in document["stages"]] == [("collect", 0.8), ("deliver", 0.2)]
    attempts = document["operations"][0]
    assert (attempts["attempts"] >= 50, attempts["seconds_median"]) == (True, 0.5)
    counts = ("operation", "asked", "answered", "failed", "refused", "seconds_median", "seconds_p95", "seconds_total")
    assert [tuple(one[name] for name in counts) for one in document["api_calls"]] == [
        ("send_part", 2, 1, 1, 1, 0.6, 0.7, 1.2),
        ("find_part", 0, 0, 0, 1, None, None, 0.0),
    ]
    output = said(story, "performance", "stats", "--window", "2d")
    assert "4 editions in the last 2d; 19 of 20 took up to 30.0 s" in output
    assert re.search(r"collect +80% ", output)
    assert "jira.collect_project" in output
    assert re.search(r"API calls of +asked +answered +failed +refused +median", output)
    assert re.search(r"slack.send_part +2 +1 +1 +1 +0\.60 s", output)
    assert re.search(r"slack.find_part +0 +0 +0 +1 *\n", output)


def test_recommendations_name_the_line_and_the_evidence(story: Environment) -> None:
    (found,) = told(story, "recommendations", "--until", TODAY.isoformat())["recommendations"]
    assert (found["key"], found["change"]["path"], found["change"]["proposed"]) == (
        "high_error_rate:jira",
        "jira.retry.maximum",
        "2m",
    )
    output = said(story, "recommendations", "--until", TODAY.isoformat())
    assert "config/services.yaml: jira.retry.maximum: 2m   # 1m now" in output
    assert "error rate 7.1" in output
    assert "generation time: not enough data, 4 editions where 10 are needed" in output


def test_a_forecast_has_intervals_and_its_own_error(story: Environment) -> None:
    document = told(story, "forecast", "--days", "7")
    every, jira = document["forecasts"]
    assert (every["about"], jira["about"]) == ("errors", "errors of jira")
    assert len(every["days"]) == 7
    assert every["back_test"]["mean_absolute_error"] <= every["back_test"]["naive_error"] + 0.5
    assert all(day["low"] <= day["expected"] <= day["high"] for day in every["days"])
    assert {one["about"] for one in document["not_enough"]} >= {"generation_time", "memory", "api_quota.github"}
    output = said(story, "forecast", "--days", "7")
    assert "the next 7 days, by what is on record in the last 84d" in output
    assert "memory, api_quota.github: not enough data, 0 weeks where 6 are needed" in output


@pytest.mark.parametrize("command", COMMANDS)
def test_where_nothing_is_on_record_that_is_what_is_told(nothing: Environment, command: tuple[str, ...]) -> None:
    output = said(nothing, *command)
    words = {
        "errors": "no errors on record in the last 24h\n",
        "performance": "nothing was measured in the last 7d\n",
        "recommendations": "nothing to recommend by what is on record in the last 28d\n",
        "forecast": "forecast of errors: not enough data, 0 days where 49 are needed\n",
    }
    assert output.startswith(words[command[0]])
    assert "error" not in told(nothing, *command)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--window", "-1h"], '--window: "-1h" is negative'),
        (["--window", "0s"], "is no time at all"),
        (["--window", "4000d"], "the window is longer than 1830 days"),
        (["--until", "2199-01-02", "--window", "1d"], "the window lies in the future"),
        (["--until", "yesterday"], '"yesterday" is no time; write 2026-11-23'),
        (["--until", "0001-01-02", "--window", "7d"], "begins before the calendar does"),
    ],
)
def test_a_window_that_is_none_is_refused_with_the_cure(
    nothing: Environment, command: tuple[str, ...], options: list[str], message: str
) -> None:
    code, output, errors = invoked(nothing, *command, *options, "--json")
    assert (code, message in errors) == (2, True), errors
    assert message in json.loads(output)["error"]


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_database_it_says_what_to_set(command: tuple[str, ...], config: Path) -> None:
    code, _, errors = invoked({"CONFIG_DIR": str(config)}, *command)
    assert code == 1
    assert "DATABASE_URL is not set" in errors
