"""From when on something is wrong: the numbers of `changelog_monitoring` that bands and alerts go by."""

from typing import Annotated, Self

from pydantic import Field, FiniteFloat, PositiveInt, model_validator

from devsync.domain.model import Model

Percentage = Annotated[FiniteFloat, Field(gt=0, lt=100)]
Limit = Annotated[FiniteFloat, Field(gt=0)]


class Thresholds(Model):
    """Crossed is what lies above."""

    generation_time_seconds: Limit = 180.0
    """One edition, from its start to its end."""
    memory_usage_mb: Limit = 2048.0
    """The peak of a worker while it made an edition."""
    api_response_time_seconds: Limit = 10.0
    """Of a service, the time within which 19 of 20 calls are answered."""
    error_rate_percentage: Percentage = 5.0
    """Of a service's calls; from it on a service is degraded."""
    unhealthy_error_rate_percentage: Percentage = 15.0
    """Above it a service is unhealthy."""
    fewest_failures: PositiveInt = 3
    """With fewer failures a percentage says nothing: one of two calls is no 50 %."""

    @model_validator(mode="after")
    def _unhealthy_is_worse(self) -> Self:
        if self.unhealthy_error_rate_percentage < self.error_rate_percentage:
            raise ValueError(
                "unhealthy_error_rate_percentage is less than error_rate_percentage; write as much or more"
            )
        return self
