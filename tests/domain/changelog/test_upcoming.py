"""What is next: each thing once, in order, a bounded number of it, whatever the sources call it."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.changelog.composition import BoardUnit, CalendarUnit, CompositionInput
from devsync.domain.changelog.edition import MarkedDays, Upcoming
from devsync.domain.changelog.surroundings import (
    Absence,
    BoardData,
    CalendarData,
    Holiday,
    Milestone,
    Sprint,
    StartedIssue,
)
from devsync.domain.changelog.upcoming import MOST_IN_PROGRESS, coming_days, upcoming_of
from devsync.domain.changelog.window import Window, week_window

MONDAY = date(2026, 11, 23)


def composition(*boards: BoardData, calendar: CalendarData | None = None, **more: object) -> CompositionInput:
    fields: dict[str, object] = {
        "boards": tuple(BoardUnit(data=board) for board in boards),
        "calendars": (CalendarUnit(unit="calendar:payments", data=calendar),) if calendar else (),
    }
    window = week_window("2026-W47", "Europe/Berlin")
    return CompositionInput(team="payments", iso_week="2026-W47", window=window, **(fields | more))


def told(*boards: BoardData, **more: object) -> Upcoming:
    found = upcoming_of(composition(*boards, **more))  # type: ignore[arg-type]
    assert found is not None
    return found


def issue(number: int) -> StartedIssue:
    return StartedIssue(key=f"PAY-{number}", summary=f"Issue\n{number}")


def test_where_nothing_is_known_nothing_is_told() -> None:
    assert upcoming_of(composition()) is None
    assert upcoming_of(composition(BoardData(board=1), calendar=CalendarData())) is None


def test_the_days_to_come_begin_where_the_window_ends_on_the_teams_clocks() -> None:
    assert coming_days(week_window("2026-W47", "Pacific/Auckland")) == (MONDAY, date(2026, 12, 7))
    until_now = week_window("2026-W47", "America/Los_Angeles")
    assert coming_days(Window(start=until_now.start, end=until_now.end, timezone="UTC"))[0] == MONDAY


def test_an_issue_on_two_boards_is_named_once() -> None:
    first = BoardData(board=1, in_progress=(issue(1), issue(2)), in_progress_total=2)
    second = BoardData(board=2, in_progress=(issue(2), issue(3)), in_progress_total=2)
    found = told(second, first)
    assert [work.key for work in found.in_progress] == ["PAY-1", "PAY-2", "PAY-3"]
    assert found.in_progress_total == 3
    assert found.in_progress[0].title == "Issue 1"


def test_more_than_can_be_named_is_counted() -> None:
    issues = tuple(map(issue, range(25)))
    found = told(BoardData(board=1, in_progress=issues, in_progress_total=240))
    assert (len(found.in_progress), found.in_progress_total) == (MOST_IN_PROGRESS, 240)


def test_a_sprint_that_two_boards_plan_is_told_once() -> None:
    sprint = Sprint(id=9, name="Sprint 9", total=4)
    found = told(BoardData(board=1, upcoming=sprint), BoardData(board=2, upcoming=sprint))
    assert [(one.name, one.issue_count) for one in found.sprints] == [("Sprint 9", 4)]


def test_marked_days_come_in_order_and_each_once() -> None:
    anna, bob = ((name, date(2026, 11, day), date(2026, 11, day)) for name, day in (("Anna", 25), ("Bob\n", 24)))
    absences = tuple(Absence(who=who, first_day=first, last_day=last) for who, first, last in (anna, bob, anna))
    milestones = (Milestone(title="Launch", first_day=MONDAY, last_day=MONDAY),)
    found = told(
        calendar=CalendarData(absences=absences, milestones=milestones),
        holidays=(Holiday(day=MONDAY, name="Labour  Thanksgiving Day"),),
    )
    assert [one.title for one in found.away] == ["Bob", "Anna"]
    assert found.milestones == (MarkedDays(title="Launch", first_day=MONDAY, last_day=MONDAY),)
    assert found.holidays[0].title == "Labour Thanksgiving Day"


boards = st.lists(
    st.builds(
        BoardData,
        board=st.integers(1, 4),
        in_progress=st.lists(st.builds(issue, st.integers(1, 9)), max_size=5).map(tuple),
        in_progress_total=st.just(5),
        upcoming=st.none()
        | st.builds(Sprint, id=st.integers(1, 3), name=st.sampled_from("ab"), total=st.integers(0, 3)),
    ),
    max_size=5,
)


@given(boards, st.randoms(use_true_random=False))
def test_the_order_in_which_boards_come_changes_nothing(boards: list[BoardData], random: object) -> None:
    shuffled = list(boards)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert upcoming_of(composition(*boards)) == upcoming_of(composition(*shuffled))
