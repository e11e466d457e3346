"""JIRA issues by the commits that name them: keys and titles, the surest text first."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.changelog.collected import Author, Commit, PullRequest, RepositoryData
from devsync.domain.changelog.derived import issues_named_by

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
ANNA = Author(name="Anna")


def commit(message: str, hour: int = 0) -> Commit:
    at = MONDAY + timedelta(hours=hour)
    return Commit(sha=f"{hour:040x}", message=message, author=ANNA, authored_at=at, committed_at=at)


def pull(title: str, *, body: str = "", branch: str = "", hour: int = 0) -> PullRequest:
    at = MONDAY + timedelta(hours=hour)
    return PullRequest(
        number=hour + 1, title=title, body=body, author=ANNA, head_branch=branch, created_at=at, merged_at=at
    )


def data(*commits: Commit, pulls: tuple[PullRequest, ...] = ()) -> RepositoryData:
    return RepositoryData(repository="acme/ledger", commits=commits, pull_requests=pulls)


def told(*repositories: RepositoryData, project: str = "PAY") -> dict[str, str]:
    return {issue.key: issue.summary for issue in issues_named_by(repositories, project)}


def test_a_key_is_known_by_the_title_that_names_it_without_key_and_number() -> None:
    assert told(data(commit("[PAY-12] Round half up (#7)"))) == {"PAY-12": "Round half up"}


def test_a_title_of_a_pull_request_is_surer_than_a_commit_s_and_that_than_what_stands_below() -> None:
    below = data(commit("Tidy up\n\nSee PAY-12", 0))
    subject = data(commit("PAY-12: round up", 1))
    title = data(pulls=(pull("Round half up (PAY-12)", hour=2),))
    body = data(pulls=(pull("Something else", body="Closes PAY-12", hour=3),))
    assert told(below) == {"PAY-12": "Tidy up"}
    assert told(body) == {"PAY-12": "Something else"}
    assert told(below, subject) == {"PAY-12": "round up"}
    assert told(below, body, subject, title) == {"PAY-12": "Round half up"}


def test_a_branch_names_an_issue_too() -> None:
    assert told(data(pulls=(pull("Round up", branch="feature/PAY-9-round"),))) == {"PAY-9": "Round up"}


def test_keys_of_other_projects_and_what_only_looks_like_one_are_none() -> None:
    assert told(data(commit("OPS-1: UTF-8 and CVE-2026-1 for PAY-0"))) == {}


def test_nothing_else_is_claimed_of_an_issue() -> None:
    (issue,) = issues_named_by([data(commit("PAY-1: a", 5), commit("PAY-1: b", 2))], "PAY")
    assert (issue.status, issue.issue_type, issue.resolution, issue.resolved_at, issue.url) == ("", "", "", None, "")
    assert issue.created_at == MONDAY + timedelta(hours=2)


def test_issues_come_in_the_order_of_their_numbers() -> None:
    assert list(told(data(commit("PAY-10, PAY-9 and PAY-100")))) == ["PAY-9", "PAY-10", "PAY-100"]


@given(st.permutations([commit(f"PAY-{number % 3 + 1}: change {number}", number) for number in range(6)]))
def test_the_order_of_what_is_given_changes_nothing(commits: list[Commit]) -> None:
    ordered = sorted(commits, key=lambda one: one.sha)
    assert issues_named_by([data(*commits)], "PAY") == issues_named_by([data(*ordered)], "PAY")


def test_a_merge_tells_the_issue_that_its_branch_names_by_its_title() -> None:
    merge = commit("Merge pull request #7 from acme/PAY-12-round\n\nRound half up")
    assert told(data(merge)) == {"PAY-12": "Round half up"}
