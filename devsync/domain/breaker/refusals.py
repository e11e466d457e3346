"""What a call meets where it may not go out: it was not made, and cost nothing."""

from datetime import datetime


class CallRefused(Exception):
    """No call was made. `retry_at` is the instant before which none will be, `probes_allowed` how many may try then.

    Where `is_open_ended`, an operator must end it; `retry_at` is but a time to look again.
    """

    def __init__(
        self, service: str, retry_at: datetime, why: str, probes_allowed: int, *, is_open_ended: bool = False
    ) -> None:
        until = "until an operator allows it" if is_open_ended else f"before {retry_at:%Y-%m-%d %H:%M:%S} UTC"
        super().__init__(f"no call to {service} {until}, {why}")
        self.service = service
        self.retry_at = retry_at
        self.probes_allowed = probes_allowed
        self.is_open_ended = is_open_ended


class CircuitOpen(CallRefused):
    """The service's circuit breaker is open, or half-open and all its probes are out."""


class ServicePaused(CallRefused):
    """The service throttles us, for longer than a retry may wait."""
