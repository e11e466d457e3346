"""The oracle itself, on cases small enough to check by eye."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.expectation import ExpectedItem, expected_items, week_bounds
from sandbox.world import Commit, Issue, Person, Project, PullRequest, Repository, TeamSpec, World
from sandbox.worlds.demo import demo_world

ANNA = Person("Anna", "anna", "anna@acme.example")
TUESDAY = datetime(2026, 11, 17, 10, tzinfo=UTC)
TEAM = TeamSpec("payments", "UTC", ["a/r"], ["PAY"], [])


def world(pulls: list[PullRequest], commits: list[Commit], issues: list[Issue] | None = None) -> World:
    repository = Repository(1, "a", "r", commits=commits, pull_requests=pulls)
    return World({"a/r": repository}, {"PAY": Project(1, "PAY", "Payments", issues or [])}, teams=[TEAM])


def pull(number: int, title: str = "Change", at: datetime = TUESDAY, **more: object) -> PullRequest:
    values: dict[str, object] = {"body": "", "head_branch": "b", "merge_commit_sha": f"{number:040x}"} | more
    return PullRequest(number=number, title=title, author=ANNA, created_at=at, updated_at=at, merged_at=at, **values)  # type: ignore[arg-type]


def commit(number: int, message: str = "Change", at: datetime = TUESDAY) -> Commit:
    return Commit(f"{number:040x}", message, ANNA, at, at)


def issue(number: int, resolved_at: datetime | None = TUESDAY) -> Issue:
    return Issue(number, f"PAY-{number}", "Summary", "Bug", "Done", "done", TUESDAY, TUESDAY, resolved_at)


def items(built: World) -> dict[str, ExpectedItem]:
    return {item.id: item for item in expected_items(built, TEAM, "2026-W47")}


@pytest.mark.parametrize(
    ("week", "timezone", "hours"),
    [("2026-W47", "UTC", 168), ("2026-W13", "Europe/Berlin", 167), ("2026-W43", "Europe/Berlin", 169)],
)
def test_a_week_is_as_long_as_its_time_zone_says(week: str, timezone: str, hours: int) -> None:
    start, end = week_bounds(week, timezone)
    assert end - start == timedelta(hours=hours)


def test_the_end_of_the_week_is_not_in_it() -> None:
    start, end = week_bounds("2026-W47", "UTC")
    second = timedelta(seconds=1)
    times = {1: start - second, 2: start, 3: end - second, 4: end}
    built = world([pull(number, at=at) for number, at in times.items()], [], [issue(n, at) for n, at in times.items()])
    assert sorted(items(built)) == ["PAY-2", "PAY-3", "a/r#2", "a/r#3"]


def test_commits_fold_by_merge_by_list_and_by_number() -> None:
    pulls = [pull(1), pull(2, commit_shas=[f"{21:040x}"]), pull(3)]
    commits = [commit(9), commit(3), commit(31, "Part (#3)"), commit(2), commit(21), commit(1)]
    found = items(world(pulls, commits))
    assert {key: [int(sha, 16) for sha in item.commits] for key, item in found.items()} == {
        "a/r#1": [1],
        "a/r#2": [21, 2],
        "a/r#3": [31, 3],
        f"a/r@{9:040x}"[:16]: [9],
    }


def test_a_commit_of_a_pull_request_of_another_week_is_no_item() -> None:
    late = pull(1, at=TUESDAY + timedelta(days=7), commit_shas=[f"{5:040x}"])
    assert items(world([late], [commit(5)])) == {}


def test_a_number_alone_names_no_pull_request_of_another_week() -> None:
    early = pull(1, at=TUESDAY - timedelta(days=7))
    assert list(items(world([early], [commit(5, "Landed again (#1)")]))) == [f"a/r@{5:040x}"[:16]]


def test_the_first_text_with_a_valid_key_wins() -> None:
    titled = pull(1, "UTF-8 and PAY-1", body="PAY-2", head_branch="PAY-3")
    in_body = pull(2, "SHA-256 and LED-4", body="Closes PAY-5, PAY-6, PAY-5", head_branch="PAY-7")
    in_branch = pull(3, "No key", head_branch="feature/PAY-8-x")
    in_commit = pull(4, "No key")
    found = items(world([titled, in_body, in_branch, in_commit], [commit(4, "x\n\nPAY-9")]))
    assert [found[f"a/r#{number}"].keys for number in (1, 2, 3, 4)] == [
        ("PAY-1",), ("PAY-5", "PAY-6"), ("PAY-8",), ("PAY-9",),
    ]  # fmt: skip


def test_an_issue_named_by_an_item_is_none_of_its_own() -> None:
    built = world([pull(1, "PAY-1: done")], [], [issue(1), issue(2), issue(3, None)])
    assert sorted(items(built)) == ["PAY-2", "a/r#1"]


@pytest.mark.parametrize(
    "reverting",
    [
        {"title": 'Revert "Risky"', "body": "Reverts a/r#1"},
        {"title": 'Revert "Risky"'},
        {"title": "Back to before", "body": "Reverts a/r#1"},
        {"title": "Back to before", "body": f"This reverts commit {1:040x}."},
    ],
)
def test_a_change_and_its_revert_in_the_same_week_are_dropped(reverting: dict[str, str]) -> None:
    revert = pull(2, at=TUESDAY + timedelta(hours=3), **reverting)
    assert sorted(items(world([pull(1, "Risky"), revert, pull(3)], [commit(1)]))) == ["a/r#3"]
    long_ago = pull(1, "Risky", at=TUESDAY - timedelta(days=7))
    assert sorted(items(world([long_ago, revert], []))) == ["a/r#2"]


def test_a_revert_of_a_revert_leaves_the_change() -> None:
    revert = pull(2, 'Revert "Risky"', at=TUESDAY + timedelta(hours=1))
    back = pull(3, 'Revert "Revert "Risky""', at=TUESDAY + timedelta(hours=2))
    assert sorted(items(world([pull(1, "Risky"), revert, back], []))) == ["a/r#1"]


def test_a_skipped_change_is_left_out_unless_it_is_breaking() -> None:
    label = ["skip-changelog"]
    pulls = [
        pull(1, "chore: x", labels=label),
        pull(2, "chore(x)!: x", labels=label),
        pull(3, "chore: x", labels=label, body="Why.\n\nBREAKING CHANGE: all"),
        pull(4, "chore: no BREAKING CHANGE: here", labels=label),
    ]
    assert sorted(items(world(pulls, []))) == ["a/r#2", "a/r#3"]


def test_the_demo_weeks_edition_has_what_was_planted() -> None:
    built = demo_world()
    [team] = built.teams
    found = expected_items(built, team, built.week)
    pulls = {f"{name}#{one.number}": one for name, repo in built.repositories.items() for one in repo.pull_requests}
    titles = {pulls[item.id].title for item in found if item.id in pulls}
    assert any("remove the v1 charges endpoint" in title for title in titles)
    assert "refactor(events): rename PostingCreated to EntryPosted" in titles, "breaking, although skipped"
    assert "chore: fix a typo in a code comment" not in titles
    assert not any("retry declined cards" in title for title in titles), "reverted within the week"
    assert 'Revert "Preload the checkout bundle on the cart page"' in titles, "reverts older work"
    assert "chore(status): take the maintenance notice down" not in titles, "at the end of the week"
    issues = {one.key: one.summary for project in built.projects.values() for one in project.issues}
    alone = {issues[item.id] for item in found if item.id in issues}
    assert {"Refund e-mail goes out twice", "Watch the first payout run after the cut-off change"} <= alone
    assert "Check the weekend's bookings by hand" not in alone
