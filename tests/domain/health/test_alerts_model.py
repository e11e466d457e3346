"""Whatever is wrong, whoever answers, by whatever clock: what holds of all that is told."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from devsync.domain.errors import ErrorSeverity
from devsync.domain.health import alerts
from devsync.domain.health.book import Alert, AlertBook, AlertPolicy, AlertState, Mute, NoticeKind
from devsync.domain.health.causes import Follows
from devsync.domain.health.naming import RuleName, key_of
from devsync.domain.health.rules import Problem, Verdict
from devsync.domain.refusal import Refused
from tests.domain.health.makers import MINUTE, NOW

POLICY = AlertPolicy(cool_down=30 * MINUTE, resolve_after=2 * MINUTE, acknowledged_for=90 * MINUTE, grouped_from=3)
SERVICES = ("email", "github", "jira", "slack")
RATES, BREAKERS = RuleName.ERROR_RATE, RuleName.BREAKER_OPEN

levels = st.sampled_from(list(ErrorSeverity))
verdict = st.dictionaries(st.sampled_from(SERVICES), levels, max_size=4)
minutes = st.one_of(st.just(1), st.integers(0, 3), st.integers(0, 100)).map(lambda number: number * MINUTE)
causes = st.dictionaries(st.sampled_from(SERVICES), minutes.filter(lambda ago: ago <= 30 * MINUTE), max_size=4)
patterns = st.sampled_from(["*", "error_rate:*", "*:github", "breaker_open:jira"])


class AlertsTellTheTruth(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now, self.book = NOW, AlertBook()
        self.told: dict[str, list[tuple[datetime, NoticeKind, Alert]]] = defaultdict(list)
        self.unbroken: dict[str, datetime] = {}
        """Since when a problem has been wrong at every tick, told to nobody by a mute or an acknowledgement."""

    @rule(rates=verdict, breakers=verdict, caused=causes, is_known=st.booleans(), step=minutes)
    def ticks(
        self,
        rates: dict[str, ErrorSeverity],
        breakers: dict[str, ErrorSeverity],
        caused: dict[str, timedelta],
        is_known: bool,
        step: timedelta,
    ) -> None:
        """`caused`: rates that would follow from a breaker, and how long ago that must have been open."""
        self.now += step
        verdicts = [
            self._verdict(BREAKERS, breakers, is_known=True),
            self._verdict(RATES, rates, caused, is_known=is_known),
        ]
        opened = {alert.key for alert in self.book.open}
        muted = {key for key in self._all_keys() if self.book.is_muted(key, self.now)}
        followed = alerts.apply(self.book, verdicts, POLICY, self.now)
        again = alerts.apply(followed.book, verdicts, POLICY, self.now)
        assert (again.notices, again.changed) == ((), ())
        for notice in followed.notices:
            for alert in notice.alerts:
                assert notice.kind is NoticeKind.RESOLVED or (alert.key not in muted and not alert.follows)
                self._check_told(notice.kind, alert)
                self.told[alert.key].append((self.now, notice.kind, alert))
        self.book = followed.book
        self._check_state(verdicts, muted)
        assert is_known or opened & set(self._keys_of(RATES)) <= {alert.key for alert in self.book.open}

    @rule(key=st.sampled_from([f"{one.value}:{service}" for one in (RATES, BREAKERS) for service in SERVICES]))
    def somebody_takes_it(self, key: str) -> None:
        state = {alert.key: alert.state for alert in self.book.alerts}.get(key)
        try:
            self.book = alerts.acknowledge(self.book, key, "anna", self.now).book
            assert state is AlertState.FIRING
        except Refused:
            assert state is not AlertState.FIRING

    @rule(pattern=patterns, begins=st.integers(0, 20), length=st.integers(1, 60))
    def somebody_mutes(self, pattern: str, begins: int, length: int) -> None:
        since = self.now + begins * MINUTE
        asked = Mute(pattern=pattern, since=since, until=since + length * MINUTE, by="anna")
        if asked not in self.book.mutes:
            self.book = alerts.mute(self.book, asked, self.now).book

    @precondition(lambda self: self.book.mutes)
    @rule()
    def somebody_ends_the_mutes(self) -> None:
        for pattern in {mute.pattern for mute in self.book.mutes}:
            self.book = alerts.unmute(self.book, pattern).book

    @invariant()
    def it_survives_a_restart(self) -> None:
        assert AlertBook.model_validate_json(self.book.model_dump_json()) == self.book

    @invariant()
    def there_is_one_alert_a_problem(self) -> None:
        keys = [alert.key for alert in self.book.alerts]
        assert len(keys) == len(set(keys))

    @invariant()
    def it_does_not_grow(self) -> None:
        assert len(self.book.alerts) <= 2 * len(SERVICES)
        assert len(self.book.told) <= POLICY.notices_per_hour * 4

    def _check_told(self, kind: NoticeKind, alert: Alert) -> None:
        """The story of one alert begins with its begin and ends with its end; of one problem, not too often."""
        own = [(at, one) for at, one, told in self.told[alert.key] if told.id == alert.id]
        assert (kind is NoticeKind.FIRED) == (not own)
        assert all(one is not NoticeKind.RESOLVED for _, one in own)
        begun = [(at, told) for at, one, told in self.told[alert.key] if one is not NoticeKind.RESOLVED]
        if kind in {NoticeKind.FIRED, NoticeKind.REMINDED} and begun:
            at, told = begun[-1]
            is_late_enough = self.now - at >= POLICY.cool_down
            assert is_late_enough or (kind is NoticeKind.FIRED and alert.level.rank > told.level.rank)

    def _check_state(self, verdicts: list[Verdict], muted: set[str]) -> None:
        """Nothing wrong is hidden: what has been so all through a cool-down was told within it, or its cause stands."""
        state = {alert.key: alert for alert in self.book.alerts}
        for one in verdicts:
            wrong = {problem.key for problem in one.problems}
            left = {problem.key for problem in one.problems if self._is_caused(problem, state)}
            for key in self._keys_of(one.rule):
                if key not in wrong and not one.is_known:
                    continue
                if key not in wrong or key in left:
                    self.unbroken.pop(key, None)
                    continue
                assert state[key].is_open
                if key in muted or state[key].state is AlertState.ACKNOWLEDGED:
                    self.unbroken.pop(key, None)
                    continue
                since = self.unbroken.setdefault(key, self.now)
                if self.now - since >= POLICY.cool_down:
                    assert self.told[key], key
                    assert self.now - self.told[key][-1][0] < POLICY.cool_down or len(self.book.told) >= 30

    def _is_caused(self, problem: Problem, state: Mapping[str, Alert]) -> bool:
        """Its breaker's alert lasted long enough."""
        caused = [
            follows.until <= (state[follows.key].quiet_since or self.now)
            for follows in problem.follows_from
            if follows.key in state
        ]
        return any(caused)

    def _verdict(
        self,
        name: RuleName,
        found: dict[str, ErrorSeverity],
        caused: Mapping[str, timedelta] = MappingProxyType({}),
        *,
        is_known: bool,
    ) -> Verdict:
        problems = (
            Problem(
                rule=name,
                subject=service,
                level=level,
                summary="",
                follows_from=tuple(
                    Follows(key=key_of(BREAKERS, service), until=self.now - ago)
                    for ago in [caused.get(service)]
                    if ago is not None
                ),
            )
            for service, level in found.items()
        )
        return Verdict(rule=name, problems=tuple(problems), is_known=is_known)

    def _keys_of(self, name: RuleName) -> list[str]:
        return [f"{name.value}:{service}" for service in SERVICES]

    def _all_keys(self) -> list[str]:
        return [*self._keys_of(RATES), *self._keys_of(BREAKERS)]


TestAlertsTellTheTruth = AlertsTellTheTruth.TestCase
TestAlertsTellTheTruth.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
