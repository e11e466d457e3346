"""The overview's first words: whether somebody has to do something, at a glance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dashboard.picture import Picture
from devsync.domain.health.bands import Band
from devsync.rendering.wording import listed

_TROUBLE: Final = {
    Band.UNKNOWN: "Nobody can tell",
    Band.DEGRADED: "Something is not as it should be",
    Band.UNHEALTHY: "Something is broken",
    Band.CRITICAL: "It does not work",
}
NOT_KNOWN: Final = "nobody can tell whether people are asked"


def headline(picture: Picture) -> str:
    """What is so now. While something fires, or people are asked, or may be, all is never simply well."""
    band = picture.health_now.band
    if band in _TROUBLE:
        return _TROUBLE[band]
    well = "All is well again" if picture.healed else "All is well"
    doubts = list(_doubts(picture))
    return f"{well}, but {listed(doubts)}" if doubts else well


def _doubts(picture: Picture) -> Iterator[str]:
    if picture.firing.wrong:
        yield "an alert fires" if picture.firing.wrong == 1 else "alerts fire"
    if picture.escalations is None:
        yield NOT_KNOWN
    elif picture.asked:
        yield "people are asked"
    elif picture.escalations:
        yield "people were told of what is still so"
