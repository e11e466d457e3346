"""Tries that somebody asks for: several in a row, and one answer."""

from datetime import UTC, datetime, timedelta

from devsync.domain.asked_tries import AskedTries, Wish

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
NO_HINT = timedelta(0)


class Clock:
    """Tries that all fail, each when it is due."""

    def __init__(self, asked: AskedTries) -> None:
        self.asked = asked
        self.now = NOW

    def fail(self, hint: timedelta = NO_HINT, *, after: timedelta | None = None) -> bool:
        """A try, when the next one is due or so long after the last one. True where others are to hear of it."""
        if after is not None:
            self.now += after
        elif self.asked.next_at is not None:
            self.now = max(self.now, self.asked.next_at)
        self.asked.begin(self.now)
        self.asked.failed(hint, self.now)
        return self.asked.is_news

    @property
    def wait(self) -> timedelta | None:
        return None if self.asked.next_at is None else self.asked.next_at - self.now


def rows(**by: Wish) -> Clock:
    asked = AskedTries()
    for who, wish in by.items():
        asked.ask(who, wish, NOW)
    return Clock(asked)


def test_a_row_is_tried_at_once_and_with_growing_waits_until_it_is_used_up() -> None:
    clock = rows(recovery=Wish(attempts=3, wait=10 * SECOND, factor=2))
    waits = [clock.wait]
    news = []
    for _ in range(3):
        news.append(clock.fail())
        waits.append(clock.wait)
    assert waits == [NO_HINT, 10 * SECOND, 20 * SECOND, None]
    assert news == [False, False, True]
    assert clock.asked.tries_for("recovery") == 3


def test_no_try_is_begun_after_the_instant_that_the_row_has() -> None:
    clock = rows(recovery=Wish(attempts=5, wait=MINUTE, until=NOW + 2 * MINUTE))
    assert [clock.fail(), clock.fail()] == [False, True]
    assert clock.asked.tries_for("recovery") == 2


def test_what_the_service_says_makes_a_wait_longer_and_may_end_the_row() -> None:
    clock = rows(recovery=Wish(attempts=3, wait=10 * SECOND, until=NOW + 5 * MINUTE))
    assert not clock.fail(MINUTE)
    assert clock.wait == MINUTE
    assert clock.fail(10 * MINUTE)
    assert clock.asked.tries_for("recovery") == 2


def test_a_try_of_the_schedule_between_them_is_not_of_the_row_but_what_it_is_told_is_heeded() -> None:
    clock = rows(recovery=Wish(attempts=2, wait=30 * SECOND))
    clock.fail()
    assert not clock.fail(MINUTE, after=5 * SECOND)
    assert (clock.wait, clock.asked.tries_for("recovery")) == (MINUTE, 1)


def test_two_rows_share_a_try_and_each_has_its_own_end() -> None:
    clock = rows(recovery=Wish(attempts=2, wait=30 * SECOND), person=Wish())
    assert clock.fail()  # the person's row is over
    assert [clock.asked.waits(who) for who in ("recovery", "person")] == [True, False]
    assert clock.asked.tries_for("person") == 1
    clock.asked.are_told()
    assert clock.fail()
    assert [clock.asked.tries_for(who) for who in ("recovery", "person")] == [2, 0]


def test_an_end_that_was_told_is_no_news_again() -> None:
    clock = rows(recovery=Wish(attempts=3, wait=30 * SECOND), person=Wish())
    assert clock.fail()
    clock.asked.are_told()
    assert not clock.fail()
    assert clock.asked.tries_for("recovery") == 2


def test_the_try_that_is_under_way_counts() -> None:
    clock = rows(recovery=Wish(attempts=2, wait=30 * SECOND))
    clock.asked.begin(NOW)
    assert clock.asked.tries_for("recovery") == 1


def test_a_try_that_somebody_asks_for_between_those_of_a_row_is_not_of_the_row() -> None:
    clock = rows(recovery=Wish(attempts=2, wait=30 * SECOND))
    clock.fail()
    clock.now += 10 * SECOND
    clock.asked.ask("person", Wish(), clock.now)
    clock.fail()
    assert clock.wait == 20 * SECOND
    assert clock.asked.tries_for("recovery") == 1


def test_what_is_asked_for_while_a_try_is_under_way_is_due_at_once_whatever_that_one_is_told() -> None:
    clock = rows(recovery=Wish())
    clock.asked.begin(NOW)
    clock.asked.ask("person", Wish(), NOW)
    clock.asked.failed(MINUTE, NOW + SECOND)
    assert clock.asked.is_news
    assert clock.asked.is_due(NOW + SECOND)
    assert clock.asked.waits("person")


def test_who_takes_back_their_wish_leaves_the_others_theirs() -> None:
    clock = rows(one=Wish(attempts=2), two=Wish(attempts=2))
    clock.asked.take_back("one")
    clock.asked.take_back("nobody")
    assert [clock.asked.waits(who) for who in ("one", "two")] == [False, True]


def test_what_settles_ends_all_rows_but_those_asked_for_meanwhile() -> None:
    clock = rows(one=Wish(attempts=3, wait=MINUTE))
    clock.fail()
    clock.asked.begin(clock.now + MINUTE)
    clock.asked.ask("two", Wish(), clock.now + MINUTE)
    clock.asked.settled()
    assert [clock.asked.waits(who) for who in ("one", "two")] == [False, True]
    assert clock.asked.tries_for("one") == 2


def test_a_newer_revision_is_the_last_try_of_every_row() -> None:
    clock = rows(one=Wish(attempts=5, wait=MINUTE), two=Wish(attempts=5, wait=MINUTE))
    clock.fail()
    clock.asked.end_with_the_next(clock.now)
    assert clock.fail(after=NO_HINT)
    assert [clock.asked.tries_for(who) for who in ("one", "two")] == [2, 2]
    assert clock.asked.next_at is None


def test_a_try_that_nobody_asked_for_is_news() -> None:
    assert rows().fail(after=MINUTE)
