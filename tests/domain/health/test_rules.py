"""Each threshold crossed on purpose: which alert, of which level, and that its neighbour is none."""

from datetime import timedelta

import pytest

from devsync.domain.breaker import State
from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.bands import assess
from devsync.domain.health.counted import Counted
from devsync.domain.health.naming import RuleName
from devsync.domain.health.rules import RULES, SUBJECTS_AT_MOST, Problem, Verdict, verdicts
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
        "github: 5.1 % of 1000 attempts failed, more than 5 %",
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
        "github: one of 20 API calls took 10.2 s or longer, more than 10 s",
    ),
    (
        RuleName.BREAKER_OPEN,
        "critical",
        snapshot(breakers=(breaker(state=State.OPEN, reason="10 failures in 15 min"),)),
        snapshot(breakers=(breaker(state=State.CLOSED),)),
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
        "medium",
        snapshot(services=tuple(calls(name, failures=2, of=20) for name in ("github", "jira", "slack"))),
        snapshot(),
        "the system is degraded: 6 of all 60 attempts failed",
    ),
    (
        RuleName.OPTIMISATION,
        "low",
        snapshot(recommendations=(ADVICE,)),
        snapshot(),
        "github: concurrency from 10 to 20",
    ),
]


def verdict(seen: Snapshot, rule: RuleName) -> Verdict:
    (verdict,) = (one for one in verdicts(seen, Thresholds()) if one.rule is rule)
    return verdict


def found(seen: Snapshot, rule: RuleName) -> tuple[Problem, ...]:
    return verdict(seen, rule).problems


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
    assert verdict(blind, rule) == Verdict(rule=rule, is_known=False)
    assert verdict(snapshot(), rule) == Verdict(rule=rule)


PARTS = ["services", "breakers", "editions", "due"]


@pytest.mark.parametrize("part", PARTS)
def test_health_tells_what_is_bad_in_what_was_read_and_that_it_did_not_see_all(part: str) -> None:
    elsewhere = {"editions": (run(memory=3000),)} if part != "editions" else {"due": (due(),)}
    seen = verdict(snapshot(**elsewhere, **{part: None}), RuleName.HEALTH)
    assert [one.level for one in seen.problems] == [ErrorSeverity.MEDIUM]
    assert not seen.is_known


def test_a_health_alert_is_as_bad_as_the_band() -> None:
    seen = snapshot(breakers=(breaker(state=State.OPEN), breaker("jira", State.OPEN)))
    problems = found(seen, RuleName.HEALTH)
    assert problems
    assert problems[0].level is ErrorSeverity.CRITICAL


OPEN, HALF_OPEN = State.OPEN, State.HALF_OPEN
SAID: list[tuple[str, Snapshot, list[tuple[str, tuple[str, ...]]]]] = [
    (
        "one service fails",
        snapshot(services=(calls(failures=20),)),
        [
            ("20 of all 100 attempts failed", ("error_rate:github",)),
            ("github is unhealthy: 20 of 100 attempts failed", ("error_rate:github",)),
        ],
    ),
    (
        "a slow service whose breaker is open",
        snapshot(services=(calls(seconds_p95=11),), breakers=(breaker(state=OPEN),)),
        [("github is unhealthy: its breaker is open: no", ("breaker_open:github", "response_time:github"))],
    ),
    (
        "a breaker is half-open",
        snapshot(breakers=(breaker(state=HALF_OPEN),)),
        [("github is degraded: its breaker is half open", ("breaker_open:github",))],
    ),
    (
        "a slow edition",
        snapshot(editions=(run(seconds=200),)),
        [("an edition took 200 s", ("generation_time:editions",))],
    ),
    (
        "a large edition",
        snapshot(editions=(run(memory=3000),)),
        [("an edition took 3000 MB", ("memory:editions",))],
    ),
    (
        "a missing edition",
        snapshot(due=(due(),)),
        [("not delivered by its deadline", ("edition_missing:payments:2026-W47",))],
    ),
    (
        "a few failures of each service",
        snapshot(services=tuple(calls(name, failures=2, of=20) for name in ("github", "jira", "slack"))),
        [("6 of all 60 attempts failed", ())],
    ),
    (
        "several open breakers",
        snapshot(breakers=(breaker(state=OPEN), breaker("jira", OPEN))),
        [
            ("every service that was called is unhealthy: github, jira", ("breaker_open:github", "breaker_open:jira")),
            ("2 breakers are open: github, jira", ("breaker_open:github", "breaker_open:jira")),
            ("github is unhealthy", ("breaker_open:github",)),
            ("jira is unhealthy", ("breaker_open:jira",)),
        ],
    ),
]


