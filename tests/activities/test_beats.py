"""Between two signs of life of a collection lies one HTTP call at most, whatever it takes to get a page."""

import threading
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from activities.clients.beats import alone
from activities.clients.github_access import AppTokens
from devsync.domain.breaker import BreakerConfig
from devsync.runtime.breaker.calls import Excuses, GatedCall
from devsync.runtime.breaker.gate import Gate
from sandbox.changes import RevokeTokens
from sandbox.faults import Fault, FaultKind
from tests.activities.github_stage import REPOSITORY, busy_world, github_stage
from tests.activities.test_collect_project import KINDS, family, stage
from tests.activities.test_github_access import APP, PRIVATE_KEY
from tests.sandbox.github_wire import small_world

CALL, BEAT = "call", "beat"


class Life(Gate):
    """Writes down, in order, the calls that enter it and the beats that a collection gives meanwhile."""

    def __init__(self) -> None:
        super().__init__("watched", BreakerConfig(failure_threshold=1_000))
        self.happened = [BEAT]
        """An attempt that begins has just been heard of."""

    def call(self, operation: str) -> GatedCall:
        self.happened.append(CALL)
        return super().call(operation)

    def excused_call(self, operation: str, excuses: Excuses) -> GatedCall:
        self.happened.append(CALL)
        return super().excused_call(operation, excuses)

    def beat(self, *_details: Any) -> None:
        self.happened.append(BEAT)

    def assert_no_silence(self, *, calls: int) -> None:
        """Between two of at least so many calls something was heard."""
        assert self.happened.count(CALL) >= calls
        assert (CALL, CALL) not in pairwise(self.happened)


@pytest.mark.parametrize("kind", KINDS)
async def test_no_two_calls_of_a_jira_project_follow_each_other_in_silence(kind: Any, url: str) -> None:
    life = Life()
    async with stage(kind, family(), url, gate=life) as one:
        await one.collect(on_beat=life.beat)
        assert life.happened.count(CALL) == len(one.sandbox.log.select("jira"))
    # Data Center: serverInfo, field, myself, search, and the epics' names.
    life.assert_no_silence(calls=3 if kind == "cloud" else 5)


@pytest.mark.parametrize("road", ["graphql", "rest", "auto"])
async def test_no_two_calls_of_a_repository_follow_each_other_in_silence(url: str, road: str) -> None:
    life, world = Life(), busy_world()
    world.repositories[REPOSITORY].former_names = ["acme/payments"]
    async with github_stage(world, url, gate=life) as one:
        one.sandbox.faults.add(
            Fault(kind=FaultKind.STATUS, service="github", route="^/graphql", status=502, after=1, count=2)
        )
        await one.collect("acme/payments", road, on_beat=life.beat)
        await one.collect("acme/payments", road, on_beat=life.beat)
        assert life.happened.count(CALL) == len(one.asked)
    life.assert_no_silence(calls=10)


async def test_a_token_that_is_replaced_in_between_makes_no_silence(url: str) -> None:
    life, world = Life(), small_world(5)
    world.github_app = APP

    def tokens(sandbox: Any) -> AppTokens:
        return AppTokens(
            base_url=sandbox.github_url,
            app_id=str(APP.id),
            private_key=PRIVATE_KEY,
            timeout=timedelta(seconds=5),
            gate=life,
        )

    async with github_stage(world, url, gate=life, tokens=tokens) as one:
        await one.collect(REPOSITORY, "rest", on_beat=life.beat)
        await one.forget()
        one.sandbox.change(RevokeTokens())
        await one.collect(REPOSITORY, "rest", on_beat=life.beat)
        assert [record.status for record in one.asked].count(401) == 1
        assert life.happened.count(CALL) == len(one.asked)
    life.assert_no_silence(calls=8)


def test_who_asks_whether_a_token_is_replaced_gives_signs_of_life_while_another_thread_gets_one() -> None:
    tokens = AppTokens(base_url="http://localhost:1", app_id="1", private_key=PRIVATE_KEY, timeout=timedelta(seconds=1))
    tokens._asking.acquire()
    assert not tokens.is_replaced(REPOSITORY, "a token", beat=tokens._asking.release)


def test_who_waits_for_another_thread_gives_signs_of_life() -> None:
    lock = threading.Lock()
    lock.acquire()
    with alone(lock, lock.release):  # the beat, which is given while it waits, is what ends the wait
        assert lock.locked()
    assert not lock.locked()
