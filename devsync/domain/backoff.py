"""How long to wait before the next attempt: the server's hint as a floor, full jitter without one."""

from collections.abc import Callable
from datetime import timedelta

Uniform = Callable[[float, float], float]
"""`random.Random.uniform`: returns a number between two bounds."""

_HINT_SPREAD_SECONDS = 15.0


def next_delay(
    attempt: int,
    *,
    hint: timedelta | None,
    initial: timedelta,
    factor: float,
    maximum: timedelta,
    uniform: Uniform,
) -> timedelta:
    """The wait after the failed attempt number `attempt` (from 1).

    With a hint: hint + U(0, min(hint / 2, 15 s)), so that waiters told the same instant do not return as one.
    Without: U(0, backoff), backoff = initial x factor^(attempt - 1) up to maximum ("full jitter", AWS
    Architecture Blog, "Exponential Backoff And Jitter"). A hint is never shortened; one of no wait at all is none,
    since JIRA Data Center sends `Retry-After: 0` with every answer, errors included.
    """
    if hint is not None and hint > timedelta(0):
        return spread(hint, uniform)
    ceiling = min(initial.total_seconds() * factor ** min(attempt - 1, 64), maximum.total_seconds())
    return timedelta(seconds=uniform(0, ceiling))


_LONGEST_PATIENCE = timedelta(minutes=5)


def patience(waits: int) -> timedelta:
    """The least time to wait for a service that has refused `waits` times in a row: 1 s, doubled, up to 5 min.

    A breaker says itself when to come back. This is for one that says "soon" again and again, or that an operator holds
    open without an end: it must not fill a workflow's history.
    """
    return min(timedelta(seconds=2 ** min(waits, 16)), _LONGEST_PATIENCE)


def spread(hint: timedelta, uniform: Uniform) -> timedelta:
    """hint + U(0, min(hint / 2, 15 s)): those who were told the same instant do not come back as one."""
    seconds = hint.total_seconds()
    return timedelta(seconds=seconds + uniform(0, min(seconds / 2, _HINT_SPREAD_SECONDS)))
