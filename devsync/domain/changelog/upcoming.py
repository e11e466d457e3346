"""What is next: work in progress, the sprint that comes, who is away, which days are marked or free."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from devsync.domain.changelog.composition import CompositionInput
from devsync.domain.changelog.edition import MarkedDays, NextSprint, StartedWork, Upcoming
from devsync.domain.changelog.texts import one_line
from devsync.domain.changelog.uniqueness import unique
from devsync.domain.changelog.window import Window

AHEAD = timedelta(days=14)
"""What lies further ahead is told by a later edition."""

MOST_IN_PROGRESS = 10
"""Issues that are named; the others are counted."""


def coming_days(window: Window) -> tuple[date, date]:
    """The first day after the window, in the team's timezone, and the first one that is too far ahead."""
    first = window.end.astimezone(ZoneInfo(window.timezone)).date()
    return first, first + AHEAD


def upcoming_of(plan: CompositionInput) -> Upcoming | None:
    """None where nothing is known to be next."""
    in_progress, total = _in_progress(plan)
    found = Upcoming(
        in_progress=in_progress,
        in_progress_total=total,
        sprints=_next_sprints(plan),
        away=_away(plan),
        milestones=_milestones(plan),
        holidays=_in_order(
            MarkedDays(title=one_line(holiday.name), first_day=holiday.day, last_day=holiday.day)
            for holiday in plan.holidays
        ),
    )
    return found if found != Upcoming() else None


def _in_progress(plan: CompositionInput) -> tuple[tuple[StartedWork, ...], int]:
    """Each issue once, in the order of its board, board by board; and how many there are in all."""
    boards = sorted(plan.boards, key=lambda unit: (unit.data.board, unit.model_dump_json()))
    best = unique((issue.key, issue, unit.provenance) for unit in boards for issue in unit.data.in_progress)
    keys = dict.fromkeys(issue.key for unit in boards for issue in unit.data.in_progress)
    # What a board does not name it counts; an issue on two boards may then be counted twice, never left out.
    unnamed = sum(unit.data.in_progress_total - len(unit.data.in_progress) for unit in boards)
    named = [
        StartedWork(key=key, title=one_line(issue.summary), url=issue.url, assignee=issue.assignee)
        for key, (issue, _) in ((key, best[key]) for key in keys)
    ]
    return tuple(named[:MOST_IN_PROGRESS]), len(named) + unnamed


def _next_sprints(plan: CompositionInput) -> tuple[NextSprint, ...]:
    planned = unique(
        (unit.data.upcoming.id, unit.data.upcoming, unit.provenance) for unit in plan.boards if unit.data.upcoming
    )
    return tuple(
        NextSprint(
            name=one_line(sprint.name),
            goal=one_line(sprint.goal),
            starts_at=sprint.starts_at,
            ends_at=sprint.ends_at,
            issue_count=sprint.total,
        )
        for _, (sprint, _provenance) in sorted(planned.items())
    )


def _away(plan: CompositionInput) -> tuple[MarkedDays, ...]:
    return _in_order(
        MarkedDays(title=one_line(absence.who), first_day=absence.first_day, last_day=absence.last_day)
        for unit in plan.calendars
        for absence in unit.data.absences
    )


def _milestones(plan: CompositionInput) -> tuple[MarkedDays, ...]:
    return _in_order(
        MarkedDays(title=one_line(milestone.title), first_day=milestone.first_day, last_day=milestone.last_day)
        for unit in plan.calendars
        for milestone in unit.data.milestones
    )


def _in_order(days: Iterable[MarkedDays]) -> tuple[MarkedDays, ...]:
    """Each once, the earliest first."""
    return tuple(sorted(set(days), key=lambda one: (one.first_day, one.last_day, one.title)))
