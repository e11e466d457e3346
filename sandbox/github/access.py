"""Who calls: the one known user, a GitHub App by its JSON Web Token, or an installation of it by a token of an hour."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from aiohttp import web
from jwt.types import Options

from sandbox.github.answers import error
from sandbox.service import Clock, Credentials
from sandbox.world import GitHubApp, Repository, World

_LONGEST_JWT_SECONDS = 600
_CLOCK_SKEW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is; `name` tells apart those that have a rate limit of their own."""

    name: str
    login: str
    owner: str | None = None
    """An installation sees this account's repositories only; None: all."""
    is_app: bool = False

    def may_see(self, repository: Repository) -> bool:
        return self.owner in (None, repository.owner)


CALLER = web.RequestKey("caller", Caller)


class Refusal(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def as_response(self) -> web.Response:
        return error(self.status, self.message)


class Access:
    """Knows the callers, and the installation tokens that were given out."""

    def __init__(self, world: World, credentials: Credentials, clock: Clock) -> None:
        self._world = world
        self._credentials = credentials
        self._clock = clock
        self._given: dict[str, tuple[datetime, int]] = {}
        """Installation tokens with their end and their generation."""

    def identify(self, request: web.Request) -> Caller:
        """Raises Refusal in GitHub's words."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip()
        if not token:
            raise Refusal(401, "Requires authentication")
        if scheme.lower() not in ("token", "bearer"):
            raise Refusal(401, "Bad credentials")
        if token == self._credentials.github_token:
            return Caller("user", "sandbox-bot")
        app = self._world.github_app
        if app is not None and token.count(".") == 2:
            self._verify(app, token)
            return Caller("app", f"{app.slug}[bot]", is_app=True)
        if app is not None and self._is_valid(app, token):
            return Caller(f"installation {app.installation_id}", f"{app.slug}[bot]", app.owner)
        raise Refusal(401, "Bad credentials")

    def give_token(self, app: GitHubApp) -> tuple[str, datetime]:
        """A new installation token and when it ends."""
        token = f"ghs_{secrets.token_hex(18)}"
        expires_at = (self._clock() + app.token_lifetime).replace(microsecond=0)
        self._given[token] = (expires_at, app.token_generation)
        return token, expires_at

    def _is_valid(self, app: GitHubApp, token: str) -> bool:
        if token not in self._given:
            return False
        expires_at, generation = self._given[token]
        return self._clock() < expires_at and generation == app.token_generation

    def _verify(self, app: GitHubApp, token: str) -> None:
        claims = self._decoded(app, token)
        if str(claims.get("iss")) != str(app.id):
            raise Refusal(404, "Integration not found")
        now = self._clock().timestamp()
        issued, expires = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int) or issued > now + _CLOCK_SKEW_SECONDS:
            raise Refusal(
                401,
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            )
        if not isinstance(expires, int) or expires <= now:
            raise Refusal(
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
                "assertion expires",
            )
        if expires > now + _LONGEST_JWT_SECONDS + _CLOCK_SKEW_SECONDS:
            raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")

    @staticmethod
    def _decoded(app: GitHubApp, token: str) -> dict[str, Any]:
        # Times are checked against the world's clock, not the machine's.
        unchecked: Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_iss": False}
        try:
            claims: dict[str, Any] = jwt.decode(token, app.public_key, algorithms=["RS256"], options=unchecked)
        except jwt.PyJWTError:
            raise Refusal(401, "A JSON web token could not be decoded") from None
        return claims
