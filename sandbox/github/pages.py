"""The pages that a person sees behind a link of the changelog: one plain page an object."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape

from aiohttp import web

from sandbox.world import Repository, World


def show_page(world: World) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of `/{owner}/{repo}/{kind}/{id}`; open to all, since a browser has no token."""

    async def show(request: web.Request) -> web.StreamResponse:
        names = request.match_info
        repository = world.repositories.get(f"{names['owner']}/{names['repo']}")
        content = _content(repository, names["kind"], names["id"]) if repository else None
        if repository is None or content is None:
            return web.Response(status=404, text="There is no such page in the sandbox.")
        title, text = content
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            f'<title>{escape(title)}</title><body style="font: 16px/1.5 sans-serif; margin: 3rem auto; '
            f'max-width: 46rem"><p>{escape(repository.full_name)} · sandbox</p><h1>{escape(title)}</h1>'
            f'<pre style="white-space: pre-wrap">{escape(text)}</pre></body></html>'
        )
        return web.Response(text=page, content_type="text/html")

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
