"""The JSON shapes that many GitHub answers share: users, repositories, labels, times, ids.

Shapes follow GitHub's OpenAPI description (checked in the tests). Every URL carries the base that the client used,
the pages for people included, so that links in a changelog of the sandbox lead somewhere.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import UTC, datetime

import orjson

from sandbox.world import Person, Repository

_PLAIN_REPOSITORY_URLS = (
    "contributors", "deployments", "downloads", "events", "forks", "hooks", "languages", "merges",
    "stargazers", "subscribers", "subscription", "tags", "teams",
)  # fmt: skip
_TEMPLATED_REPOSITORY_URLS = {
    "archive": "{/archive_format}{/ref}",
    "assignees": "{/user}",
    "blobs": "/git{/sha}",
    "branches": "{/branch}",
    "collaborators": "{/collaborator}",
    "comments": "{/number}",
    "commits": "{/sha}",
    "compare": "/{base}...{head}",
    "contents": "/{+path}",
    "git_commits": "{/sha}",
    "git_refs": "{/sha}",
    "git_tags": "{/sha}",
    "issue_comment": "{/number}",
    "issue_events": "{/number}",
    "issues": "{/number}",
    "keys": "{/key_id}",
    "labels": "{/name}",
    "milestones": "{/number}",
    "notifications": "{?since,all,participating}",
    "pulls": "{/number}",
    "releases": "{/id}",
    "statuses": "/{sha}",
    "trees": "/git{/sha}",
}
_LABEL_COLORS = ("d73a4a", "a2eeef", "0e8a16", "fbca04", "5319e7", "c5def5")

Json = dict[str, object]

_GHOST = Person(name="Deleted user", login="ghost", email="")


def timestamp(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def stable_id(*parts: str) -> int:
    """A number of nine digits that depends on the parts alone."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return 100_000_000 + int.from_bytes(digest, "big") % 900_000_000


def node_id(kind: str, number: int) -> str:
    return b64encode(f"{kind}{number}".encode()).decode()


