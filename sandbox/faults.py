"""Which requests go wrong, and how: the faults as data, and the book that decides whether one fires."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class FaultKind(StrEnum):
    """What each does is in `WHAT_HAPPENS`."""

    LATENCY = "latency"
    REFUSED = "refused"
    RESET = "reset"
    STATUS = "status"
    HTML = "html"
    TRUNCATED = "truncated"
    CUT_JSON = "cut_json"
    MALFORMED = "malformed"
    EMPTY = "empty"
    SLOW_DRIP = "slow_drip"
    RATE_LIMIT = "rate_limit"
    SECONDARY_LIMIT = "secondary_limit"
    COMMITTED_TIMEOUT = "committed_timeout"
    PARTIAL = "partial"
    NULLS = "nulls"
    REPEATED_CURSOR = "repeated_cursor"


WHAT_HAPPENS: Final[Mapping[FaultKind, str]] = {
    FaultKind.LATENCY: "The true answer, `latency_ms` ± `jitter` late. Joins with any other fault.",
    FaultKind.REFUSED: "The port is closed for `seconds` (0: until it is cleared), and open connections are reset.",
    FaultKind.RESET: "The connection ends with a TCP reset instead of an answer; the handler does not run.",
    FaultKind.STATUS: "An error `status` with a JSON body in the service's words.",
    FaultKind.HTML: "An error `status` with an HTML page, as a proxy in front of the service sends it.",
    FaultKind.TRUNCATED: "The true answer breaks off half-way: Content-Length promises more, and the connection ends.",
    FaultKind.CUT_JSON: "The first half of the true answer as a complete 200.",
    FaultKind.MALFORMED: "A 200 that says application/json and is none.",
    FaultKind.EMPTY: "A 200 without a body.",
    FaultKind.SLOW_DRIP: "The true answer in small pieces over `seconds`: no read time-out fires, and it takes long.",
    FaultKind.RATE_LIMIT: "429 with Retry-After, in seconds or as an HTTP date.",
    FaultKind.SECONDARY_LIMIT: "GitHub's 403 for too many requests at once, with Retry-After.",
    FaultKind.COMMITTED_TIMEOUT: "The handler runs and its effect stays, the answer is held back for `seconds`.",
    FaultKind.PARTIAL: "GraphQL: the true answer, but null at `field`, with an entry in `errors` that names it.",
    FaultKind.NULLS: "The true JSON answer, but null at `field`, whatever the schema says, and no word of it.",
    FaultKind.REPEATED_CURSOR: "GraphQL: the connection at `field` says: more, behind the same cursor.",
}

_BENDING = (FaultKind.PARTIAL, FaultKind.NULLS, FaultKind.REPEATED_CURSOR)


class Fault(BaseModel):
    """One fault. It fires for a matching request after `after` of them, with `probability`, `count` times."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    service: str
    route: str = ""
    """A regular expression searched for in the path; empty: every path."""
    method: str = ""
    """Empty: every method."""
    probability: float = Field(default=1.0, gt=0, le=1)
    count: int | None = Field(default=None, ge=1)
    """How many times it fires before it is gone; None: until it is cleared."""
    after: int = Field(default=0, ge=0)
    """How many matching requests pass before the first can be hit."""
    larger_than: int | None = Field(default=None, ge=0)
    """Only for a request that asks for a page of more records than this, as GitHub's GraphQL time-outs do."""
    about: str = ""
    """Only for a request in whose query or body this regular expression is found: what all ask for at one path, such
    as a repository by GraphQL, a project by JQL or a Slack channel."""
    field: str = ""
    """A dotted path in the JSON of the answer, `*` for every item: `data.repository.pullRequests.nodes.*.title`."""
    seed: int = 0
    """The draws of `probability` and `jitter` depend on nothing else."""

    latency_ms: float = Field(default=0.0, ge=0)
    jitter: float = Field(default=0.0, ge=0, le=1)
    """Fraction of `latency_ms` by which it varies either way, uniformly."""
    seconds: float = Field(default=0.0, ge=0)
    status: int = Field(default=503, ge=400, le=599)
    retry_after_seconds: int = Field(default=60, ge=0)
    retry_after_as_date: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in ("route", "about"):
            try:
                re.compile(getattr(self, name))
            except re.error as error:
                raise ValueError(f'{name} "{getattr(self, name)}" is not a regular expression: {error}') from None
        if self.kind is FaultKind.LATENCY and not self.latency_ms:
            raise ValueError("a latency fault needs latency_ms")
        if self.kind in (FaultKind.SLOW_DRIP, FaultKind.COMMITTED_TIMEOUT) and not self.seconds:
            raise ValueError(f"a {self.kind.value} fault needs seconds")
        if self.kind in _BENDING and not self.field:
            raise ValueError(f"a {self.kind.value} fault needs a field")
        return self

    @property
    def is_immediate(self) -> bool:
        """A refused port waits for no request, unless the fault asks for one."""
        narrowed = self.route or self.method or self.about or self.after or self.larger_than is not None
        return self.kind is FaultKind.REFUSED and not narrowed and self.probability == 1


