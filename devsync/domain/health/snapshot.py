"""What the monitor sees at one tick. Everything in it was measured or read; what could not be is None, never zero."""

from math import isfinite
from typing import Annotated, Self

from pydantic import AwareDatetime, BeforeValidator, model_validator

from devsync.domain.breaker import Standing
from devsync.domain.errors import ErrorCategory
from devsync.domain.insight.counted import Count
from devsync.domain.insight.recommendations import Recommendation
from devsync.domain.insight.span import Span
from devsync.domain.model import Model

DATABASE, TEMPORAL = "database", "temporal"
"""Who can be asked, as `unread` and alerts name them."""


def _measured(value: object) -> object:
    """Not a number, infinite or below zero is no measurement: a clock went back, a sensor is broken."""
    if isinstance(value, int | float) and not (isfinite(value) and value >= 0):
        return None
    return value


Measured = Annotated[float | None, BeforeValidator(_measured)]


class ErrorKind(Model):
    """Alike errors of a service within the window, thousands of them in one line."""

    fingerprint: str
    count: Count
    message: str


class Failed(Model):
    """Attempts that failed within one minute for one kind of reason."""

    category: ErrorCategory | None
    """None: no error is on record of them."""
    count: Count
    last_at: AwareDatetime


class ServiceWindow(Model):
    """What one service did within the window."""

    service: str
    attempts: Count
    """Of activities, those that ended, well or not."""
    failures: Count
    errors: Count = 0
    """On record: perhaps more than failed attempts, since one that a breaker refused is an error and no attempt, and a
    step that tried several units has one for each."""
    failed: tuple[Failed, ...] = ()
    """When and by what attempts failed."""
    api_calls: Count = 0
    seconds_p95: Measured = None
    """19 of 20 API calls were not slower."""
    kinds: tuple[ErrorKind, ...] = ()
    """The most frequent ones; three are enough."""
    has_healed: bool = False
    """What failed is over: how many and how slowly says nothing of now, that it was called does."""

    @property
    def error_rate(self) -> float | None:
        """A percentage; None where nothing was tried."""
        return 100 * self.failures / self.attempts if self.attempts else None

    @model_validator(mode="after")
    def _failures_are_attempts(self) -> Self:
        if self.failures > self.attempts:
            raise ValueError("more failures than attempts; count each failure as an attempt, too")
        return self


class EditionRun(Model):
    """An edition that was made within the window."""

    team: str
    iso_week: str
    seconds: Measured
    """From its start to its end; waiting for people is not part of it."""
    peak_memory_mb: Measured = None


class DueEdition(Model):
    """An edition that should be there, or soon will have to be."""

    team: str
    iso_week: str
    deadline: AwareDatetime
    """When it must have been delivered."""
    delivered_at: AwareDatetime | None = None
    """When its first channel had it."""
    called_off: str = ""
    """Who cancelled or rejected it, or paused its schedule, and why: then nobody waits for it."""
    is_paused: bool = False
    """Its schedule is, or was, paused when it fell due."""

    @property
    def key(self) -> str:
        """`team:week`, as alerts name it."""
        return f"{self.team}:{self.iso_week}"


class Machine(Model):
    """Where the process runs that asks. For people: no band is made of them."""

    cpu_percent: Measured = None
    """Of all processors, since the last look."""
    memory_mb: Measured = None
    """What the process holds."""
    disk_free_mb: Measured = None
    """Where it works."""
    database_mb: Measured = None
    """The database, with its indexes."""


class Snapshot(Model):
    """None: could not be read. The rules that need it then say nothing, and what fires goes on firing."""

    window: Span
    """What calls and editions are counted over."""
    services: tuple[ServiceWindow, ...] | None = None
    breakers: tuple[Standing, ...] | None = None
    editions: tuple[EditionRun, ...] | None = None
    due: tuple[DueEdition, ...] | None = None
    """Those whose deadline lies within the window, and every older one that is still not there."""
    recommendations: tuple[Recommendation, ...] | None = None
    machine: Machine = Machine()
    unwritten: str = ""
    """Why the database takes nothing; empty: nobody has tried, or it does."""
    left_out: dict[str, str] = {}
    """Teams of which nothing is known, since their files have been wrong from the start, and what is wrong."""
    unread: dict[str, str] = {}
    """Who could not be asked, and a sentence that says why: what they know is None above."""

    @property
    def unreadable(self) -> tuple[str, ...]:
        """What health cannot do without, and could not be read."""
        needed = {"calls": self.services, "breakers": self.breakers, "editions": self.editions, "due": self.due}
        return tuple(name for name, part in needed.items() if part is None)
