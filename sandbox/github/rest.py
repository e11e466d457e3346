"""GitHub's REST lists and objects: how each picks, orders and pages what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from aiohttp import web

from sandbox.github.access import CALLER, Refusal
from sandbox.github.answers import (
    SHA_ONLY,
    Moved,
    answer,
    base_url,
    error,
    invalid,
    json_answer,
    not_found,
    sha_answer,
)
from sandbox.github.limits import Limits
from sandbox.github.paging import Page
from sandbox.github.views import Rendered, RepositoryView, Views
from sandbox.world import Commit, GitHubIssue, PullRequest, World

T = TypeVar("T")

_SORTS: dict[str, Callable[[PullRequest | GitHubIssue], datetime]] = {
    "created": lambda item: item.created_at,
    "updated": lambda item: item.updated_at,
}


class Rest:
    """The handlers of a user's and an installation's calls."""

    def __init__(self, world: World, views: Views, limits: Limits) -> None:
        self._world = world
        self._views = views
        self._limits = limits

    async def user(self, request: web.Request) -> web.Response:
        if request[CALLER].owner is not None:
            raise Refusal(403, "Resource not accessible by integration")
        account = self._views.shapes(base_url(request)).account("sandbox-bot", "User")
        no_profile = dict.fromkeys(("name", "company", "location", "email", "hireable", "bio"))
        counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
        dates = {"created_at": "2021-03-01T09:00:00Z", "updated_at": "2024-01-01T09:00:00Z"}
        return json_answer(request, account | no_profile | {"blog": ""} | counts | dates)

    async def rate_limit(self, request: web.Request) -> web.Response:
        caller = request[CALLER].name
        core = self._limits.of(caller, "core").as_json()
        untouched = {"used": 0, "reset": core["reset"]}
        resources = {
            "core": core,
            "graphql": self._limits.of(caller, "graphql").as_json(),
            "search": {"limit": 30, "remaining": 30, **untouched},
        }
        return web.json_response({"resources": resources, "rate": core})

    async def repository(self, request: web.Request) -> web.Response:
        view = self._view(request)
        shapes = self._views.shapes(base_url(request))
        modified = shapes.dates(view.repository)["updated_at"]
        return json_answer(
            request, shapes.full_repository(view.repository), last_modified=datetime.fromisoformat(modified)
        )

    async def pulls(self, request: web.Request) -> web.Response:
        view, query = self._view(request), request.query
        state, sort = query.get("state", "open"), query.get("sort", "created")
        if state not in ("open", "closed", "all"):
            return invalid("PullRequest", "state", f"{state} is not open, closed or all")
        if sort not in _SORTS:
            return invalid("PullRequest", "sort", f"the sandbox sorts by created and updated, not by {sort}")
        # GitHub: descending when sort is created or not given, ascending otherwise.
        direction = query.get("direction", "desc" if sort == "created" else "asc")
        chosen = [
            pull
            for pull in view.repository.pull_requests
            if _has_state(pull, state)
            and query.get("base", pull.base_branch) == pull.base_branch
            and query.get("head", _head_label(view, pull)) == _head_label(view, pull)
        ]
        chosen.sort(key=lambda pull: (_SORTS[sort](pull), pull.number), reverse=direction == "desc")
        return _page(request, chosen, view.pull)

    async def pull(self, request: web.Request) -> web.Response:
        view = self._view(request)
        pull = _pull_of(request, view)
        return _single(request, view.pull_detail(pull), pull.updated_at)

    async def pull_commits(self, request: web.Request) -> web.Response:
        view = self._view(request)
        shas = _pull_of(request, view).commit_shas
        return _page(
            request, [view.index.commits_by_sha[sha] for sha in shas if sha in view.index.commits_by_sha], view.commit
        )

    async def pull_reviews(self, request: web.Request) -> web.Response:
        view = self._view(request)
        pull = _pull_of(request, view)
        return _page(request, pull.reviews, lambda review: view.review(pull, review))

    async def commits(self, request: web.Request) -> web.Response:
        view, query = self._view(request), request.query
        for name in ("path", "author", "committer"):
            if name in query:
                return invalid("Commit", name, f"the sandbox does not filter commits by {name}")
        try:
            since, until = _instant(query.get("since")), _instant(query.get("until"))
        except ValueError as wrong:
            return invalid("Commit", "since", str(wrong))
        if not view.repository.commits:
            return error(409, "Git Repository is empty.")
        listed = view.index.history(query.get("sha") or view.repository.default_branch)
        if listed is None:
            return not_found()
        chosen = [
            commit
            for commit in listed
            if (since is None or commit.committed_at >= since) and (until is None or commit.committed_at <= until)
        ]
        return _page(request, chosen, view.commit)

    async def commit(self, request: web.Request) -> web.Response:
        view = self._view(request)
        commit = _commit_of(request, view)
        if commit is None:
            return error(422, f"No commit found for SHA: {request.match_info['ref']}")
        if request.headers.get("Accept") == SHA_ONLY:
            return sha_answer(request, commit.sha)
        return _single(request, view.commit_detail(commit), commit.committed_at)

    async def commit_pulls(self, request: web.Request) -> web.Response:
        view = self._view(request)
        commit = _commit_of(request, view)
        if commit is None:
            return error(422, f"No commit found for SHA: {request.match_info['ref']}")
        return _page(request, view.index.pulls_of_commit(commit.sha), view.pull)

    async def releases(self, request: web.Request) -> web.Response:
        view = self._view(request)
        listed = sorted(view.repository.releases, key=lambda release: release.created_at, reverse=True)
        return _page(request, listed, view.release)

    async def release(self, request: web.Request) -> web.Response:
        view = self._view(request)
        number = int(request.match_info["id"])
        for release in view.repository.releases:
            if release.id == number:
                return _single(request, view.release(release), release.published_at or release.created_at)
        return not_found()

    async def deployments(self, request: web.Request) -> web.Response:
        view, query = self._view(request), request.query
        for name in ("ref", "task"):
            if name in query:
                return invalid("Deployment", name, f"the sandbox does not filter deployments by {name}")
        chosen = [
            deployment
            for deployment in view.repository.deployments
            if query.get("sha", deployment.sha) == deployment.sha
            and query.get("environment", deployment.environment) == deployment.environment
        ]
        chosen.sort(key=lambda deployment: (deployment.created_at, deployment.id), reverse=True)
        return _page(request, chosen, view.deployment)

    async def issues(self, request: web.Request) -> web.Response:
        """Pull requests are issues, too: both are listed."""
        view, query = self._view(request), request.query
        for name in ("milestone", "assignee", "creator", "mentioned", "labels", "type"):
            if name in query:
                return invalid("Issue", name, f"the sandbox does not filter issues by {name}")
        try:
            since = _instant(query.get("since"))
        except ValueError as wrong:
            return invalid("Issue", "since", str(wrong))
        sort, state = query.get("sort", "created"), query.get("state", "open")
        if sort not in _SORTS or state not in ("open", "closed", "all"):
            return invalid("Issue", "sort", "the sandbox knows sort created|updated and state open|closed|all")
        items: list[PullRequest | GitHubIssue] = [*view.repository.pull_requests, *view.repository.issues]
        chosen = [item for item in items if _has_state(item, state) and (since is None or item.updated_at >= since)]
        is_descending = query.get("direction", "desc") == "desc"
        chosen.sort(key=lambda item: (_SORTS[sort](item), item.number), reverse=is_descending)
        return _page(request, chosen, view.issue)

    def _view(self, request: web.Request) -> RepositoryView:
        """Raises HTTPNotFound for what the caller may not see, Moved for a name of earlier days."""
        names, base = request.match_info, base_url(request)
        if "repository_id" in names:
            wanted = int(names["repository_id"])
            found = next((one for one in self._world.repositories.values() if one.id == wanted), None)
        else:
            found = self._world.repository_named(f"{names['owner']}/{names['repo']}")
        if found is None or not request[CALLER].may_see(found):
            raise web.HTTPNotFound
        if "repo" in names and found.full_name.lower() != f"{names['owner']}/{names['repo']}".lower():
            rest = request.path_qs.removeprefix(f"/repos/{names['owner']}/{names['repo']}")
            raise Moved(f"{base}/repositories/{found.id}{rest}")
        return self._views.of(base, found)


def _page(request: web.Request, items: Sequence[T], render: Callable[[T], Rendered]) -> web.Response:
    page = Page.of(request)
    rendered = [render(item) for item in page.cut(items)]
    link = page.link_header(request, base_url(request), len(items))
    body = b"[" + b",".join(one.body for one in rendered) + b"]"
    return answer(request, body, [one.digest for one in rendered], link=link)


def _single(request: web.Request, rendered: Rendered, last_modified: datetime) -> web.Response:
    return answer(request, rendered.body, [rendered.digest], last_modified=last_modified)


def _pull_of(request: web.Request, view: RepositoryView) -> PullRequest:
    pull = view.index.pulls_by_number.get(int(request.match_info["number"]))
    if pull is None:
        raise web.HTTPNotFound
    return pull


def _commit_of(request: web.Request, view: RepositoryView) -> Commit | None:
    """By full SHA, by an unambiguous start of one (7 digits or more), or by the name of the default branch."""
    ref = request.match_info["ref"]
    if ref == view.repository.default_branch:
        return view.repository.commits[0] if view.repository.commits else None
    if ref in view.index.commits_by_sha:
        return view.index.commits_by_sha[ref]
    starting = [commit for sha, commit in view.index.commits_by_sha.items() if len(ref) >= 7 and sha.startswith(ref)]
    return starting[0] if len(starting) == 1 else None


def _has_state(item: PullRequest | GitHubIssue, state: str) -> bool:
    is_closed = bool(item.closed_at or (isinstance(item, PullRequest) and item.merged_at))
    return state == "all" or (state == "closed") == is_closed


def _head_label(view: RepositoryView, pull: PullRequest) -> str:
    return f"{view.repository.owner}:{pull.head_branch}"


def _instant(text: str | None) -> datetime | None:
    """An ISO 8601 instant; without an offset UTC, as GitHub takes it. Raises ValueError."""
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
