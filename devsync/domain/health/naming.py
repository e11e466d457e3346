"""What alerts are called: by the rule that found something, and by what it is about."""

import re
from enum import StrEnum


class RuleName(StrEnum):
    ERROR_RATE = "error_rate"
    GENERATION_TIME = "generation_time"
    MEMORY = "memory"
    RESPONSE_TIME = "response_time"
    BREAKER_OPEN = "breaker_open"
    HEALTH = "health"
    EDITION_MISSING = "edition_missing"
    OPTIMISATION = "optimisation"
    BLIND = "blind"
    """The monitor cannot see, or nothing is written down: what is not known is not healthy."""


EDITIONS = "editions"
"""What the rules about time and memory are about: one alert for all that were made."""


OTHERS = "others"
"""The subject of an alert that counts what lies beyond the most of a rule."""


def key_of(rule: RuleName, subject: str) -> str:
    """The same whenever it comes back."""
    return f"{rule.value}:{subject}"


def names_a_rule(pattern: str) -> bool:
    """Whether the key of any alert could match a pattern of `fnmatch`: `*:github` could, `github` and `memry:*` not."""
    rule, colon, _ = pattern.partition(":")
    known, wildcard, _ = re.split(r"([*?[]|$)", rule, maxsplit=1)
    return any(f"{name}:".startswith(known) if wildcard else f"{name}:" == rule + colon for name in RuleName)
