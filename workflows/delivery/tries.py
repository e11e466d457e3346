"""When a Delivery tries next: by its schedule, or sooner and several times in a row, where somebody asks for it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from temporalio import workflow

from devsync.contracts.delivery import PutOff, TryNow
from devsync.domain.asked_tries import AskedTries, Wish
from devsync.domain.delivery_waits import DeliveryWaits
from workflows.delivery.work import DeliveryWork

PERSON = ""
"""Who asks without a workflow that is to be answered."""


class DeliveryTries:
    """A try that somebody asks for uses up no step of the schedule; what it is told is heeded.

    Who asks for a row of tries hears nothing before its end: each report costs them, and those who wait with them, as
    much as the try itself.
    """

    def __init__(self, work: DeliveryWork) -> None:
        self._work = work
        self._asked = AskedTries()
        self._waits: DeliveryWaits
        self._due_at: datetime | None = None
        """The schedule's next try; None: that one was made last, or there is none."""
        self._not_before: datetime | None = None
        self._is_released = False

    # What is said.

    def ask(self, message: TryNow) -> None:
        wish = Wish(attempts=message.attempts, wait=message.wait, factor=message.factor, until=message.until)
        self._asked.ask(message.reply_to or PERSON, wish, workflow.now())
        self._not_before = None

    def put_off(self, message: PutOff) -> None:
        """Whoever puts it off takes back the tries that they asked for; those of others are made all the same."""
        self._not_before = message.until
        if message.by is not None:
            self._asked.take_back(message.by)

    def revise(self) -> None:
        """There is a newer revision, which is tried at once."""
        self._asked.end_with_the_next(workflow.now())
        self._not_before = None

    def release(self) -> None:
        """Calls to the service go out again."""
        self._is_released = True

    # What becomes of them.

    def follow_schedule(self) -> None:
        """From its beginning, whose first try is made now."""
        self._waits = DeliveryWaits(self._work.request.schedule.retry_after, workflow.random().uniform)
        self._due_at = None

    def begin(self) -> None:
        self._asked.begin(workflow.now())

    def failed(self) -> None:
        """The try settled nothing: when is the next one?"""
        now, setback = workflow.now(), self._work.setback
        self._asked.failed(self._waits.hint(setback, now), now)
        next_wait = self._waits.after if self._due_at is None else self._waits.hint
        wait = next_wait(setback, now)
        if wait is not None:
            self._due_at = max(self._due_at or now, now + wait)

    def settled(self) -> None:
        self._asked.settled()

    def are_told(self) -> None:
        """Those who asked for a row that is over have heard what came of it."""
        self._asked.are_told()

    # What there is to know.

    @property
    def are_used_up(self) -> bool:
        return self._by_schedule is None and self._asked.next_at is None

    @property
    def are_news(self) -> bool:
        """Whether those who listen are to hear of the one that failed now."""
        return self._asked.is_news

    @property
    def are_too_late(self) -> bool:
        """Of what is of use until an instant: the next one would be later."""
        return self._asked.next_at is None and self._due_at is not None and self._work.is_too_late(self._due_at)

    @property
    def are_asked_for_now(self) -> bool:
        return self._asked.is_due(workflow.now())

    def waits(self, listener: str) -> bool:
        """Whether that one asked for a row which goes on, and is to hear of its end alone."""
        return self._asked.waits(listener)

    def made_for(self, listener: str) -> int:
        """Those of its row, the one under way included; 0 once it was told the end."""
        return self._asked.tries_for(listener)

    @property
    def next_at(self) -> datetime:
        """There is one, unless they are used up."""
        return min(at for at in (self._by_schedule, self._asked.next_at) if at is not None)

    def is_woken(self) -> bool:
        """Somebody asks for one now, or what a breaker refused may be called again."""
        setback = self._work.setback
        was_refused = setback is not None and setback.retry_at is not None
        return self.are_asked_for_now or (was_refused and self._is_released)

    def take_turn(self) -> None:
        """The next one is made now, by the schedule unless it is somebody's alone."""
        is_scheduled = self._by_schedule is not None and self._by_schedule <= workflow.now()
        if is_scheduled or not self.are_asked_for_now:
            self._due_at = self._not_before = None
        self._is_released = False

    @property
    def _by_schedule(self) -> datetime | None:
        """None where it is used up. What was put off is tried then in any case: somebody counts on it."""
        return max((at for at in (self._due_at, self._not_before) if at is not None), default=None)


async def until_next_try(tries: DeliveryTries, work: DeliveryWork, is_over: Callable[[], bool]) -> None:
    """Waits until it is time, or until something makes waiting senseless."""

    def is_woken() -> bool:
        return is_over() or tries.is_woken()

    while not is_woken() and tries.next_at > workflow.now():
        work.tell(f"the next try, in {tries.next_at - workflow.now()}")
        await _until(tries, work, is_woken)
    tries.take_turn()
    work.tell()


async def _until(tries: DeliveryTries, work: DeliveryWork, is_woken: Callable[[], bool]) -> None:
    """Until it is time as it stands now."""
    at = tries.next_at
    with suppress(TimeoutError):
        await workflow.wait_condition(
            lambda: is_woken() or tries.next_at != at,
            timeout=at - workflow.now(),
            timeout_summary=f"Next try after: {work.reason}"[:200],
        )
