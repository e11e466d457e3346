"""How deliveries are scheduled: the tries of a channel, and the time that an edition keeps back for posting."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from devsync.domain.model import Model
from devsync.settings.durations import PositiveDuration, format_duration
from devsync.settings.problems import problem_at
from devsync.settings.yaml_file import YamlFile, read_yaml


class ChannelSchedule(Model):
    """The waits between one channel's tries; after the last try the delivery is dead until somebody replays it."""

    retry_schedule: Annotated[tuple[PositiveDuration, ...], Field(min_length=1)]
    """From the first try to the second, and so on; none shorter than the one before."""

    @model_validator(mode="after")
    def _waits_grow(self) -> Self:
        for index, (before, after) in enumerate(zip(self.retry_schedule, self.retry_schedule[1:], strict=False)):
            if after < before:
                message = f'"{format_duration(after)}" is shorter than the wait before; put the waits in order'
                raise problem_at(message, "retry_schedule", index + 1)
        return self


class DeliverySettings(Model):
    """config/delivery.yaml; recorded in an edition's plan."""

    delivery_reserve: PositiveDuration = timedelta(minutes=2)
    """Collecting and recovering stop this long before the deadline, so that posting has its time."""
    uncertain_wait_factor: Annotated[float, Field(ge=2)] = 2.0
    """After an uncertain post the channel is asked no sooner than this many client read time-outs later."""
    record_time: PositiveDuration = timedelta(seconds=10)
    """How long a delivery tries to record a try before it waits for the next one; its end is recorded for days."""
    amend_for: PositiveDuration = timedelta(hours=72)
    """How long after its deadline the sources that an edition lacks are asked again, and it is amended."""
    slack: ChannelSchedule
    """How Slack channels are tried again."""
    email: ChannelSchedule
    """How mail is: the whole of it, or those recipients whom the server could not take yet."""
    webhook: ChannelSchedule
    """How webhooks are."""

    def channel(self, kind: str) -> ChannelSchedule:
        """The schedule of that kind of channel."""
        return {"slack": self.slack, "email": self.email, "webhook": self.webhook}[kind]


def read_delivery(path: Path) -> YamlFile[DeliverySettings]:
    """Raises ConfigError with every problem of the file."""
    return read_yaml(path, DeliverySettings)
