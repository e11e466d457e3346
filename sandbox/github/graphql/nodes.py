"""A repository's objects as nodes: plain dictionaries in the words of GitHub's schema, made once and kept.

What leads from one object to another (a pull request's commits, a commit's pull requests) is left to the resolvers,
which find the world's own object under `_of` and the repository's nodes under `_in`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from sandbox.git_objects import WEB_FLOW
from sandbox.github.graphql.execution import Node
from sandbox.github.graphql.people import People
from sandbox.github.index import RepositoryIndex
from sandbox.github.shapes import Shapes, node_id, stable_id, timestamp
from sandbox.world import Commit, Deployment, GitHubIssue, Person, PullRequest, Release, Repository, Review


class RepositoryNodes:
    """The nodes of one repository for one base URL, as long as nothing in it changes."""

    def __init__(self, shapes: Shapes, people: People, index: RepositoryIndex) -> None:
        self.index = index
        self._people = people
        self._shapes = shapes
        self._world: Repository = index.repository
        self._pulls: dict[int, Node] = {}
        self._commits: dict[str, Node] = {}
        self._labels: dict[str, Node] = {}
        self._lists: dict[tuple[str, int], list[Node]] = {}
        self._by_id: dict[str, Node] | None = None
        self.repository = self._repository()

    def pull(self, pull: PullRequest) -> Node:
        node = self._pulls.get(pull.number)
        if node is None:
            node = self._pulls[pull.number] = self._pull(pull)
        return node

    def commit(self, commit: Commit) -> Node:
        node = self._commits.get(commit.sha)
        if node is None:
            node = self._commits[commit.sha] = self._commit(commit)
        return node

    def by_id(self, wanted: str) -> Node | None:
        """The repository, or one of its pull requests or commits, by its global id."""
        if self._by_id is None:
            found = [self.repository]
            found += [self.pull(pull) for pull in self._world.pull_requests]
            found += [self.commit(commit) for commit in self.index.commits_by_sha.values()]
            self._by_id = {node["id"]: node for node in found}
        return self._by_id.get(wanted)

    def commit_of_sha(self, sha: str | None) -> Node | None:
        commit = self.index.commits_by_sha.get(sha or "")
        return None if commit is None else self.commit(commit)

    def default_branch(self) -> Node | None:
        """None while the repository has no commit."""
        if not self._world.commits:
            return None
        name = self._world.default_branch
        return {
            "__typename": "Ref",
            "id": node_id("REF_", stable_id("ref", str(self._world.id), name)),
            "name": name,
            "prefix": "refs/heads/",
            "repository": self.repository,
            "target": self.commit(self._world.commits[0]),
        }

    def labels(self, item: PullRequest | GitHubIssue) -> list[Node]:
        return self._kept("labels", item.number, lambda: [self._label(name) for name in item.labels])

    def pull_commits(self, pull: PullRequest) -> list[Node]:
        return self._kept("commits", pull.number, lambda: list(self._pull_commits(pull)))

    def reviews(self, pull: PullRequest) -> list[Node]:
        return self._kept("reviews", pull.number, lambda: [self._review(pull, review) for review in pull.reviews])

    def closing_issues(self, pull: PullRequest) -> list[Node]:
        known = self.index.issues_by_number
        return self._kept(
            "closes", pull.number, lambda: [self.issue(known[number]) for number in pull.closes if number in known]
        )

    def _kept(self, what: str, number: int, make: Callable[[], list[Node]]) -> list[Node]:
        known = self._lists.get((what, number))
        if known is None:
            known = self._lists[what, number] = make()
        return known

    def _label(self, name: str) -> Node:
        node = self._labels.get(name)
        if node is None:
            node = self._labels[name] = self._new_label(name)
        return node

    def _new_label(self, name: str) -> Node:
        shape = self._shapes.label(self._world, name)
        return {
            "__typename": "Label",
            "id": shape["node_id"],
            "name": name,
            "color": shape["color"],
            "description": shape["description"],
            "isDefault": shape["default"],
            "url": self._shapes.html(self._world, "labels", name.replace(" ", "%20")),
        }

    def _pull_commits(self, pull: PullRequest) -> Iterator[Node]:
        for sha in pull.commit_shas:
            commit = self.commit_of_sha(sha)
            if commit is not None:
                yield {
                    "__typename": "PullRequestCommit",
                    "id": node_id("PURC_", stable_id("pull-commit", str(self._world.id), str(pull.number), sha)),
                    "commit": commit,
                    "pullRequest": self.pull(pull),
                    **self._urls("pull", str(pull.number), "commits", sha),
                }

    def _review(self, pull: PullRequest, review: Review) -> Node:
        submitted_at = timestamp(review.submitted_at)
        return {
            "__typename": "PullRequestReview",
            "id": node_id("PRR_", review.id),
            "author": self._people.actor(review.author),
            "authorAssociation": "MEMBER",
            "body": review.body,
            "createdAt": submitted_at,
            "pullRequest": self.pull(pull),
            "state": review.state,
            "submittedAt": submitted_at,
            "updatedAt": submitted_at,
            "url": self._shapes.html(self._world, "pull", f"{pull.number}#pullrequestreview-{review.id}"),
        }

    def issue(self, issue: GitHubIssue) -> Node:
        return {
            "__typename": "Issue",
            "_in": self,
            "_of": issue,
            "id": node_id("I_", stable_id("issue", str(self._world.id), str(issue.number))),
            "author": self._people.actor(issue.author),
            "authorAssociation": "MEMBER",
            "body": issue.body,
            "closed": issue.closed_at is not None,
            "closedAt": _time(issue.closed_at),
            "createdAt": timestamp(issue.created_at),
            "number": issue.number,
            "repository": self.repository,
            "state": "CLOSED" if issue.closed_at else "OPEN",
            "title": issue.title,
            "updatedAt": timestamp(issue.updated_at),
            **self._urls("issues", str(issue.number)),
        }

    def release(self, release: Release) -> Node:
        """The newest published release that is no pre-release is the latest one."""
        full = [one for one in self._world.releases if one.published_at and not one.is_prerelease]
        latest = max(full, key=lambda one: one.created_at, default=None)
        return {
            "__typename": "Release",
            "id": node_id("RE_", release.id),
            "databaseId": release.id,
            "author": self._people.user(release.author),
            "createdAt": timestamp(release.created_at),
            "description": release.body,
            "isDraft": release.published_at is None,
            "isLatest": release is latest,
            "isPrerelease": release.is_prerelease,
            "name": release.name,
            "publishedAt": _time(release.published_at),
            "repository": self.repository,
            "tagName": release.tag,
            "updatedAt": timestamp(release.published_at or release.created_at),
            **self._urls("releases", "tag", release.tag),
        }

    def deployment(self, deployment: Deployment) -> Node:
        state = deployment.state.upper()
        creator = self._people.actor(deployment.creator) or self._people.ghost
        updated_at = timestamp(deployment.updated_at)
        return {
            "__typename": "Deployment",
            "id": node_id("DE_", deployment.id),
            "databaseId": deployment.id,
            "commit": self.commit_of_sha(deployment.sha),
            "commitOid": deployment.sha,
            "createdAt": timestamp(deployment.created_at),
            "creator": creator,
            "description": None,
            "environment": deployment.environment,
            "latestStatus": {
                "__typename": "DeploymentStatus",
                "id": node_id("DES_", deployment.id),
                "createdAt": updated_at,
                "creator": creator,
                "description": "",
                "state": state,
                "updatedAt": updated_at,
            },
            "repository": self.repository,
            "state": "ACTIVE" if state == "SUCCESS" else state,
            "task": "deploy",
            "updatedAt": updated_at,
        }

    def _repository(self) -> Node:
        world = self._world
        shape = self._shapes.dates(world)
        return {
            "__typename": "Repository",
            "_in": self,
            "id": node_id("R_", world.id),
            "databaseId": world.id,
            "archivedAt": _time(world.archived_at),
            "createdAt": shape["created_at"],
            "isArchived": world.archived_at is not None,
            "isEmpty": not world.commits,
            "isPrivate": True,
            "name": world.name,
            "nameWithOwner": world.full_name,
            "owner": self._people.organization(world.owner),
            "pushedAt": shape["pushed_at"],
            "updatedAt": shape["updated_at"],
            **self._urls(),
        }

    def _pull(self, pull: PullRequest) -> Node:
        closed_at = pull.merged_at or pull.closed_at
        author = self._people.actor(pull.author)
        urls = self._urls("pull", str(pull.number))
        return {
            "__typename": "PullRequest",
            "_in": self,
            "_of": pull,
            "id": node_id("PR_", stable_id("pull", str(self._world.id), str(pull.number))),
            "author": author,
            "authorAssociation": pull.author_association,
            "baseRefName": pull.base_branch,
            "baseRefOid": self.index.base_sha(pull),
            "body": pull.body,
            "closed": closed_at is not None,
            "closedAt": _time(closed_at),
            "createdAt": timestamp(pull.created_at),
            "headRefName": pull.head_branch,
            "headRefOid": self.index.head_sha(pull),
            "isDraft": False,
            "merged": pull.merged_at is not None,
            "mergedAt": _time(pull.merged_at),
            "mergedBy": author if pull.merged_at else None,
            "number": pull.number,
            "permalink": urls["url"],
            "repository": self.repository,
            "state": "MERGED" if pull.merged_at else "CLOSED" if pull.closed_at else "OPEN",
            "title": pull.title,
            "updatedAt": timestamp(pull.updated_at),
            **urls,
        }

    def _commit(self, commit: Commit) -> Node:
        headline, _, rest = commit.message.partition("\n")
        is_merged_by_github = commit.sha in self.index.merge_shas
        committer = WEB_FLOW if is_merged_by_github else commit.author
        urls = self._urls("commit", commit.sha)
        return {
            "__typename": "Commit",
            "_in": self,
            "_of": commit,
            "id": node_id("C_", stable_id("commit", commit.sha)),
            "abbreviatedOid": commit.sha[:7],
            "author": self._git_actor(commit.author, commit.authored_at, is_known=commit.known_account),
            "authoredDate": timestamp(commit.authored_at),
            "commitUrl": urls["url"],
            "committedDate": timestamp(commit.committed_at),
            "committedViaWeb": is_merged_by_github,
            "committer": self._git_actor(committer, commit.committed_at, is_known=commit.known_account),
            "message": commit.message,
            "messageBody": rest.strip(),
            "messageHeadline": headline,
            "oid": commit.sha,
            "repository": self.repository,
            **urls,
        }

    def _git_actor(self, person: Person, at: datetime, *, is_known: bool) -> Node:
        has_user = is_known and person is not WEB_FLOW
        return {
            "__typename": "GitActor",
            "date": timestamp(at),
            "email": person.email,
            "name": person.name,
            "user": self._people.user(person) if has_user else None,
        }

    def _urls(self, *path: str) -> dict[str, str]:
        url = self._shapes.html(self._world, *path)
        return {"url": url, "resourcePath": url.removeprefix(self._shapes.base_url)}


def nodes_in(node: Node) -> RepositoryNodes:
    """The nodes of the repository that a node belongs to."""
    nodes = node["_in"]
    assert isinstance(nodes, RepositoryNodes)
    return nodes


def _time(instant: datetime | None) -> str | None:
    return timestamp(instant) if instant else None
