"""What a person, or a policy when nobody answers, decides about work that could not be recovered."""

from enum import StrEnum


class Decision(StrEnum):
    RETRY = "retry"
    """Run the failed operation again, now."""
    USE_FALLBACK = "use_fallback"
    """Go on with the data that stand in."""
    SKIP = "skip"
    """Go on without: a named gap."""
    ABORT = "abort"
    """End the edition; nothing is posted."""


ABOUT_AN_EDITION = (Decision.RETRY, Decision.SKIP, Decision.ABORT)
"""What can be decided where a person has others asked about an edition itself, not about one of its recoveries."""

BY_ITSELF = "healed by itself"
"""Who has decided where a recovery healed while people were asked: nobody had to."""
