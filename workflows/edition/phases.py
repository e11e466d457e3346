"""How long a run has spent in which phase, by the workflow's clock."""

from datetime import datetime

from devsync.contracts.edition import Phase


class PhaseTimes:
    """A phase that is entered twice has the sum."""

    def __init__(self, now: datetime) -> None:
        self._began = self._entered = now
        self._phase = Phase.PLANNING
        self._seconds: dict[Phase, float] = {}

    def enter(self, phase: Phase, now: datetime) -> None:
        self._seconds = self._spent(now)
        self._phase, self._entered = phase, now

    def seconds(self, now: datetime) -> dict[str, float]:
        """By phase, and `total`, to the millisecond."""
        spent = {phase.value: round(seconds, 3) for phase, seconds in self._spent(now).items()}
        return {"total": round((now - self._began).total_seconds(), 3), **spent}

    def _spent(self, now: datetime) -> dict[Phase, float]:
        here = self._seconds.get(self._phase, 0.0) + (now - self._entered).total_seconds()
        return self._seconds | {self._phase: here}
