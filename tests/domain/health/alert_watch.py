"""Ticks of the monitor one after the other, and what it tells at each."""

from datetime import timedelta

from devsync.domain.errors import ErrorSeverity
from devsync.domain.health import alerts
from devsync.domain.health.book import Alert, AlertBook, AlertPolicy, Mute, Notice, Round
from devsync.domain.health.naming import RuleName
from devsync.domain.health.rules import Problem, Verdict
from tests.domain.health.makers import HOUR, MINUTE, NOW

POLICY = AlertPolicy()

LOW, MEDIUM, HIGH, CRITICAL = ErrorSeverity

GITHUB = "error_rate:github"


def wrong(*subjects: str, level: ErrorSeverity = HIGH, rule: RuleName = RuleName.ERROR_RATE) -> Verdict:
    problems = (Problem(rule=rule, subject=subject, level=level, summary=f"{subject} is ill") for subject in subjects)
    return Verdict(rule=rule, problems=tuple(problems))


FINE = wrong()

BLIND = Verdict(rule=RuleName.ERROR_RATE, is_known=False)


class Watch:
    """Ticks one after the other, and what was told at each."""

    def __init__(self, policy: AlertPolicy = POLICY) -> None:
        self.book, self.policy = AlertBook(), policy
        self.changed: tuple[Alert, ...] = ()
        self.notices: tuple[Notice, ...] = ()

    def tick(self, after: timedelta, *verdicts: Verdict) -> list[str]:
        return self.take(alerts.apply(self.book, verdicts, self.policy, NOW + after))

    def take(self, followed: Round) -> list[str]:
        self.book, self.notices, self.changed = followed
        return [notice.kind.value for notice in self.notices]

    def alert(self, key: str = GITHUB) -> Alert:
        return next(alert for alert in self.book.alerts if alert.key == key)


def firing(policy: AlertPolicy = POLICY) -> Watch:
    watch = Watch(policy)
    assert watch.tick(0 * MINUTE, wrong("github")) == ["fired"]
    return watch


def maintenance(pattern: str = "*", since: timedelta = timedelta(), until: timedelta = HOUR) -> Mute:
    return Mute(pattern=pattern, since=NOW + since, until=NOW + until, by="anna", reason="moving house")


def muted(mute: Mute) -> Watch:
    watch = Watch()
    watch.take(alerts.mute(watch.book, mute, NOW))
    return watch
