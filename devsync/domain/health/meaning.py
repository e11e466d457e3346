"""What each alert means, in a line: for the message itself; the how-to says more. Where to look: `leads`."""

from typing import Final

from devsync.domain.health.naming import RuleName

MEANINGS: Final[dict[RuleName, str]] = {
    RuleName.EDITION_MISSING: "An edition was due and was not delivered by its deadline.",
    RuleName.BREAKER_OPEN: "A service is down for us: no worker calls it, editions wait for it or go on with what"
    " stands in. Half-open, a few calls try it; it is over when they succeed and the breaker closes.",
    RuleName.BLIND: "The monitor could not ask the database or Temporal, or the database takes nothing: nobody knows"
    " how healthy the rest is. Editions go out, and their records wait for seven days.",
    RuleName.ERROR_RATE: "More attempts at a service fail than thresholds.error_rate_percentage"
    " allows. What failed while its breaker was open, or for want of the database, is left to the alert of that.",
    RuleName.MEMORY: "A worker held more than thresholds.memory_usage_mb while it made an edition.",
    RuleName.GENERATION_TIME: "An edition took longer than thresholds.generation_time_seconds.",
    RuleName.RESPONSE_TIME: "A service answers more slowly than thresholds.api_response_time_seconds.",
    RuleName.HEALTH: "The whole is worse than the other alerts say: by what several of them make together, or what none"
    " is about.",
    RuleName.OPTIMISATION: "What was measured asks for another setting.",
}
