"""`commits.atom`, `commits/BRANCH.atom` and `releases.atom` of each repository, newest first, in GitHub's form."""

from __future__ import annotations

from html import escape
from xml.sax.saxutils import escape as xml_escape
from xml.sax.saxutils import quoteattr

from aiohttp import web

from sandbox.github.shapes import timestamp
from sandbox.service import Clock, Credentials
from sandbox.world import Commit, Release, Repository, World

COMMITS = 20
RELEASES = 10
"""The latest ones; there is no second page."""

_LONGEST_TITLE = 80
"""What is longer ends in an ellipsis, the title of a commit in two lines of padding."""

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" '
    'xmlns:media="http://search.yahoo.com/mrss/" xml:lang="en-US">\n'
)


class Feeds:
    def __init__(self, world: World) -> None:
        self._world = world

    async def commits(self, request: web.Request) -> web.Response:
        repository = self._repository(request)
        branch = request.match_info.get("branch", repository.default_branch if repository else "")
        if repository is None or branch not in (repository.default_branch, "HEAD"):
            return _not_found()
        base = f"{request.scheme}://{request.host}/{repository.full_name}"
        entries = [_commit(commit, base) for commit in repository.commits[:COMMITS]]
        return _feed(f"Recent Commits to {repository.name}:{branch}", f"{base}/commits/{branch}", entries)

    async def releases(self, request: web.Request) -> web.Response:
        repository = self._repository(request)
        if repository is None:
            return _not_found()
        base = f"{request.scheme}://{request.host}/{repository.full_name}"
        published = [release for release in repository.releases if release.published_at is not None]
        entries = [_release(release, repository, base) for release in published[:RELEASES]]
        return _feed(f"Release notes from {repository.name}", f"{base}/releases", entries)

    def _repository(self, request: web.Request) -> Repository | None:
        return self._world.repositories.get(f"{request.match_info['owner']}/{request.match_info['name']}")


def build_app(world: World, _credentials: Credentials, _clock: Clock) -> web.Application:
    feeds = Feeds(world)
    app = web.Application()
    app.add_routes(
        [
            web.get("/{owner}/{name}/commits.atom", feeds.commits),
            web.get("/{owner}/{name}/commits/{branch:.+}.atom", feeds.commits),
            web.get("/{owner}/{name}/releases.atom", feeds.releases),
        ]
    )
    return app


def _commit(commit: Commit, base: str) -> str:
    author = commit.author
    is_known = commit.known_account and not author.is_deleted
    account = f"<uri>https://github.com/{xml_escape(author.login)}</uri>" if is_known else ""
    name = author.login if is_known else author.name
    subject = commit.message.partition("\n")[0]
    return (
        f"<entry><id>tag:github.com,2008:Grit::Commit/{commit.sha}</id>"
        f'<link type="text/html" rel="alternate" href={quoteattr(f"{base}/commit/{commit.sha}")}/>'
        f"<title>\n        {_text(_shortened(subject))}\n    </title>"
        f"<updated>{timestamp(commit.committed_at)}</updated>"
        f"<author><name>{_text(name)}</name>{account}</author>"
        f'<content type="html">{_text(f"<pre>{escape(commit.message)}</pre>")}</content></entry>'
    )


def _release(release: Release, repository: Repository, base: str) -> str:
    assert release.published_at is not None, "drafts stand in no feed"
    return (
        f"<entry><id>tag:github.com,2008:Repository/{repository.id}/{_text(release.tag)}</id>"
        f"<updated>{timestamp(release.published_at)}</updated>"
        f'<link rel="alternate" type="text/html" href={quoteattr(f"{base}/releases/tag/{release.tag}")}/>'
        f"<title>{_text(release.name or release.tag)}</title>"
        f'<content type="html">{_text(f"<p>{escape(release.body)}</p>")}</content>'
        f"<author><name>{_text(release.author.login)}</name></author></entry>"
    )


def _feed(title: str, page: str, entries: list[str]) -> web.Response:
    text = (
        f"{_HEAD}<id>tag:github.com,2008:{_text(page)}</id>"
        f'<link type="text/html" rel="alternate" href={quoteattr(page)}/><title>{_text(title)}</title>\n'
        + "\n".join(entries)
        + "\n</feed>\n"
    )
    return web.Response(text=text, content_type="application/atom+xml", charset="utf-8")


def _not_found() -> web.Response:
    return web.Response(status=404, text="Not Found", content_type="text/plain")


def _shortened(title: str) -> str:
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"


def _text(value: str) -> str:
    """As XML takes it: without control characters, which it has no form for."""
    return xml_escape("".join(letter for letter in value if letter in "\t\n\r" or letter >= " "))
