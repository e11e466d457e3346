"""How an edition ends that meets a fault of the matrix. `test_editions.py` shows it, `make docs` prints it."""

from enum import StrEnum
from typing import NamedTuple

from sandbox.faults import Fault, FaultKind
from tests.faults.matrix import GITHUB_GRAPHQL, SLACK, SMALLER_PAGES, Row

ATTEMPTS = 3
"""Allowed while these are measured; shipped is an hour of them."""

LONGEST_WAIT_SECONDS = 30
LONGEST_REPEATED_WAIT_SECONDS = 1
"""A test does not wait for longer ones: once, and again and again."""


class End(StrEnum):
    """Of what met the fault: a source of the edition, or a channel."""

    COMPLETE = "complete"
    GAP = "gap"
    """The edition is partial and names the source."""
    DELIVERED = "delivered"
    QUEUED = "queued"
    """Not there at the deadline; the delivery goes on."""
    FAILED = "failed"
    """The channel refused for good: somebody must look."""


class Ending(NamedTuple):
    end: End
    attempts: int
    """Made until then. Of a channel: posts."""


POSTED = {
    "later than the read time-out",
    "done, but the answer is held back",
    "in small pieces over 2 s",
    "cut off half-way",
    "half of the JSON",
    "null for the message's id",
}
"""What Slack took although its answer was lost: it is found in the channel by its key, and not posted again."""

HEALED_WITHIN = {SLACK: POSTED, GITHUB_GRAPHQL: SMALLER_PAGES}
"""What needs no second attempt."""


def strikes_all(row: Row) -> bool:
    """A closed port, and a pause that one caller is told: nothing else can be asked of the service meanwhile."""
    is_closed = isinstance(row.fault, Fault) and row.fault.kind is FaultKind.REFUSED
    return is_closed or (row.expected is not None and row.expected.pauses)


def passing(row: Row) -> Ending | None:
    """Where it strikes once. None: not brought about."""
    expected = row.expected
    if strikes_all(row) or (expected is not None and expected.hint_seconds > LONGEST_WAIT_SECONDS):
        return None
    done = End.DELIVERED if row.api == SLACK else End.COMPLETE
    if expected is None or row.name in HEALED_WITHIN.get(row.api, ()):
        return Ending(done, 1)
    return Ending(done, 2) if expected.is_retryable else staying(row)


def staying(row: Row) -> Ending | None:
    """Where it strikes each time. None: not brought about."""
    expected = row.expected
    if row.name == "too many blocks":
        return None  # renderings keep to Slack's limits
    if expected is None:
        return Ending(End.DELIVERED if row.api == SLACK else End.COMPLETE, 1)
    if expected.is_retryable and expected.hint_seconds > LONGEST_REPEATED_WAIT_SECONDS:
        return None
    if row.api != SLACK:
        return Ending(End.GAP, ATTEMPTS if expected.is_retryable else 1)
    if row.name in POSTED:
        return Ending(End.DELIVERED, 1)
    if expected.is_retryable:
        return Ending(End.QUEUED, ATTEMPTS)
    return Ending(End.QUEUED if expected.pauses else End.FAILED, 1)
