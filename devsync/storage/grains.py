"""Which parts of a window are read from counts of days, which from counts of hours, and which from rows."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from devsync.domain.insight.span import Span

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Grain(StrEnum):
    ROW = "row"
    HOUR = "hour"
    DAY = "day"


_LENGTHS: Final = {Grain.DAY: timedelta(days=1), Grain.HOUR: timedelta(hours=1)}


class Part(NamedTuple):
    grain: Grain
    span: Span


def parts(span: Span) -> list[Part]:
    """The window as the fewest parts that are exact: its whole days, the hours around them, rows at its edges.

    They cover it without a gap and do not overlap. Hours and days are those of UTC. An empty window has one empty part.
    """
    return list(_split(span, (Grain.DAY, Grain.HOUR))) or [Part(Grain.ROW, span)]


def _split(span: Span, grains: Sequence[Grain]) -> Iterator[Part]:
    if span.start >= span.end:
        return
    if not grains:
        yield Part(Grain.ROW, span)
        return
    grain, finer = grains[0], grains[1:]
    length = _LENGTHS[grain]
    first, end = _EPOCH - (_EPOCH - span.start) // length * length, _EPOCH + (span.end - _EPOCH) // length * length
    if first >= end:
        yield from _split(span, finer)
        return
    yield from _split(Span(start=span.start, end=first), finer)
    yield Part(grain, Span(start=first, end=end))
    yield from _split(Span(start=end, end=span.end), finer)
