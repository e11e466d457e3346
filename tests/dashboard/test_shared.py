"""Answers for many: asked for once, given to all, never a failure that stays."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.shared import MOST_KEPT, Shared

LONG, AT_ONCE = 60.0, 0.0


class Oracle:
    """Answers with the question and how often it has been asked; fails where it was told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_down = False

    async def __call__(self, question: str) -> str:
        self.asked.append(question)
        await asyncio.sleep(0.01)
        if self.is_down:
            raise ConnectionError("away")
        return f"{question} {len(self.asked)}"


async def test_many_who_ask_at_once_and_soon_after_are_one_question() -> None:
    oracle = Oracle()
    shared = Shared(oracle, LONG)
    answers = await asyncio.gather(*(shared.of("a") for _ in range(200)))
    assert {*answers, await shared.of("a")} == {"a 1"}


async def test_each_question_has_its_own_answer_and_an_old_one_is_asked_again() -> None:
    shared = Shared(Oracle(), AT_ONCE)
    assert [await shared.of("a"), await shared.of("b"), await shared.of("a")] == ["a 1", "b 2", "a 3"]


async def test_one_that_is_older_is_given_at_once_while_it_is_asked_anew() -> None:
    oracle = Oracle()
    shared = Shared(oracle, AT_ONCE, LONG)
    assert [await shared.of("a"), await shared.of("a"), await shared.of("a")] == ["a 1", "a 1", "a 1"]
    await asyncio.sleep(0.05)
    assert (await shared.of("a"), oracle.asked) == ("a 2", ["a", "a"])


async def test_what_cannot_be_asked_anew_is_still_given() -> None:
    oracle = Oracle()
    shared = Shared(oracle, AT_ONCE, LONG)
    await shared.of("a")
    oracle.is_down = True
    assert await shared.of("a") == "a 1"
    await asyncio.sleep(0.05)
    assert await shared.of("a") == "a 1"


async def test_a_failure_reaches_all_who_asked_and_is_not_kept() -> None:
    oracle = Oracle()
    oracle.is_down = True
    shared = Shared(oracle, LONG)
    assert {type(one) for one in await asyncio.gather(shared.of("a"), shared.of("a"), return_exceptions=True)} == {
        ConnectionError
    }
    oracle.is_down = False
    assert await shared.of("a") == "a 2"


async def test_who_goes_away_takes_the_answer_from_nobody_else() -> None:
    shared = Shared(Oracle(), LONG)
    impatient, patient = asyncio.create_task(shared.of("a")), asyncio.create_task(shared.of("a"))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await patient == "a 1"


async def test_not_every_answer_is_kept_for_ever() -> None:
    oracle = Oracle()
    shared = Shared(oracle, LONG)
    await asyncio.gather(*(shared.of(str(number)) for number in range(MOST_KEPT + 1)))
    await shared.of(str(MOST_KEPT))
    assert len(oracle.asked) == MOST_KEPT + 1
    await shared.of("0")
    assert len(oracle.asked) == MOST_KEPT + 2


async def test_what_is_at_hand_is_given_without_asking() -> None:
    oracle = Oracle()
    shared = Shared(oracle, AT_ONCE, LONG)
    assert shared.at_hand("a") is None
    assert await shared.of("a") == "a 1"
    assert (shared.at_hand("a"), oracle.asked) == ("a 1", ["a"])


async def test_who_has_little_patience_gets_the_older_one_and_the_next_the_new_one() -> None:
    oracle = Oracle()
    shared = Shared(oracle, AT_ONCE, LONG)
    assert await shared.soon("a", 0) is None
    assert await shared.soon("a", LONG) == "a 1"
    assert await shared.soon("a", 0) == "a 1"
    assert await shared.soon("a", LONG) == "a 2"


async def test_a_failure_leaves_the_older_one_to_who_asks_for_it_soon() -> None:
    oracle = Oracle()
    shared = Shared(oracle, AT_ONCE, LONG)
    oracle.is_down = True
    assert await shared.soon("a", LONG) is None
    oracle.is_down = False
    assert await shared.soon("a", LONG) == "a 2"
    oracle.is_down = True
    assert await shared.soon("a", LONG) == "a 2"
