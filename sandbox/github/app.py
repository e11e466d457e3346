"""The routes of the GitHub stand-in."""

from __future__ import annotations

from aiohttp import web

from sandbox.github.access import Access
from sandbox.github.apps import Apps
from sandbox.github.front_door import front_door
from sandbox.github.graphql.endpoint import GraphQL
from sandbox.github.limits import Limits
from sandbox.github.pages import show_page
from sandbox.github.rest import Rest
from sandbox.github.views import Views
from sandbox.service import Clock, Credentials
from sandbox.world import World


def build_app(world: World, credentials: Credentials, clock: Clock) -> web.Application:
    """GitHub's REST v3 and GraphQL; see `sandbox.service` for the contract."""
    limits = Limits(world.github_hourly_limit, clock)
    access = Access(world, credentials, clock)
    views = Views()
    rest, apps, graphql = Rest(world, views, limits), Apps(world, views, access), GraphQL(world, views, limits)
    public = show_page(world)
    app = web.Application(
        middlewares=[front_door(access, limits, lambda request: request.match_info.handler is public)]
    )
    app.add_routes(
        [
            web.post("/graphql", graphql.answer),
            web.get("/user", rest.user),
            web.get("/rate_limit", rest.rate_limit),
            web.get("/app", apps.app),
            web.get("/app/installations", apps.installations),
            web.get(r"/app/installations/{id:\d+}", apps.installation),
            web.post(r"/app/installations/{id:\d+}/access_tokens", apps.give_token),
            web.get("/installation/repositories", apps.installation_repositories),
            web.get("/repos/{owner}/{repo}/installation", apps.repository_installation),
            # A renamed repository's old name redirects to the second form.
            *_repository_routes("/repos/{owner}/{repo}", rest),
            *_repository_routes(r"/repositories/{repository_id:\d+}", rest),
            web.get("/{owner}/{repo}/{kind:pull|commit|releases/tag}/{id:.+}", public),
        ]
    )
    return app


def _repository_routes(repository: str, rest: Rest) -> list[web.RouteDef]:
    return [
        web.get(repository, rest.repository),
        web.get(f"{repository}/pulls", rest.pulls),
        web.get(rf"{repository}/pulls/{{number:\d+}}", rest.pull),
        web.get(rf"{repository}/pulls/{{number:\d+}}/commits", rest.pull_commits),
        web.get(rf"{repository}/pulls/{{number:\d+}}/reviews", rest.pull_reviews),
        web.get(f"{repository}/commits", rest.commits),
        web.get(f"{repository}/commits/{{ref}}", rest.commit),
        web.get(f"{repository}/commits/{{ref}}/pulls", rest.commit_pulls),
        web.get(f"{repository}/releases", rest.releases),
        web.get(rf"{repository}/releases/{{id:\d+}}", rest.release),
        web.get(f"{repository}/deployments", rest.deployments),
        web.get(f"{repository}/issues", rest.issues),
    ]
