"""The provider's endpoints: discovery, keys, authorization with PKCE, tokens, userinfo, and signing out.

OpenID Connect Core 1.0 and Discovery 1.0, RFC 7636 (S256 alone), RFC 9207, RP-Initiated Logout 1.0. It sends browsers
back to this machine only.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from html import escape
from urllib.parse import unquote, urlencode, urlsplit

from aiohttp import web

from sandbox.openid.people import PEOPLE, Account
from sandbox.openid.tokens import Keys, Twist, claims_of, id_token
from sandbox.service import Clock, Credentials
from sandbox.world import World

_CODE_LASTS = timedelta(minutes=1)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class _Grant:
    """What a code stands for; it is good once."""

    account: Account
    redirect_uri: str
    nonce: str
    challenge: str
    until: datetime


class Provider:
    def __init__(self, credentials: Credentials, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock
        self._keys = Keys()
        self._codes: dict[str, _Grant] = {}
        self._access_tokens: dict[str, Account] = {}
        self.twist: Twist | None = None
        """What is wrong with the tokens from now on."""

    async def discovery(self, request: web.Request) -> web.Response:
        issuer = _issuer(request)
        return web.json_response(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "end_session_endpoint": f"{issuer}/logout",
                "jwks_uri": f"{issuer}/keys",
                "scopes_supported": ["openid", "profile", "email", "groups"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def keys(self, _request: web.Request) -> web.Response:
        return web.json_response(self._keys.published())

    async def authorize(self, request: web.Request) -> web.Response:
        """The page on which one says who one is."""
        if problem := self._wrong(request):
            return web.Response(status=400, text=problem)
        links = "".join(
            f'<li><a href="/authorize/{account.subject}?{escape(request.query_string)}">{escape(account.name)}</a> '
            f"{escape(account.email)}{'' if account.is_verified else ', not verified'}</li>"
            for account in PEOPLE.values()
        )
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>'
            '<body style="font: 16px/1.8 sans-serif; margin: 3rem auto; max-width: 30rem">'
            f"<p>OpenID provider · sandbox</p><h1>Who are you?</h1><ul>{links}</ul></body></html>"
        )
        return web.Response(text=page, content_type="text/html")

    async def chosen(self, request: web.Request) -> web.Response:
        account = PEOPLE.get(request.match_info["subject"])
        if account is None or (problem := self._wrong(request)):
            return web.Response(status=400, text=problem if account else "nobody of that name")
        query = request.query
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Grant(
            account,
            query["redirect_uri"],
            query.get("nonce", ""),
            query["code_challenge"],
            self._clock() + _CODE_LASTS,
        )
        back = {"code": code, "state": query.get("state", ""), "iss": _issuer(request)}
        raise web.HTTPFound(f"{query['redirect_uri']}?{urlencode(back)}")

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if not self._is_our_client(request, str(form.get("client_id", "")), str(form.get("client_secret", ""))):
            return _error(401, "invalid_client")
        grant = self._codes.pop(str(form.get("code", "")), None)
        if (
            grant is None
            or form.get("grant_type") != "authorization_code"
            or grant.until <= self._clock()
            or grant.redirect_uri != form.get("redirect_uri")
            or grant.challenge != _challenge(str(form.get("code_verifier", "")))
        ):
            return _error(400, "invalid_grant")
        access_token = secrets.token_urlsafe(24)
        self._access_tokens[access_token] = grant.account
        told = id_token(
            grant.account,
            self._keys,
            issuer=_issuer(request),
            client_id=self._credentials.openid_client_id,
            client_secret=self._credentials.openid_client_secret,
            nonce=grant.nonce,
            now=self._clock(),
            twist=self.twist,
        )
        answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": 300, "id_token": told}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    async def userinfo(self, request: web.Request) -> web.Response:
        account = self._access_tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if account is None:
            return _error(401, "invalid_token")
        return web.json_response({"sub": account.subject, **claims_of(account)})

    async def logout(self, request: web.Request) -> web.Response:
        to = request.query.get("post_logout_redirect_uri", "")
        if request.query.get("client_id") != self._credentials.openid_client_id or not _is_of_this_machine(to):
            return web.Response(text="You are signed out.")
        raise web.HTTPFound(to)

    def _wrong(self, request: web.Request) -> str:
        query = request.query
        if query.get("client_id") != self._credentials.openid_client_id:
            return "no such client"
        if not _is_of_this_machine(query.get("redirect_uri", "")):
            return "redirect_uri is not one of this machine"
        if query.get("response_type") != "code" or "openid" not in query.get("scope", "").split():
            return "only response_type=code with the scope openid"
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            return "a code_challenge by S256 is needed"
        return ""

    def _is_our_client(self, request: web.Request, client_id: str, secret: str) -> bool:
        kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if kind.casefold() == "basic":
            try:
                pair = b64decode(encoded, validate=True).decode()
            except (NotBase64, UnicodeDecodeError):
                return False
            client_id, _, secret = (unquote(part) for part in pair.partition(":"))
        return client_id == self._credentials.openid_client_id and hmac.compare_digest(
            secret.encode(), self._credentials.openid_client_secret.encode()
        )


PROVIDER = web.AppKey("openid_provider", Provider)


def build_app(_world: World, credentials: Credentials, clock: Clock) -> web.Application:
    provider = Provider(credentials, clock)
    app = web.Application()
    app[PROVIDER] = provider
    app.add_routes(
        [
            web.get("/.well-known/openid-configuration", provider.discovery),
            web.get("/keys", provider.keys),
            web.get("/authorize", provider.authorize),
            web.get("/authorize/{subject}", provider.chosen),
            web.post("/token", provider.token),
            web.get("/userinfo", provider.userinfo),
            web.get("/logout", provider.logout),
        ]
    )
    return app


def _issuer(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _is_of_this_machine(address: str) -> bool:
    return urlsplit(address).scheme in {"http", "https"} and urlsplit(address).hostname in _LOOPBACK


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _error(status: int, code: str) -> web.Response:
    return web.json_response({"error": code}, status=status, headers={"Cache-Control": "no-store"})
