"""Each threshold crossed on purpose: which alert, of which level, and that its neighbour is none."""

from datetime import timedelta

import pytest

from devsync.domain.breaker import State
from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.rules import RULES, SUBJECTS_AT_MOST, Problem, RuleName, verdicts
from devsync.domain.health.snapshot import ErrorKind, Snapshot
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.recommendations import Evidence, Recommendation, SettingChange
from tests.domain.health.makers import breaker, calls, due, run, snapshot

ADVICE = Recommendation(
    rule="api_bottleneck",
    subject="github",
    title="github: concurrency from 10 to 20",
    why="99 % of the calls that may be made at once were under way",
    evidence=(Evidence(metric="calls under way", value=99, unit="%", samples=5000),),
    change=SettingChange(file="config/services.yaml", path="github.concurrency", now="10", proposed="20"),
)

CROSSED: list[tuple[RuleName, str, Snapshot, Snapshot, str]] = [
    (
        RuleName.ERROR_RATE,
        "high",
        snapshot(services=(calls(failures=51, of=1000),)),
        snapshot(services=(calls(failures=50, of=1000),)),
        "github: 5.1 % of 1000 calls failed, more than 5 %",
    ),
    (
        RuleName.GENERATION_TIME,
        "medium",
        snapshot(editions=(run(), run("ledger", seconds=180.5))),
        snapshot(editions=(run(seconds=180),)),
        "the edition of ledger 2026-W47 took 180 s, more than 180 s",
    ),
    (
        RuleName.MEMORY,
        "high",
        snapshot(editions=(run(memory=2100),)),
        snapshot(editions=(run(memory=2048),)),
        "the edition of payments 2026-W47 took 2100 MB, more than 2048 MB",
    ),
    (
        RuleName.RESPONSE_TIME,
        "medium",
        snapshot(services=(calls(seconds_p95=10.2),)),
        snapshot(services=(calls(seconds_p95=10),)),
        "github: one of 20 calls took 10.2 s or longer, more than 10 s",
    ),
    (
        RuleName.BREAKER_OPEN,
        "critical",
        snapshot(breakers=(breaker(state=State.OPEN, reason="10 failures in 15 min"),)),
        snapshot(breakers=(breaker(state=State.HALF_OPEN),)),
        "github: its breaker is open, no calls go out",
    ),
    (
        RuleName.BLIND,
        "high",
        snapshot(services=None, unread={"database": "PostgreSQL does not answer"}),
        snapshot(services=None),
        "the monitor cannot see: PostgreSQL does not answer",
    ),
    (
        RuleName.EDITION_MISSING,
        "critical",
        snapshot(due=(due(),)),
        snapshot(due=(due(late=timedelta()), due(called_off="anna: a quiet week"))),
        "the edition of payments for 2026-W47 was not delivered by 2026-11-23 11:00 UTC",
    ),
    (
        RuleName.HEALTH,
        "high",
        snapshot(services=(calls(failures=20),)),
        snapshot(),
        "the system is unhealthy: 20 of all 100 calls failed",
    ),
    (
        RuleName.OPTIMISATION,
        "low",
        snapshot(recommendations=(ADVICE,)),
        snapshot(),
        "github: concurrency from 10 to 20",
    ),
]


def found(seen: Snapshot, rule: RuleName) -> tuple[Problem, ...] | None:
    (verdict,) = (one for one in verdicts(seen, Thresholds()) if one.rule is rule)
    return verdict.problems if verdict.is_known else None


@pytest.mark.parametrize(
    ("rule", "level", "above", "below", "summary"), CROSSED, ids=[str(case[0].value) for case in CROSSED]
)
def test_above_the_threshold_and_only_there(
    rule: RuleName, level: str, above: Snapshot, below: Snapshot, summary: str
) -> None:
    problems = found(above, rule)
    assert problems is not None
    assert [(one.level.value, one.summary) for one in problems] == [(level, summary)]
    assert found(below, rule) == ()


def test_every_rule_is_crossed_here() -> None:
    assert {case[0] for case in CROSSED} == {rule.name for rule in RULES} == set(RuleName)


@pytest.mark.parametrize("rule", [rule for rule in RuleName if rule is not RuleName.BLIND])
def test_a_rule_that_cannot_look_says_so(rule: RuleName) -> None:
    blind = snapshot(services=None, breakers=None, editions=None, due=None, recommendations=None)
    assert found(blind, rule) is None


def test_health_is_known_where_what_was_read_is_bad_enough() -> None:
    problems = found(snapshot(services=None, due=(due(),)), RuleName.HEALTH)
    assert problems
    assert problems[0].level is ErrorSeverity.MEDIUM


def test_a_health_alert_is_as_bad_as_the_band() -> None:
    seen = snapshot(breakers=(breaker(state=State.OPEN), breaker("jira", State.OPEN)))
    problems = found(seen, RuleName.HEALTH)
    assert problems
    assert problems[0].level is ErrorSeverity.CRITICAL


def test_two_failures_are_no_error_rate() -> None:
    assert found(snapshot(services=(calls(failures=2, of=2),)), RuleName.ERROR_RATE) == ()


def test_thousands_of_alike_errors_are_one_problem_with_a_line_for_each_kind() -> None:
    kinds = tuple(ErrorKind(fingerprint=f"f{number}", count=number, message="503") for number in range(1, 6))
    problems = found(snapshot(services=(calls(failures=90_000, of=100_000, kinds=kinds),)), RuleName.ERROR_RATE)
    assert problems
    assert problems[0].count == 90_000
    assert problems[0].details == ("5 × 503 [f5]", "4 × 503 [f4]", "3 × 503 [f3]")


def test_what_others_wrote_is_one_short_line() -> None:
    kind = ErrorKind(fingerprint="f", count=1, message="boom\r\nBcc: all\x1b[31m " + "x" * 5000)
    problems = found(snapshot(services=(calls(failures=90, kinds=(kind,)),)), RuleName.ERROR_RATE)
    assert problems
    (line,) = problems[0].details
    assert line.startswith("1 × boom Bcc: all[31m xxx")
    assert len(line) == 300


def test_more_subjects_than_anybody_reads_are_counted() -> None:
    services = tuple(calls(f"service{number:03}", failures=50) for number in range(SUBJECTS_AT_MOST + 40))
    problems = found(snapshot(services=services), RuleName.ERROR_RATE)
    assert problems
    assert len(problems) == SUBJECTS_AT_MOST + 1
    assert (problems[-1].key, problems[-1].summary) == ("error_rate:others", "40 more of error rate")