class Shapes:
    """Builds shapes for one base URL; users and repositories are rendered once and embedded as bytes."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._users: dict[str, orjson.Fragment] = {}
        self._repositories: dict[int, orjson.Fragment] = {}

    def api(self, repository: Repository, *path: str) -> str:
        return "/".join([f"{self.base_url}/repos/{repository.full_name}", *path])

    def html(self, repository: Repository, *path: str) -> str:
        return "/".join([f"{self.base_url}/{repository.full_name}", *path])

    def author(self, person: Person) -> orjson.Fragment:
        """Who opened or published something: @ghost in place of a deleted account."""
        return self._account(_GHOST if person.is_deleted else person)

    def user(self, person: Person) -> orjson.Fragment | None:
        """The account; None for a deleted one."""
        return None if person.is_deleted else self._account(person)

    def _account(self, person: Person) -> orjson.Fragment:
        fragment = self._users.get(person.login)
        if fragment is None:
            kind = "Bot" if person.is_bot else "User"
            fragment = orjson.Fragment(orjson.dumps(self.account(person.login, kind)))
            self._users[person.login] = fragment
        return fragment

    def account(self, login: str, kind: str) -> Json:
        """GitHub's `simple-user`; `kind` is User, Bot or Organization."""
        url = f"{self.base_url}/users/{login}"
        page = f"apps/{login.removesuffix('[bot]')}" if kind == "Bot" else login
        user_id = stable_id("user", login)
        return {
            "login": login,
            "id": user_id,
            "node_id": node_id("U_", user_id),
            "avatar_url": f"{self.base_url}/avatars/u/{user_id}?v=4",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.base_url}/{page}",
            "followers_url": f"{url}/followers",
            "following_url": f"{url}/following{{/other_user}}",
            "gists_url": f"{url}/gists{{/gist_id}}",
            "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
            "subscriptions_url": f"{url}/subscriptions",
            "organizations_url": f"{url}/orgs",
            "repos_url": f"{url}/repos",
            "events_url": f"{url}/events{{/privacy}}",
            "received_events_url": f"{url}/received_events",
            "type": kind,
            "user_view_type": "public",
            "site_admin": False,
        }

    def repository(self, repository: Repository) -> orjson.Fragment:
        """GitHub's `repository`, as it stands in `head.repo` and `base.repo` of a pull request."""
        fragment = self._repositories.get(repository.id)
        if fragment is None:
            fragment = orjson.Fragment(orjson.dumps(self._repository(repository)))
            self._repositories[repository.id] = fragment
        return fragment

    def forget(self, repository: Repository) -> None:
        """Renders the repository anew when it is next asked for: it was pushed to, renamed or archived."""
        self._repositories.pop(repository.id, None)

    def full_repository(self, repository: Repository) -> Json:
        return self._repository(repository) | {
            "permissions": {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True},
            "organization": self.account(repository.owner, "Organization"),
            "network_count": 0,
            "subscribers_count": 3,
        }

    def dates(self, repository: Repository) -> dict[str, str]:
        """`pushed_at` follows the newest commit or release, `updated_at` an archiving, too."""
        pushes = [commit.committed_at for commit in repository.commits[:1]]
        pushes += [release.created_at for release in repository.releases[:1]]
        pushed_at = max(pushes, default=datetime(2024, 1, 1, tzinfo=UTC))
        return {
            "created_at": "2021-03-01T09:00:00Z",
            "updated_at": timestamp(max(pushed_at, repository.archived_at or pushed_at)),
            "pushed_at": timestamp(pushed_at),
        }

    def label(self, repository: Repository, name: str) -> Json:
        label_id = stable_id("label", str(repository.id), name)
        return {
            "id": label_id,
            "node_id": node_id("LA_", label_id),
            "url": self.api(repository, "labels", name.replace(" ", "%20")),
            "name": name,
            "color": _LABEL_COLORS[label_id % len(_LABEL_COLORS)],
            "default": name in ("bug", "documentation", "enhancement"),
            "description": "",
        }

    def _repository(self, repository: Repository) -> Json:
        open_count = sum(not pull.merged_at and not pull.closed_at for pull in repository.pull_requests)
        api = self.api(repository)
        html = self.html(repository)
        urls = {f"{name}_url": f"{api}/{name}" for name in _PLAIN_REPOSITORY_URLS}
        urls |= {f"{name}_url": f"{api}/{name}{rest}" for name, rest in _TEMPLATED_REPOSITORY_URLS.items()}
        return {
            "id": repository.id,
            "node_id": node_id("R_", repository.id),
            "name": repository.name,
            "full_name": repository.full_name,
            "private": True,
            "owner": self.account(repository.owner, "Organization"),
            "html_url": html,
            "description": f"The repository {repository.name}",
            "fork": False,
            "url": api,
            **urls,
            **self.dates(repository),
            "git_url": f"git://localhost/{repository.full_name}.git",
            "ssh_url": f"git@localhost:{repository.full_name}.git",
            "clone_url": f"{html}.git",
            "svn_url": html,
            "mirror_url": None,
            "homepage": None,
            "size": 4096,
            "stargazers_count": 0,
            "watchers_count": 0,
            "language": None,
            "has_issues": True,
            "has_projects": False,
            "has_downloads": True,
            "has_wiki": False,
            "has_pages": False,
            "has_discussions": False,
            "forks_count": 0,
            "archived": repository.archived_at is not None,
            "disabled": False,
            "open_issues_count": open_count,
            "license": None,
            "allow_forking": False,
            "is_template": False,
            "web_commit_signoff_required": False,
            "topics": [],
            "visibility": "private",
            "forks": 0,
            "open_issues": open_count,
            "watchers": 0,
            "default_branch": repository.default_branch,
            "allow_squash_merge": True,
            "allow_merge_commit": True,
            "allow_rebase_merge": True,
            "allow_auto_merge": False,
            "delete_branch_on_merge": True,
        }
