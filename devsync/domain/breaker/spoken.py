"""Durations and counts as people read them, in the reasons that a breaker gives."""

from datetime import timedelta


def spoken(duration: timedelta) -> str:
    """`15 min`, `1 h 30 min`, `30 s`, `0.5 s`; from a minute on, nothing below the second."""
    seconds = duration.total_seconds()
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def counted(number: int, what: str) -> str:
    """`1 failure`, `10 failures`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
