"""What each alert means and what to do about it, in a line each: for the message itself; the how-to says more."""

from typing import Final, NamedTuple

from devsync.domain.health.rules import RuleName


class Meaning(NamedTuple):
    means: str
    do: str
    """What to try first; SUBJECT stands for what the alert is about."""


MEANINGS: Final[dict[RuleName, Meaning]] = {
    RuleName.EDITION_MISSING: Meaning(
        "An edition was due and was not delivered by its deadline.",
        "python starter.py status; python starter.py schedule list",
    ),
    RuleName.BREAKER_OPEN: Meaning(
        "A service is down for us: no worker calls it, editions wait for it or go on with what stands in.",
        "python starter.py breaker show SUBJECT",
    ),
    RuleName.BLIND: Meaning(
        "The monitor could not ask the database or Temporal: nobody knows how healthy the rest is.",
        "python starter.py doctor",
    ),
    RuleName.ERROR_RATE: Meaning(
        "More calls to a service fail than thresholds.error_rate_percentage allows.", "python starter.py errors stats"
    ),
    RuleName.MEMORY: Meaning(
        "A worker held more than thresholds.memory_usage_mb while it made an edition.",
        "python starter.py performance stats",
    ),
    RuleName.GENERATION_TIME: Meaning(
        "An edition took longer than thresholds.generation_time_seconds.", "python starter.py performance stats"
    ),
    RuleName.RESPONSE_TIME: Meaning(
        "A service answers more slowly than thresholds.api_response_time_seconds.",
        "python starter.py performance stats",
    ),
    RuleName.HEALTH: Meaning("The whole is degraded, unhealthy or critical.", "python starter.py health"),
    RuleName.OPTIMISATION: Meaning("What was measured asks for another setting.", "python starter.py recommendations"),
}