@pytest.mark.parametrize(("seen", "told"), [case[1:] for case in SAID], ids=[case[0] for case in SAID])
def test_health_knows_which_alerts_say_the_same(seen: Snapshot, told: list[tuple[str, tuple[str, ...]]]) -> None:
    problems = found(seen, RuleName.HEALTH)
    assert problems is not None
    assert [one.said_by for one in problems] == [keys for _, keys in told]
    for problem, (reason, _) in zip(problems, told, strict=True):
        assert problem.summary.partition(": ")[2].startswith(reason)
        assert {problem.summary.partition(": ")[2], *problem.details} == set(assess(seen, Thresholds()).reasons)


def test_what_health_repeats_is_looked_at_before_it() -> None:
    order = [rule.name for rule in RULES]
    said = {RuleName(key.partition(":")[0]) for case in SAID for _, keys in case[2] for key in keys}
    assert said
    assert all(order.index(name) < order.index(RuleName.HEALTH) for name in said)


def test_a_database_that_takes_nothing_and_one_that_is_away_are_one_problem_that_changes() -> None:
    (unwritten,), (unread,) = (
        found(snapshot(**seen), RuleName.BLIND)
        for seen in ({"unwritten": "it is read-only"}, {"services": None, "unread": {"database": "it is away"}})
    )
    assert unwritten.key == unread.key == "blind:database"
    assert unwritten.aspect != unread.aspect
    assert (unwritten.summary, unread.summary) == (
        "nothing is written down: it is read-only",
        "the monitor cannot see: it is away",
    )


def test_a_half_open_breaker_is_the_same_problem_recovering() -> None:
    opened, half_open = (
        found(snapshot(breakers=(breaker(state=state, reason="why"),)), RuleName.BREAKER_OPEN)[0]
        for state in (State.OPEN, State.HALF_OPEN)
    )
    assert opened.key == half_open.key
    assert (opened.is_recovering, half_open.is_recovering) == (False, True)
    assert (half_open.level, half_open.summary) == (
        ErrorSeverity.MEDIUM,
        "github: its breaker is half open, probes decide",
    )


def test_a_number_tells_of_what_and_over_which_time_it_was_counted() -> None:
    slow = snapshot(editions=(run(), run("ledger", seconds=190), run("payments", seconds=181)))
    counted = {
        rule: (problem.count, problem.counted)
        for seen, rule in (
            (snapshot(services=(calls(failures=11, of=21),)), RuleName.ERROR_RATE),
            (snapshot(services=(calls(api_calls=240, seconds_p95=11),)), RuleName.RESPONSE_TIME),
            (slow, RuleName.GENERATION_TIME),
            (snapshot(services=tuple(calls(one, 2, 20) for one in ("github", "jira", "slack"))), RuleName.HEALTH),
        )
        for problem in found(seen, rule)
    }
    assert counted == {
        RuleName.ERROR_RATE: (11, Counted(over=slow.window, of=21)),
        RuleName.RESPONSE_TIME: (1, Counted(over=slow.window, of=240)),
        RuleName.HEALTH: (6, Counted(over=slow.window, of=60)),
        RuleName.GENERATION_TIME: (2, Counted(over=slow.window, of=3, edition="ledger:2026-W47")),
    }


def test_two_failures_are_no_error_rate() -> None:
    assert found(snapshot(services=(calls(failures=2, of=2),)), RuleName.ERROR_RATE) == ()


def test_thousands_of_alike_errors_are_one_problem_with_a_line_for_each_kind() -> None:
    kinds = tuple(ErrorKind(fingerprint=f"f{number}", count=number, message="503") for number in range(1, 6))
    many = calls(failures=90_000, of=100_000, errors=90_012, kinds=kinds)
    problems = found(snapshot(services=(many,)), RuleName.ERROR_RATE)
    assert problems
    assert problems[0].count == 90_000
    assert problems[0].details == (
        "90,012 errors on record, most of them:",
        "5 × 503 [f5]",
        "4 × 503 [f4]",
        "3 × 503 [f3]",
    )


def test_what_others_wrote_is_one_short_line() -> None:
    kind = ErrorKind(fingerprint="f", count=1, message="boom\r\nBcc: all\x1b[31m " + "x" * 5000)
    problems = found(snapshot(services=(calls(failures=90, kinds=(kind,)),)), RuleName.ERROR_RATE)
    assert problems
    _, line = problems[0].details
    assert line.startswith("1 × boom Bcc: all[31m xxx")
    assert len(line) == 300


def test_more_subjects_than_anybody_reads_are_counted() -> None:
    services = tuple(calls(f"service{number:03}", failures=50) for number in range(SUBJECTS_AT_MOST + 40))
    problems = found(snapshot(services=services), RuleName.ERROR_RATE)
    assert problems
    assert len(problems) == SUBJECTS_AT_MOST + 1
    assert (problems[-1].key, problems[-1].summary) == ("error_rate:others", "40 more of error rate")
