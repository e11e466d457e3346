"""PyGithub and a bare session, pointed at a sandbox: set up as the product sets them up, without own retries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import requests
from github import Auth, Github

from sandbox.running import Sandbox
from sandbox.service import Credentials
from sandbox.world import Commit, Deployment, GitHubIssue, Person, PullRequest, Release, Repository, Review, World

ANNA = Person("Anna Lindqvist", "annalindqvist", "anna@acme.example")
BOT = Person("dependabot[bot]", "dependabot[bot]", "bot@acme.example", is_bot=True)
STRANGER = Person("Nobody Known", "nobody", "nobody@nowhere.example")
MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
READ_TIMEOUT_SECONDS = 3


def client(sandbox: Sandbox, token: str | None = None, timeout: int = READ_TIMEOUT_SECONDS) -> Github:
    return Github(
        base_url=sandbox.github_url,
        auth=Auth.Token(token or Credentials().github_token),
        seconds_between_requests=None,
        seconds_between_writes=None,
        retry=None,
        timeout=timeout,
        per_page=100,
    )


def session() -> requests.Session:
    bare = requests.Session()
    bare.headers["Authorization"] = f"Bearer {Credentials().github_token}"
    return bare


def sha(number: int) -> str:
    return f"{number:040x}"


def small_world(pull_requests: int = 3) -> World:
    """One repository: pull request n is merged at hour n by commit n, and an open and a closed one at the end."""
    repository = Repository(id=1, owner="acme", name="payments-api")
    for number in range(1, pull_requests + 1):
        at = MONDAY + timedelta(hours=number)
        repository.commits.insert(
            0,
            Commit(sha(number), f"Change {number} (#{number})", ANNA, at, at, [sha(number - 1)] if number > 1 else []),
        )
        repository.branch_commits.append(Commit(sha(9000 + number), f"Change {number}", ANNA, at, at))
        repository.pull_requests.append(_pull(number, merged_at=at))
    at = MONDAY + timedelta(hours=pull_requests + 1)
    repository.pull_requests.append(_pull(pull_requests + 1, opened_at=at))
    repository.pull_requests.append(_pull(pull_requests + 2, opened_at=at, closed_at=at + timedelta(hours=1)))
    repository.commits[-1].known_account = False
    repository.commits[-1].author = STRANGER
    repository.pull_requests[0].labels = ["bug", "good first issue"]
    repository.pull_requests[1].author = BOT
    repository.releases = [
        Release(71, "v1.0.0", "One", "First.", ANNA, MONDAY, MONDAY),
        Release(72, "v1.1.0-rc.1", "Two", "", ANNA, MONDAY + timedelta(days=1), MONDAY, is_prerelease=True),
    ]
    return World({repository.full_name: repository}, week="2026-W47")


def rich_world() -> World:
    """The small world with everything that GraphQL can ask for: reviews, issues, deployments, and people who left."""
    world = small_world(12)
    repository = world.repositories["acme/payments-api"]
    ghost = Person("Gone Away", "goneaway", "gone@acme.example", is_deleted=True)
    first = repository.pull_requests[0]
    first.closes = [101, 102]
    first.reviews = [
        Review(501, BOT, "COMMENTED", MONDAY),
        Review(502, ghost, "CHANGES_REQUESTED", MONDAY + timedelta(minutes=5), "Not yet."),
        Review(503, ANNA, "APPROVED", MONDAY + timedelta(minutes=50)),
    ]
    repository.pull_requests[2].author = ghost
    repository.issues = [
        GitHubIssue(101, "It breaks", "Often.", ANNA, MONDAY, MONDAY + timedelta(hours=1), MONDAY, labels=["bug"]),
        GitHubIssue(102, "It is slow", "", ghost, MONDAY, MONDAY),
    ]
    repository.deployments = [
        Deployment(801, sha(1), "production", ANNA, MONDAY, MONDAY + timedelta(minutes=2)),
        Deployment(802, sha(2), "staging", ghost, MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=2), "failure"),
    ]
    repository.releases.append(Release(73, "v2.0.0", "Three", "", ghost, MONDAY + timedelta(days=2), None))
    return world


def _pull(
    number: int,
    *,
    merged_at: datetime | None = None,
    opened_at: datetime | None = None,
    closed_at: datetime | None = None,
) -> PullRequest:
    return PullRequest(
        number=number,
        title=f"Change {number}",
        body="Why and how.",
        author=ANNA,
        created_at=opened_at or MONDAY,
        updated_at=merged_at or closed_at or opened_at or MONDAY,
        merged_at=merged_at,
        merge_commit_sha=sha(number) if merged_at else None,
        head_branch=f"feature/{number}",
        commit_shas=[sha(9000 + number)] if merged_at else [],
        closed_at=closed_at,
    )
