"""The rules of recommendations: each looks at measured numbers and names one line of configuration, or says nothing.

A rule proposes what undoes its evidence and is bounded: followed and followed again, it ends at a limit and falls
silent there. With too few events it answers that, never with an opinion.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta

from devsync.domain.errors import ErrorCategory
from devsync.domain.insight.breaker_advice import breaker_tuning
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.recommendations import (
    Advice,
    Evidence,
    Observations,
    Recommendation,
    ServiceNumbers,
    ServiceUse,
    SettingChange,
)
from devsync.domain.insight.statistics import bottlenecks
from devsync.domain.insight.wording import services_yaml, written

FEWEST_CALLS = 100
FEWEST_EDITIONS = 10
NEARLY = 0.8
"""Of a limit: what comes so near is worth a change before it is reached."""
WORTHWHILE = 0.5
"""Of a time limit: below it nobody waits for long, however busy a service is."""
BUSY = 0.8
"""Of the calls that could be under way at once, this share was: the rest of the time is spent in waiting for a turn."""
MOST_CONCURRENCY = 50
"""GitHub's secondary limit is 100 at once, for all workers together."""
LONGEST_READ = timedelta(seconds=10)
"""services.yaml takes no longer one: threads cannot be interrupted."""
LONGEST_BACKOFF = timedelta(minutes=5)
FEWEST_HITS = 0.5
SHORTEST_REFRESH = timedelta(hours=1)
LEAST_SLOTS = 4

_Answer = Recommendation | NotEnoughData
_Rule = Callable[[Observations], Iterator[_Answer]]


def advise(seen: Observations) -> Advice:
    """What all rules say. Two that would change the same line: the first one, since its evidence is the nearer."""
    answers = [answer for rule in RULES for answer in rule(seen)]
    by_line: dict[tuple[str, str], Recommendation] = {}
    for answer in answers:
        if isinstance(answer, Recommendation):
            by_line.setdefault((answer.change.file, answer.change.path), answer)
    not_enough = tuple(answer for answer in answers if isinstance(answer, NotEnoughData))
    return Advice(recommendations=tuple(by_line.values()), not_enough=not_enough)


def high_error_rate(seen: Observations) -> Iterator[_Answer]:
    """A service of whose attempts too many fail: what to do follows from what most of the failures are."""
    for service, numbers in seen.settings.items():
        calls = sum(one.calls for one in seen.operations if one.service == service)
        failures = sum(one.failures for one in seen.operations if one.service == service)
        if calls < FEWEST_CALLS:
            yield from _too_few(f"error rate of {service}", calls, "calls")
            continue
        rate = 100 * failures / calls
        counts = {one.category: one.count for one in seen.categories if one.service == service}
        if rate < seen.error_rate_limit or not counts:
            continue
        category = max(counts, key=lambda one: (counts[one], one.value))
        change = _cure(service, numbers, category)
        if change is None:
            continue
        share = counts[category] / sum(counts.values())
        yield Recommendation(
            rule="high_error_rate",
            subject=service,
            title=f"{service}: {change.path.split('.', 1)[-1]} from {change.now} to {change.proposed}",
            why=f"{rate:.1f} % of its attempts fail, {share:.0%} of them by {category.value}",
            evidence=(
                Evidence(metric="error rate", value=rate, unit="%", samples=calls, limit=seen.error_rate_limit),
                Evidence(
                    metric=f"errors of category {category.value}",
                    value=100 * share,
                    unit="%",
                    samples=sum(counts.values()),
                ),
            ),
            change=change,
        )


