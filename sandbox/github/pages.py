"""The pages of pull requests, commits and releases, behind the links of the changelog."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.web_page import no_such_page, object_page
from sandbox.world import Repository, World


def show_page(world: World) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of `/{owner}/{repo}/{kind}/{id}`; open to all, since a browser has no token."""

    async def show(request: web.Request) -> web.StreamResponse:
        names = request.match_info
        repository = world.repositories.get(f"{names['owner']}/{names['repo']}")
        content = _content(repository, names["kind"], names["id"]) if repository else None
        if repository is None or content is None:
            return no_such_page()
        return object_page(repository.full_name, *content)

    return show


def _content(repository: Repository, kind: str, name: str) -> tuple[str, str] | None:
    """Title and text of the object that a link names; None when there is none."""
    if kind == "pull":
        for pull in repository.pull_requests:
            if str(pull.number) == name:
                return f"{pull.title} #{pull.number}", pull.body
    elif kind == "commit":
        for commit in (*repository.commits, *repository.branch_commits):
            if commit.sha.startswith(name):
                subject, _, rest = commit.message.partition("\n")
                return subject, f"{commit.sha}\n{commit.author.name}\n\n{rest.strip()}"
    else:
        for release in repository.releases:
            if release.tag == name:
                return release.name or release.tag, release.body
    return None
