"""What should be changed, and by which evidence: a recommendation, and all that the rules look at to find one."""

from datetime import timedelta

from pydantic import Field, PositiveInt

from devsync.domain.breaker import BreakerConfig
from devsync.domain.errors import ErrorCategory
from devsync.domain.insight.counted import CallCount, Count, Measure, StageCount
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.span import Span
from devsync.domain.model import Model


class Evidence(Model):
    """One measured number, and from how much it was measured."""

    metric: str
    value: float
    unit: str
    samples: int
    limit: float | None = None
    """What it should stay below, or above."""


class SettingChange(Model):
    """The exact line to change. `now` and `proposed` read as the file has them."""

    file: str
    """`config/services.yaml`; `environment` for a variable."""
    path: str
    """`github.concurrency`; the variable's name."""
    now: str
    proposed: str


class Recommendation(Model):
    rule: str
    subject: str
    """The service or stage that it is about."""
    title: str
    why: str
    """What the evidence shows, in a sentence."""
    evidence: tuple[Evidence, ...] = Field(min_length=1)
    change: SettingChange

    @property
    def key(self) -> str:
        """The same as long as the same should be changed: `slow_stage:collect`."""
        return f"{self.rule}:{self.subject}"


class Advice(Model):
    """What the rules found, and what they would not say for want of data."""

    recommendations: tuple[Recommendation, ...] = ()
    not_enough: tuple[NotEnoughData, ...] = ()


class ServiceNumbers(Model):
    """The settings of one service that can be recommended to change, as they are now."""

    concurrency: PositiveInt
    slots: PositiveInt
    http_read: timedelta
    retry_maximum: timedelta
    breaker: BreakerConfig | None = None
    credential: str = ""
    """The environment variable that holds its token; empty: it has none."""


class CategoryCount(Model):
    """Errors of one service and category within the window."""

    service: str
    category: ErrorCategory
    count: Count


class ServiceUse(Model):
    """How busy the calls to a service were while it was being collected from."""

    service: str
    calls: Count
    seconds_in_calls: Measure
    """All calls, one after the other."""
    seconds_collecting: Measure
    """How long collections from it took, summed over the editions."""


class BreakerUse(Model):
    """What a service's breaker did within the window; operators' doings aside."""

    service: str
    openings: Count
    """How often it opened that was closed."""
    recovered_at_once: Count
    """Of them, those that closed again after the first wait."""
    failed_recoveries: Count
    """How often a half-open one opened again."""


class CacheUse(Model):
    """How often what was remembered could be used: a 304, or data of the window that still held."""

    service: str
    lookups: Count
    hits: Count


class EditionUse(Model):
    """What editions took, each as a whole."""

    editions: Count
    seconds_p95: Measure
    peak_mb_p95: Measure | None = None
    """None: nobody measured it."""


class Observations(Model):
    """All that the rules look at, of one window: a rule never looks further."""

    span: Span
    operations: tuple[CallCount, ...] = ()
    categories: tuple[CategoryCount, ...] = ()
    stages: tuple[StageCount, ...] = ()
    editions: EditionUse | None = None
    """None: there was none."""
    uses: tuple[ServiceUse, ...] = ()
    breakers: tuple[BreakerUse, ...] = ()
    caches: tuple[CacheUse, ...] = ()
    settings: dict[str, ServiceNumbers]
    """By service."""
    refresh_every: timedelta = timedelta(hours=6)
    """How often most teams' sources are asked between editions."""
    generation_limit_seconds: float = 180.0
    memory_limit_mb: float = 2048.0
    error_rate_limit: float = 5.0
    """A percentage."""
