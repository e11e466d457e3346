"""Parts of the Markdown that the Temporal Web UI shows as a run's current details, as several workflows show them."""

from collections.abc import Sequence

from devsync.domain.recovery.decision import Decision

_LONGEST = 300


def plain(text: str) -> str:
    """Text from outside, on one line and without a meaning in Markdown."""
    line = " ".join(text.split())[:_LONGEST]
    return "".join(f"\\{character}" if character in "\\`*_[]<>|#~" else character for character in line)


def asked_line(escalation: str, choices: Sequence[Decision]) -> str:
    """What people are asked, and what to type to answer."""
    answer = f"python starter.py escalation resolve {escalation} DECISION"
    return f"- **People are asked**: `{escalation}`; to answer: `{answer}` ({', '.join(choices)})"


def refusals(messages: Sequence[str]) -> list[str]:
    """A line for each message that the run did not take."""
    return [f"- Refused {message}" for message in messages]


def last_refusals(messages: Sequence[str], count: int) -> list[str]:
    """Likewise for a run that lives for months, of which the last ones are kept: `count` tells how many there were."""
    more = [f"- Refused {count} messages, the last of them:"] if count > len(messages) else []
    return [*more, *(f"- Refused: {plain(message)}" for message in messages)]
