"""What fires now, as the monitor knows it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final, NamedTuple

from temporalio.client import Client

from dashboard.asking import asked
from dashboard.viewer import Viewer
from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.book import Alert, Mute
from devsync.runtime.monitor import MonitorOperations

NEW_SECONDS: Final = 10.0
"""The monitor itself looks once a minute; what people say of an alert is seen so soon."""
PATIENCE_SECONDS: Final = 0.25
"""Of a picture with the monitor: what it says later is shown with the next one."""


class Firing(NamedTuple):
    alerts: tuple[Alert, ...] = ()
    """Those that are open, the worst first."""
    mutes: tuple[Mute, ...] = ()
    is_known: bool = True
    silence: str = ""
    """Why it is not known; empty while the monitor is being asked."""
    is_on: bool = True
    """False: nobody looks, as the configuration wants it."""

    def seen_by(self, viewer: Viewer) -> Firing:
        return self._replace(alerts=tuple(one for one in self.alerts if viewer.may_see(one.team)))

    @property
    def counts(self) -> str:
        """`2 critical, 1 high, 1 clearing, 1 told by another`; empty where nothing is open."""
        levels = Counter(alert.level for alert in self._news)
        words = [f"{levels[level]} {level.value}" for level in reversed(ErrorSeverity) if levels[level]]
        clearing = sum(alert.clearing_since is not None for alert in self.alerts)
        following = len(self.alerts) - levels.total() - clearing
        others = {"clearing": clearing, "told by another": following}
        return ", ".join([*words, *(f"{count} {word}" for word, count in others.items() if count)])

    @property
    def wrong(self) -> int:
        """How many say that something is wrong still; advice does not, which is an alert of the lowest level."""
        return sum(one.level is not ErrorSeverity.LOW for one in self._news)

    @property
    def _news(self) -> list[Alert]:
        """What is wrong still, and is not told by the alert of its cause."""
        return [one for one in self.alerts if one.clearing_since is None and not one.follows]

    def is_muted(self, alert: Alert, now: datetime) -> bool:
        return any(mute.holds(alert.key, now) for mute in self.mutes)


BEING_ASKED: Final = Firing(is_known=False)


async def firing(temporal: Client) -> Firing:
    """Raises nothing for a monitor that does not answer."""
    away: list[str] = []
    view = await asked(MonitorOperations(temporal).view(), away, who="the monitor")
    if view is None:
        return Firing(is_known=False, silence=away[0])
    return Firing(view.open_ones, view.mutes, is_on=view.is_on)
