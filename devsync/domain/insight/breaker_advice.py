"""When a breaker's own rules are what is wrong: it opens for nothing, or asks too soon whether it may close."""

from collections.abc import Iterator
from datetime import timedelta

from devsync.domain.breaker import BreakerConfig
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.recommendations import BreakerUse, Evidence, Observations, Recommendation, SettingChange
from devsync.domain.insight.wording import services_yaml, written

FEWEST_OPENINGS = 3
"""Fewer are an outage or two, however often somebody asked meanwhile whether they were over."""
MOST_FAILURES = 100
LONGEST_RECOVERY = timedelta(hours=1)


def breaker_tuning(seen: Observations) -> Iterator[Recommendation | NotEnoughData]:
    for use in seen.breakers:
        numbers = seen.settings.get(use.service)
        if numbers is None or numbers.breaker is None:
            continue
        if use.openings < FEWEST_OPENINGS:
            if use.openings:
                about = f"breaker of {use.service}"
                yield NotEnoughData(about=about, found=use.openings, needed=FEWEST_OPENINGS, what="openings")
            continue
        asks_too_soon = use.failed_recoveries > use.openings
        opens_for_nothing = 2 * use.recovered_at_once > use.openings
        if asks_too_soon:
            yield from _wait_longer(use, numbers.breaker)
        elif opens_for_nothing:
            yield from _bear_more(use, numbers.breaker)


def _wait_longer(use: BreakerUse, config: BreakerConfig) -> Iterator[Recommendation]:
    """Most recoveries are tried while the service is still down, and each costs calls that fail."""
    if config.recovery_timeout >= LONGEST_RECOVERY:
        return
    longer = min(2 * config.recovery_timeout, LONGEST_RECOVERY)
    tries = use.failed_recoveries + use.openings
    yield _recommended(
        use,
        f"of {tries} times that it was tried again, the service was still down at {use.failed_recoveries}",
        Evidence(metric="tries that failed", value=use.failed_recoveries, unit="", samples=tries),
        services_yaml(
            f"{use.service}.breaker.recovery_timeout", written(config.recovery_timeout), written(longer)
        ),
    )  # fmt: skip


def _bear_more(use: BreakerUse, config: BreakerConfig) -> Iterator[Recommendation]:
    """The service was well when it was asked again: a handful of failures was a moment, and no outage."""
    if config.failure_threshold >= MOST_FAILURES:
        return
    more = min(2 * config.failure_threshold, MOST_FAILURES)
    yield _recommended(
        use,
        f"{use.recovered_at_once} of its {use.openings} openings were over at the first try",
        Evidence(metric="openings over at once", value=use.recovered_at_once, unit="", samples=use.openings),
        services_yaml(f"{use.service}.breaker.failure_threshold", config.failure_threshold, more),
    )


def _recommended(use: BreakerUse, why: str, evidence: Evidence, change: SettingChange) -> Recommendation:
    return Recommendation(
        rule="breaker_tuning",
        subject=use.service,
        title=f"{use.service}: {change.path.split('.', 1)[-1]} from {change.now} to {change.proposed}",
        why=why,
        evidence=(evidence,),
        change=change,
    )
