"""Tells people about alerts: one message a channel for what began together, kept true until all of it is over."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from devsync.contracts.escalation import ThreadNote, ToldTarget
from devsync.contracts.monitor import AlertStory, MonitorSettings
from devsync.domain.health.book import AlertBook, Notice, Round
from devsync.rendering.escalation_words import reach
from workflows.escalation.board import Board
from workflows.escalation.pager import page, stop_paging
from workflows.escalation.story import digest_of
from workflows.monitor.alert_notice import facts_of, note_of, notice_of

LAST_WORDS = timedelta(hours=6)
"""How long those who were told are still to be told that it is over."""
NOTES_AT_MOST = 50
"""An alert that is told every hour for days: what its message says counts."""
ALERTS = "alerts"


class Stories:
    """The channels' tasks run beside the workflow; none of them holds up a look, nor another channel."""

    def __init__(self, carried: Sequence[AlertStory], changed: Callable[[], None]) -> None:
        self._changed = changed
        self._stories = {story.id: story for story in carried}
        self._boards = {story.id: self._board(story.told) for story in carried}
        self._leaving: list[Board] = []

    def follow(self, after: Round, settings: MonitorSettings, now: datetime) -> None:
        """What happened to alerts, and whether somebody muted one."""
        known = {alert.id: alert for alert in after.changed}
        for id_, story in self._stories.items():
            standing = tuple(known.get(alert.id, alert) for alert in story.alerts)
            self._stories[id_] = story.model_copy(update={"alerts": standing})
        for notice in after.notices:
            self._tell(notice, now)
        self.resume(after.book, settings, now)

    def resume(self, book: AlertBook, settings: MonitorSettings, now: datetime) -> None:
        """Everybody is to know how it stands; after continue-as-new, what was under way goes on."""
        for id_ in list(self._stories):
            self._show(id_, book, settings, now)

    def check(self) -> None:
        """Raises what a task raised: a bug there must not go unseen."""
        for board in (*self._boards.values(), *self._leaving):
            board.check()
        self._leaving = [board for board in self._leaving if not all(task.done() for task in board.tasks.values())]

    async def stop(self) -> tuple[AlertStory, ...]:
        """Between two calls, so that what was sent is known; what is carried on."""
        for board in (*self._boards.values(), *self._leaving):
            board.is_stopping = True
        for board in (*self._boards.values(), *self._leaving):
            await stop_paging(board)
        return tuple(story.model_copy(update={"told": self._boards[id_].told}) for id_, story in self._stories.items())

    @property
    def unreached(self) -> tuple[ToldTarget, ...]:
        """Channels that have not been told for an error, each once."""
        found = {(one.target.kind, one.target.target): one for board in self._boards.values() for one in board.told}
        return tuple(one for one in found.values() if one.error and not one.is_reached)

    @property
    def reach(self) -> dict[str, str]:
        """By the id of an alert that a message is about: how many of the channels have it."""
        boards = ((story, self._boards[id_]) for id_, story in self._stories.items())
        return {alert.id: reach(board.told) for story, board in boards for alert in story.alerts}

    def _tell(self, notice: Notice, now: datetime) -> None:
        """A note in each message that is about one of them already; one new message for the rest."""
        wanted = {alert.id for alert in notice.alerts}
        told: set[str] = set()
        for id_, story in self._stories.items():
            about = wanted & {alert.id for alert in story.alerts}
            if about:
                told |= about
                self._boards[id_].try_again()
                notes = (*story.notes, ThreadNote(at=now, text=note_of(notice)))[:NOTES_AT_MOST]
                self._stories[id_] = story.model_copy(update={"notes": notes, "occasion": notice.id, "over_at": None})
        new = tuple(alert for alert in notice.alerts if alert.id not in told)
        if new:
            self._stories[notice.id] = AlertStory(id=notice.id, alerts=new, occasion=notice.id)
            self._boards[notice.id] = self._board(())

    def _show(self, id_: str, book: AlertBook, settings: MonitorSettings, now: datetime) -> None:
        story, board = self._stories[id_], self._boards[id_]
        if self._is_over(story) and story.over_at is None:
            story = self._stories[id_] = story.model_copy(update={"over_at": now})
        mute = book.mute_of(story.alerts[0].key, now) if len(story.alerts) == 1 else None
        notice = notice_of(story, mute)
        board.is_closing = story.over_at is not None
        board.configure(f"alert/{story.id}", settings)
        board.show(notice, digest_of(facts_of(story, mute)), story.occasion, story.notes)
        page(board, () if board.is_closing else settings.channels, ALERTS)
        if story.over_at is not None and (not board.is_anybody_behind or now - story.over_at > LAST_WORDS):
            board.is_stopping = True
            self._leaving.append(board)
            del self._stories[id_], self._boards[id_]

    @staticmethod
    def _is_over(story: AlertStory) -> bool:
        return all(not alert.is_open and not alert.owes_its_end for alert in story.alerts)

    def _board(self, told: Sequence[ToldTarget]) -> Board:
        return Board(told, lambda _: None, self._changed)