def _cure(service: str, numbers: ServiceNumbers, category: ErrorCategory) -> SettingChange | None:
    """By what fails. None where no setting helps any more."""
    if category is ErrorCategory.AUTHENTICATION:
        if not numbers.credential:
            return None
        return SettingChange(file="environment", path=numbers.credential, now="refused", proposed="a valid token")
    if category is ErrorCategory.RATE_LIMITING and numbers.concurrency > 1:
        return services_yaml(f"{service}.concurrency", numbers.concurrency, max(numbers.concurrency // 2, 1))
    if category is ErrorCategory.NETWORK and numbers.http_read < LONGEST_READ:
        longer = min(2 * numbers.http_read, LONGEST_READ)
        return services_yaml(f"{service}.timeouts.http_read", written(numbers.http_read), written(longer))
    if category is ErrorCategory.EXTERNAL_SERVICE and numbers.retry_maximum < LONGEST_BACKOFF:
        longer = min(2 * numbers.retry_maximum, LONGEST_BACKOFF)
        return services_yaml(f"{service}.retry.maximum", written(numbers.retry_maximum), written(longer))
    return None


def slow_stage(seen: Observations) -> Iterator[_Answer]:
    """Editions near their time limit that spend most of it in collecting, waiting for their turn at one service."""
    use, limit = seen.editions, seen.generation_limit_seconds
    if use is None or use.editions < FEWEST_EDITIONS or use.seconds_p95 < NEARLY * limit:
        return
    stages = bottlenecks(seen.stages)
    if isinstance(stages, NotEnoughData):
        yield stages
        return
    worst = stages[0]
    if worst.stage != "collect" or worst.share < 0.5:
        return
    of_time = (
        Evidence(metric="generation time", value=use.seconds_p95, unit="s", samples=use.editions, limit=limit),
        Evidence(metric="share of collect", value=100 * worst.share, unit="%", samples=worst.editions),
    )
    for answer in api_bottleneck(seen):
        if isinstance(answer, Recommendation):
            yield answer.model_copy(update={"rule": "slow_stage", "evidence": (*of_time, *answer.evidence)})


def api_bottleneck(seen: Observations) -> Iterator[_Answer]:
    """A service to which nearly as many calls were under way, all the time, as are allowed at once."""
    editions = seen.editions
    if editions is None:
        return
    if editions.editions < FEWEST_EDITIONS:
        yield from _too_few("generation time", editions.editions, "editions", FEWEST_EDITIONS)
        return
    if editions.seconds_p95 < WORTHWHILE * seen.generation_limit_seconds:
        return
    for use in seen.uses:
        numbers = seen.settings.get(use.service)
        if numbers is None or not use.seconds_collecting:
            continue
        if use.calls < FEWEST_CALLS:
            yield from _too_few(f"API bottleneck of {use.service}", use.calls, "calls")
        else:
            yield from _more_at_once(use, numbers.concurrency, seen)


def _more_at_once(use: ServiceUse, concurrency: int, seen: Observations) -> Iterator[Recommendation]:
    """A service that throttles us is not asked more at once; what is at its limit stays there."""
    busy = use.seconds_in_calls / (use.seconds_collecting * concurrency)
    is_throttled = any(
        one.service == use.service and one.category is ErrorCategory.RATE_LIMITING and one.count
        for one in seen.categories
    )
    if busy < BUSY or is_throttled or concurrency >= MOST_CONCURRENCY:
        return
    more = min(2 * concurrency, MOST_CONCURRENCY)
    yield Recommendation(
        rule="api_bottleneck",
        subject=use.service,
        title=f"{use.service}: concurrency from {concurrency} to {more}",
        why=f"{busy:.0%} of the calls that may be made at once were under way: the others wait for their turn",
        evidence=(Evidence(metric="calls under way", value=100 * busy, unit="%", samples=use.calls, limit=100 * BUSY),),
        change=services_yaml(f"{use.service}.concurrency", concurrency, more),
    )


def memory(seen: Observations) -> Iterator[_Answer]:
    """Workers near their memory limit: the service that may do most at once does less."""
    use = seen.editions
    if use is None or use.peak_mb_p95 is None:
        return
    if use.editions < FEWEST_EDITIONS:
        yield from _too_few("peak memory", use.editions, "editions", FEWEST_EDITIONS)
        return
    if use.peak_mb_p95 < NEARLY * seen.memory_limit_mb or not seen.settings:
        return
    service = max(seen.settings, key=lambda name: (seen.settings[name].slots, name))
    slots = seen.settings[service].slots
    if slots <= LEAST_SLOTS:
        return
    fewer = max(slots // 2, LEAST_SLOTS)
    yield Recommendation(
        rule="memory",
        subject=service,
        title=f"{service}: slots from {slots} to {fewer}",
        why=f"19 of 20 editions take up to {use.peak_mb_p95:.0f} MB; fewer activities at once hold fewer answers",
        evidence=(
            Evidence(
                metric="peak memory", value=use.peak_mb_p95, unit="MB", samples=use.editions, limit=seen.memory_limit_mb
            ),
        ),
        change=services_yaml(f"{service}.slots", slots, fewer),
    )


def cache_hits(seen: Observations) -> Iterator[_Answer]:
    """Sources of which little is remembered when an edition asks: they are refreshed too seldom."""
    for use in seen.caches:
        if use.lookups < FEWEST_CALLS:
            yield from _too_few(f"cache of {use.service}", use.lookups, "lookups")
            continue
        rate = use.hits / use.lookups
        if rate >= FEWEST_HITS or seen.refresh_every <= SHORTEST_REFRESH:
            continue
        sooner = max(seen.refresh_every / 2, SHORTEST_REFRESH)
        yield Recommendation(
            rule="cache_hits",
            subject=use.service,
            title=f"refresh sources every {written(sooner)} rather than every {written(seen.refresh_every)}",
            why=f"only {rate:.0%} of what was asked of {use.service} was remembered and still held",
            evidence=(
                Evidence(metric="cache hits", value=100 * rate, unit="%", samples=use.lookups, limit=100 * FEWEST_HITS),
            ),
            change=SettingChange(
                file="config/teams/*.yaml",
                path="refresh.every",
                now=written(seen.refresh_every),
                proposed=written(sooner),
            ),
        )


RULES: tuple[_Rule, ...] = (high_error_rate, slow_stage, api_bottleneck, memory, breaker_tuning, cache_hits)


def _too_few(about: str, found: int, what: str, needed: int = FEWEST_CALLS) -> Iterator[NotEnoughData]:
    """None at all is no want of data: nothing was asked of it."""
    if found:
        yield NotEnoughData(about=about, found=found, needed=needed, what=what)