class _Entry:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self.fired = 0
        self.random = Random(fault.seed)
        self.route = re.compile(fault.route)
        self.about = re.compile(fault.about)

    @property
    def is_spent(self) -> bool:
        return self.fault.count is not None and self.fired >= self.fault.count

    def matches(self, service: str, method: str, path: str, page_size: int, words: str) -> bool:
        fault = self.fault
        return (
            fault.service == service
            and (fault.larger_than is None or page_size > fault.larger_than)
            and (not fault.method or fault.method.upper() == method)
            and self.route.search(path) is not None
            and self.about.search(words) is not None
        )

    def fires(self) -> bool:
        self.seen += 1
        if self.is_spent or self.seen <= self.fault.after:
            return False
        if self.fault.probability < 1 and self.random.random() >= self.fault.probability:
            return False
        self.fired += 1
        return True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to one request: a delay first, then at most one other fault."""

    delay_seconds: float = 0.0
    fault: Fault | None = None
    kinds: tuple[str, ...] = ()


_NOTHING = Verdict()


class FaultBook:
    """The faults in force. `close_port(service, seconds)` and `open_port(service)` carry out refusals.

    Faults are tried in the order in which they were added: all latencies add up, the first other one that
    fires decides the answer, and those behind it are not asked (they keep their count).
    """

    def __init__(self, close_port: Callable[[str, float], None], open_port: Callable[[str], None]) -> None:
        self._close_port = close_port
        self._open_port = open_port
        self._entries: dict[int, _Entry] = {}
        self._next_id = 1

    def add(self, fault: Fault) -> int:
        """Puts a fault in force and returns its id."""
        fault_id = self._next_id
        self._next_id += 1
        entry = self._entries[fault_id] = _Entry(fault)
        if fault.is_immediate:
            entry.fired = 1
            self._close_port(fault.service, fault.seconds)
        return fault_id

    def clear(self, fault_id: int | None = None) -> None:
        """Takes one fault, or all, out of force; a port that it holds closed opens. KeyError: no such fault."""
        if fault_id is not None and fault_id not in self._entries:
            raise KeyError(fault_id)
        for known_id in [fault_id] if fault_id is not None else list(self._entries):
            fault = self._entries.pop(known_id).fault
            if fault.kind is FaultKind.REFUSED:
                self._open_port(fault.service)

    def listing(self) -> list[dict[str, object]]:
        """Each fault with its id, how many requests matched it and how many times it fired."""
        return [
            {"id": fault_id, "seen": entry.seen, "fired": entry.fired, "is_spent": entry.is_spent}
            | entry.fault.model_dump(mode="json")
            for fault_id, entry in self._entries.items()
        ]

    def fired(self, fault_id: int) -> int:
        return self._entries[fault_id].fired

    @property
    def asks_for_page_size(self) -> bool:
        """Whether any fault depends on it: finding it out means reading the request."""
        return any(entry.fault.larger_than is not None for entry in self._entries.values())

    @property
    def asks_for_words(self) -> bool:
        """Likewise for what its query and body say."""
        return any(entry.fault.about for entry in self._entries.values())

    def judge(self, service: str, method: str, path: str, page_size: int = 0, words: str = "") -> Verdict:
        """Decides what happens to a request, and counts it against the faults that it meets."""
        if not self._entries:
            return _NOTHING
        delay_seconds = 0.0
        decisive: Fault | None = None
        kinds: list[str] = []
        for entry in self._entries.values():
            fault = entry.fault
            is_latency = fault.kind is FaultKind.LATENCY
            if fault.is_immediate or (decisive is not None and not is_latency):
                continue
            if not entry.matches(service, method, path, page_size, words) or not entry.fires():
                continue
            kinds.append(fault.kind.value)
            if is_latency:
                spread = fault.jitter * entry.random.uniform(-1, 1)
                delay_seconds += fault.latency_ms / 1000 * (1 + spread)
            else:
                decisive = fault
        return Verdict(delay_seconds, decisive, tuple(kinds))
