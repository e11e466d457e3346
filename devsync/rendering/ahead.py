"""What is next and the week in numbers, in words: the sections of an edition beside its changes.

Short on purpose: a reader looks at them for a moment. The conventions for texts and addresses are those of `entries`.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from devsync.domain.changelog.due import duration_words
from devsync.domain.changelog.edition import (
    DeploymentCount,
    Edition,
    MarkedDays,
    MedianTime,
    Metrics,
    NextSprint,
    SprintProgress,
    Upcoming,
)
from devsync.domain.changelog.upcoming import coming_days
from devsync.domain.changelog.window import Window
from devsync.rendering.entries import MAX_NAME_LENGTH, Reference, reference_to
from devsync.rendering.escape import MAX_TITLE_LENGTH, one_line, safe_url
from devsync.rendering.wording import counted, day, days_of

MOST_LINES = 8
"""Of a group; the others are counted."""


class Line(NamedTuple):
    """One thing that is next. `reference` is None where there is nothing to look at."""

    text: str
    reference: Reference | None
    detail: str
    """Who, when or how many; or empty."""


class Group(NamedTuple):
    """Things of one kind."""

    label: str
    lines: tuple[Line, ...]
    more: str
    """`and 3 more`, or empty."""


class Figure(NamedTuple):
    """A number and what it counts; together they are a sentence."""

    value: str
    words: str


def ahead_of(edition: Edition) -> tuple[Group, ...]:
    """What is next, in the order in which it is told."""
    if edition.upcoming is None:
        return ()
    upcoming, window = edition.upcoming, edition.window
    groups = (
        _in_progress(upcoming),
        _group("Next sprint", [_next_sprint(sprint, window) for sprint in upcoming.sprints]),
        _group("Dates", _marked(upcoming.milestones, window)),
        _group("Away", _marked(upcoming.away, window)),
        _group("Holidays", _marked(upcoming.holidays, window)),
    )
    return tuple(group for group in groups if group.lines)


def figures_of(edition: Edition) -> tuple[Figure, ...]:
    """The week in numbers, those that are known."""
    metrics = edition.metrics
    if metrics is None:
        return ()
    return (
        *_merged(metrics),
        *_median("from first commit to merge", metrics.cycle),
        *_median("to the first review", metrics.first_review),
        *map(_deployments, metrics.deployments),
        *(_sprint(sprint, edition.window) for sprint in metrics.sprints),
    )


def _in_progress(upcoming: Upcoming) -> Group:
    lines = [
        Line(
            text=one_line(issue.title, MAX_TITLE_LENGTH) or "(no title)",
            reference=reference_to(issue.key, safe_url(issue.url)),
            detail=one_line(issue.assignee or "", MAX_NAME_LENGTH),
        )
        for issue in upcoming.in_progress
    ]
    return _group("In progress", lines, upcoming.in_progress_total)


def _next_sprint(sprint: NextSprint, window: Window) -> Line:
    details = []
    if sprint.starts_at is not None:
        details.append(f"from {day(sprint.starts_at, window.timezone)}")
    if sprint.issue_count:
        details.append(counted(sprint.issue_count, "issue") + " planned")
    if sprint.goal:
        details.append(f"goal: {one_line(sprint.goal, MAX_TITLE_LENGTH)}")
    return Line(one_line(sprint.name, MAX_NAME_LENGTH) or "(no name)", None, ", ".join(details))


def _marked(marked: Iterable[MarkedDays], window: Window) -> list[Line]:
    first, _ = coming_days(window)
    return [
        Line(one_line(one.title, MAX_TITLE_LENGTH) or "(no title)", None, _when(one.first_day, one.last_day, first))
        for one in marked
    ]


def _when(first_day: date, last_day: date, today: date) -> str:
    """What has begun already says how long it goes on."""
    return f"until {days_of(last_day, last_day)}" if first_day < today else days_of(first_day, last_day)


def _group(label: str, lines: Sequence[Line], total: int | None = None) -> Group:
    left_out = max(total or 0, len(lines)) - min(len(lines), MOST_LINES)
    return Group(label, tuple(lines[:MOST_LINES]), f"and {left_out:,} more" if left_out else "")


def _merged(metrics: Metrics) -> Iterable[Figure]:
    if not metrics.merged and not metrics.merged_by_bots:
        return
    words = "pull request merged" if metrics.merged == 1 else "pull requests merged"
    if metrics.merged_by_bots:
        words += f", {metrics.merged_by_bots:,} more by bots"
    if metrics.is_partial:
        words += "; some repositories did not answer"
    yield Figure(f"{metrics.merged:,}", words)


def _median(what: str, time: MedianTime | None) -> Iterable[Figure]:
    if time is None:
        return
    words = f"{what}, the median of {time.count:,}"
    if time.from_opening == time.count:
        words = f"from opening to merge, the median of {time.count:,}"
    elif time.from_opening:
        words += f"; {time.from_opening:,} of them counted from opening"
    yield Figure(duration_words(time.median), words)


def _deployments(count: DeploymentCount) -> Figure:
    if count.is_derived:
        noun = "release" if count.total == 1 else "releases"
        return Figure(f"{count.total:,}", f"{noun}; deployments are not known")
    noun = "deployment" if count.total == 1 else "deployments"
    words = f"{noun} to {one_line(count.environment, MAX_NAME_LENGTH) or 'an environment without a name'}"
    return Figure(f"{count.total:,}", f"{words}, {count.failed:,} failed" if count.failed else words)


def _sprint(sprint: SprintProgress, window: Window) -> Figure:
    words = f"issues of {one_line(sprint.name, MAX_NAME_LENGTH) or 'the sprint'} are done"
    if sprint.ends_at is not None:
        words += f"; it ends on {day(sprint.ends_at, window.timezone)}"
    if sprint.goal:
        words += f"; goal: {one_line(sprint.goal, MAX_TITLE_LENGTH)}"
    return Figure(f"{sprint.done:,} of {sprint.total:,}", words)
