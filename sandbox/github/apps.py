"""What a GitHub App asks for itself: who it is, where it is installed, and a token to act there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from sandbox.github.access import CALLER, Access
from sandbox.github.answers import answer, base_url, error, json_answer, not_found
from sandbox.github.paging import Page
from sandbox.github.shapes import node_id, stable_id, timestamp
from sandbox.github.views import Views
from sandbox.world import GitHubApp, World

_PERMISSIONS = {"contents": "read", "issues": "read", "metadata": "read", "pull_requests": "read"}
_SINCE = datetime(2024, 1, 1, 9, tzinfo=UTC)


class Apps:
    """The handlers; without an app in the world all of it is Not Found."""

    def __init__(self, world: World, views: Views, access: Access) -> None:
        self._world = world
        self._views = views
        self._access = access

    async def app(self, request: web.Request) -> web.Response:
        app = self._app()
        body = {
            "id": app.id,
            "slug": app.slug,
            "node_id": node_id("A_", app.id),
            "owner": self._views.shapes(base_url(request)).account(app.owner, "Organization"),
            "name": app.slug,
            "description": "",
            "external_url": "https://changelog.example",
            "html_url": f"{base_url(request)}/apps/{app.slug}",
            "created_at": timestamp(_SINCE),
            "updated_at": timestamp(_SINCE),
            "permissions": _PERMISSIONS,
            "events": [],
            "installations_count": 1,
        }
        return json_answer(request, body)

    async def installation(self, request: web.Request) -> web.Response:
        app = self._app()
        if request.match_info["id"] != str(app.installation_id):
            return not_found()
        return json_answer(request, self._installation(app, base_url(request)))

    async def installations(self, request: web.Request) -> web.Response:
        return json_answer(request, [self._installation(self._app(), base_url(request))])

    async def repository_installation(self, request: web.Request) -> web.Response:
        app = self._app()
        name = f"{request.match_info['owner']}/{request.match_info['repo']}"
        repository = self._world.repository_named(name)
        if repository is None or repository.owner != app.owner:
            return not_found()
        return json_answer(request, self._installation(app, base_url(request)))

    async def give_token(self, request: web.Request) -> web.Response:
        app = self._app()
        if request.match_info["id"] != str(app.installation_id):
            return not_found()
        try:
            asked = orjson.loads(await request.read() or b"{}")
        except orjson.JSONDecodeError:
            return error(400, "Problems parsing JSON")
        wanted: dict[str, str] = asked.get("permissions") or _PERMISSIONS
        if any(_PERMISSIONS.get(name) != level for name, level in wanted.items()):
            return error(422, "The permissions requested are not granted to this installation.")
        token, expires_at = self._access.give_token(app)
        body = {
            "token": token,
            "expires_at": timestamp(expires_at),
            "permissions": wanted,
            "repository_selection": "all",
        }
        return web.Response(status=201, body=orjson.dumps(body), content_type="application/json", charset="utf-8")

    async def installation_repositories(self, request: web.Request) -> web.Response:
        caller = request[CALLER]
        if caller.owner is None:
            return error(403, "You must authenticate with an installation access token in order to list repositories.")
        shapes = self._views.shapes(base_url(request))
        seen = [repository for repository in self._world.repositories.values() if caller.may_see(repository)]
        page = Page.of(request)
        body = orjson.dumps(
            {
                "total_count": len(seen),
                "repository_selection": "all",
                "repositories": [shapes.repository(repository) for repository in page.cut(seen)],
            }
        )
        return answer(request, body, [body], link=page.link_header(request, base_url(request), len(seen)))

    def _app(self) -> GitHubApp:
        if self._world.github_app is None:
            raise web.HTTPNotFound
        return self._world.github_app

    def _installation(self, app: GitHubApp, base: str) -> dict[str, Any]:
        return {
            "id": app.installation_id,
            "account": self._views.shapes(base).account(app.owner, "Organization"),
            "repository_selection": "all",
            "access_tokens_url": f"{base}/app/installations/{app.installation_id}/access_tokens",
            "repositories_url": f"{base}/installation/repositories",
            "html_url": f"{base}/organizations/{app.owner}/settings/installations/{app.installation_id}",
            "app_id": app.id,
            "app_slug": app.slug,
            "target_id": stable_id("user", app.owner),
            "target_type": "Organization",
            "permissions": _PERMISSIONS,
            "events": [],
            "created_at": timestamp(_SINCE),
            "updated_at": timestamp(_SINCE),
            "single_file_name": None,
            "suspended_by": None,
            "suspended_at": None,
        }
