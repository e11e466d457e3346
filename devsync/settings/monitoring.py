"""config/monitoring.yaml: from when on something is wrong, and who is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, model_validator

from devsync.contracts import names
from devsync.domain.escalation.policy import Target
from devsync.domain.health.book import AlertPolicy
from devsync.domain.health.naming import RuleName
from devsync.domain.health.thresholds import Limit, Percentage, Thresholds
from devsync.domain.model import Model
from devsync.settings.durations import Duration, PositiveDuration
from devsync.settings.escalation import Recipient, SlackRecipient
from devsync.settings.problems import problem_at
from devsync.settings.yaml_file import YamlFile, read_yaml

SHORTEST_WINDOW: Final = timedelta(minutes=5)
LONGEST_WINDOW: Final = timedelta(days=7)

_SAID_TWICE: Final = (
    ("error_threshold_percentage", "error_rate_percentage"),
    ("performance_threshold_seconds", "generation_time_seconds"),
)
"""Two names for one number, the second one below `thresholds`."""


def _recipient(written: object) -> object:
    """A text is a mail address where it looks like one, else somebody in Slack."""
    if not isinstance(written, str):
        return written
    is_mail = "@" in written[1:]
    return {"kind": names.EMAIL if is_mail else names.SLACK, "to": written}


def _window(length: timedelta) -> timedelta:
    if not SHORTEST_WINDOW <= length <= LONGEST_WINDOW:
        raise ValueError("is not between 5m and 7d; write 1h")
    return length


AlertChannel = Annotated[Recipient, BeforeValidator(_recipient)]
Window = Annotated[Duration, AfterValidator(_window)]
_USUAL: Final = AlertPolicy()


class AlertSettings(Model):
    """When people are told."""

    cool_down: PositiveDuration = _USUAL.cool_down
    """What still fires after this time is told again, and what comes back is not told sooner."""
    cool_downs: dict[RuleName, PositiveDuration] = _USUAL.cool_downs
    """Of the rules that have one of their own."""
    resolve_after: Duration = _USUAL.resolve_after
    """How long a problem must be over before its alert is resolved."""
    acknowledged_for: PositiveDuration = _USUAL.acknowledged_for
    """How long whoever has acknowledged is not reminded."""
    grouped_from: Annotated[int, Field(ge=2)] = _USUAL.grouped_from
    """From this many alerts of one rule at one look on they are one message."""
    notices_per_hour: PositiveInt = _USUAL.notices_per_hour
    """More than these wait, critical alerts aside."""


class MonitoringSettings(Model):
    """What the monitor looks for, and whom it tells."""

    enable_real_time_monitoring: bool = True
    """False: the monitor looks at nothing."""
    enable_alerting: bool = True
    """False: alerts are kept and shown, and nobody is told."""
    enable_analytics: bool = True
    """False: no recommendations are worked out."""
    alert_channels: tuple[AlertChannel, ...] = (
        SlackRecipient(to="#changelog-alerts"),
        SlackRecipient(to="#engineering-alerts"),
    )
    """Who is told: `"#channel"`, `"@person"`, a mail address, or a webhook as in escalation.yaml."""
    monitoring_interval_seconds: Annotated[int, Field(ge=5, le=3600)] = 60
    """How often the monitor looks, from 5 to 3600."""
    error_threshold_percentage: Percentage = 5.0
    """Another name of `thresholds.error_rate_percentage`."""
    performance_threshold_seconds: Limit = 180.0
    """Another name of `thresholds.generation_time_seconds`."""
    thresholds: Thresholds = Thresholds()
    """From when on something is wrong."""
    window: Window = timedelta(hours=1)
    """What calls and editions are counted over, from 5m to 7d."""
    alerts: AlertSettings = AlertSettings()
    """When people are told."""

    @property
    def interval(self) -> timedelta:
        return timedelta(seconds=self.monitoring_interval_seconds)

    @property
    def limits(self) -> Thresholds:
        """The thresholds, whichever of its two names each was written under."""
        return Thresholds.model_validate(self.thresholds.model_dump() | self._written_above())

    @property
    def alert_policy(self) -> AlertPolicy:
        """As the book of alerts goes by it."""
        others = {"is_silent": not self.enable_alerting, "looked_back": self.window}
        return AlertPolicy.model_validate(self.alerts.model_dump() | others)

    @property
    def targets(self) -> tuple[Target, ...]:
        return tuple(channel.target() for channel in self.alert_channels)

    @property
    def kinds(self) -> set[str]:
        """The services that reach those who are told."""
        return {channel.kind for channel in self.alert_channels} if self.enable_alerting else set()

    @model_validator(mode="after")
    def _somebody_is_told_once(self) -> Self:
        if self.enable_alerting and not self.alert_channels:
            raise problem_at(
                "is empty, nobody would be told; name one, or write enable_alerting: false", "alert_channels"
            )
        for index, channel in enumerate(self.alert_channels):
            if channel in self.alert_channels[:index]:
                raise problem_at("is listed twice; remove one", "alert_channels", index)
        return self

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        for outer, inner in _SAID_TWICE:
            if outer not in self.model_fields_set or inner not in self.thresholds.model_fields_set:
                continue
            if getattr(self, outer) != getattr(self.thresholds, inner):
                message = f"is another number than thresholds.{inner}, which means the same; write one of them"
                raise problem_at(message, outer)
        rate = self._written_above().get("error_rate_percentage", 0.0)
        if rate > (unhealthy := self.thresholds.unhealthy_error_rate_percentage):
            message = f"is more than thresholds.unhealthy_error_rate_percentage, {unhealthy:g}; write as much or less"
            raise problem_at(message, "error_threshold_percentage")
        return self

    def _written_above(self) -> dict[str, float]:
        """What `thresholds` does not say, and its other name does."""
        return {
            inner: getattr(self, outer)
            for outer, inner in _SAID_TWICE
            if outer in self.model_fields_set and inner not in self.thresholds.model_fields_set
        }


class MonitoringFile(Model):
    """config/monitoring.yaml."""

    changelog_monitoring: MonitoringSettings = MonitoringSettings()
    """Everything below it."""


def read_monitoring(path: Path) -> YamlFile[MonitoringFile]:
    """Raises ConfigError with every problem of the file."""
    return read_yaml(path, MonitoringFile)
