"""What every collecting activity shares: pages stored before they are reported, retries that go on from there."""

import json
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError

from devsync.contracts.artifacts import INLINE_LIMIT, ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.names import LOCAL
from devsync.domain.model import Model
from devsync.runtime.activity_errors import to_application_error
from devsync.runtime.classification import classify
from devsync.storage.artifacts import ArtifactStore, StoreUnavailable
from devsync.storage.connection import DatabaseUnavailable
from devsync.storage.pages import CollectionPages
from devsync.storage.threads import LoopBridge

M = TypeVar("M", bound=Model)
T = TypeVar("T")

HANDED_BACK_DELAY = timedelta(milliseconds=100)

RECOLLECT_DELAY = timedelta(minutes=5)
"""With the store away no page is stored: each attempt asks the service for all of them again."""


class TimeIsUp(TimeoutError):
    """What collects had to be done by now."""


@dataclass(frozen=True)
class PageResult:
    """One page in the product's words, and where the next one is (None: this was the last)."""

    entries: list[dict[str, Any]]
    next_cursor: str | None
    etag: str | None = None
    api_calls: int = 1


@dataclass(frozen=True)
class Shelf:
    """Where collections put things; blocking, for activities in threads."""

    pages: CollectionPages
    store: ArtifactStore
    bridge: LoopBridge


class _OnItsWay(NamedTuple):
    """A page that is being stored."""

    part: str
    number: int
    until_stored: Callable[[], object]


@dataclass
class Collection:
    """One attempt at one unit. Create it inside the activity's thread, or one that has its context."""

    shelf: Shelf
    collection_id: str
    team: str
    unit: str
    until: datetime | None = None
    """It is given up then, where an activity works on several units."""
    api_calls: int = 0
    pages_resumed: int = 0
    etags: dict[tuple[str, int], str | None] = field(default_factory=dict)
    """Of each page that was read, by part and number from 1: this attempt's and the resumed ones."""
    _stored: dict[str, list[PageResult]] = field(default_factory=dict)
    _on_its_way: _OnItsWay | None = None
    _reported: tuple[str, int] | None = None

    def beat(self) -> None:
        """A sign of life, from this attempt's thread: again the last page that was reported.

        Raises CancelledError and TimeIsUp: nothing interrupts a thread that an activity has started itself.
        """
        if activity.is_cancelled():
            raise CancelledError(f"the collection of {self.unit} is cancelled")
        if self.until is not None and datetime.now(UTC) >= self.until:
            raise TimeIsUp(f"no time is left to collect {self.unit}")
        activity.heartbeat(*(self._reported or ()))

    def at_shelf(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work on the shelf gives; it may take as long as a call."""
        try:
            self.beat()
        except BaseException:
            work.close()
            raise
        return self.shelf.bridge.run(work)

    def resume(self) -> None:
        """Loads what earlier attempts stored. With the database away an attempt starts afresh."""
        try:
            stored = self.at_shelf(self.shelf.pages.stored_pages(self.collection_id, self.unit))
        except DatabaseUnavailable as error:
            activity.logger.warning("collecting %s without stored pages: %s", self.unit, error)
            return
        for page in stored:
            result = PageResult(json.loads(page.content), page.next_cursor, page.etag)
            self._stored.setdefault(page.part, []).append(result)

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier attempt stored anything."""
        return bool(self._stored)

    def has_stored(self, part: str) -> bool:
        """Whether an earlier attempt stored pages of that part: a road taken before goes on."""
        return part in self._stored

    def read_all(self, part: str, first_cursor: str, fetch: Callable[[str], PageResult]) -> list[dict[str, Any]]:
        """All entries of one list, page by page; a page is on the shelf before it is reported."""
        entries: list[dict[str, Any]] = []
        cursor: str | None = first_cursor
        number = 0
        for stored in self._stored.get(part, ()):
            entries += stored.entries
            cursor = stored.next_cursor
            number += 1
            self.pages_resumed += 1
            self.etags[part, number] = stored.etag
        try:
            while cursor is not None:
                self._hand_back_at_shutdown()
                page = fetch(cursor)
                self.beat()
                self._until_reported()
                self.api_calls += page.api_calls
                entries += page.entries
                number += 1
                self.etags[part, number] = page.etag
                self._keep(part, number, page)
                cursor = page.next_cursor
        finally:
            self._until_reported()
        return entries

    def finish(
        self,
        data: Model,
        counts: dict[str, int],
        *,
        slim: Callable[[], Model] | None = None,
        inline_share: int = INLINE_LIMIT,
    ) -> UnitCollected:
        """Puts the whole unit away as one artifact.

        Where it would carry more than `inline_share` characters inline, the store being away, `slim` gives it without
        its texts, and the result says so. When even that is too large to travel inline, the attempt fails, and the next
        one comes no sooner than RECOLLECT_DELAY.
        """
        artifact = self._put_within(inline_share, data)
        dropped = artifact is None and slim is not None
        if artifact is None:
            artifact = self._put_or_wait(slim() if slim is not None else data)
        return UnitCollected(
            unit=self.unit,
            artifact=artifact,
            api_calls=self.api_calls,
            pages_resumed=self.pages_resumed,
            counts=counts,
            bodies_dropped=dropped,
            collected_at=datetime.now(UTC),
        )

    def _hand_back_at_shutdown(self) -> None:
        if activity.is_worker_shutdown():
            raise ApplicationError(
                f"the worker shuts down; {self.unit} goes on elsewhere from its last stored page",
                type="HandedBack",
                next_retry_delay=HANDED_BACK_DELAY,
                category=ApplicationErrorCategory.BENIGN,
            )

    def _keep(self, part: str, number: int, page: PageResult) -> None:
        """Begins to store the page. The next one is asked for meanwhile; at most one page is on its way."""
        content = json.dumps(page.entries, ensure_ascii=False, separators=(",", ":")).encode()
        storing = self.shelf.pages.store_page(
            team=self.team,
            collection_id=self.collection_id,
            unit=self.unit,
            part=part,
            page=number,
            next_cursor=page.next_cursor,
            content=content,
            etag=page.etag,
        )
        self._on_its_way = _OnItsWay(part, number, self.shelf.bridge.start(storing))

    def _until_reported(self) -> None:
        """Waits until the page on its way is stored, then tells Temporal of it."""
        if self._on_its_way is None:
            return
        part, number, until_stored = self._on_its_way
        self._on_its_way = None
        try:
            until_stored()
        except DatabaseUnavailable as error:
            activity.logger.warning("page %d of %s is not stored: %s", number, part, error)
        self._reported = part, number
        self.beat()

    def _put_within(self, inline_share: int, data: Model) -> ArtifactRef | None:
        try:
            artifact = self._put(data)
        except StoreUnavailable as error:
            activity.logger.warning("%s is too large as a whole: %s", self.unit, error)
            return None
        return artifact if artifact.inline_size <= inline_share else None

    def _put_or_wait(self, data: Model) -> ArtifactRef:
        try:
            return self._put(data)
        except StoreUnavailable as error:
            failure = classify(error, LOCAL, datetime.now(UTC))
            raise to_application_error(failure, RECOLLECT_DELAY) from error

    def _put(self, data: Model) -> ArtifactRef:
        content = data.model_dump_json().encode()
        return self.at_shelf(self.shelf.store.put(content, kind="collected", team=self.team))


def unique(entries: Iterable[M], key: Callable[[M], Any]) -> tuple[M, ...]:
    """The first of each key: lists that move while they are read show an entry twice."""
    seen: dict[Any, M] = {}
    for entry in entries:
        seen.setdefault(key(entry), entry)
    return tuple(seen.values())
