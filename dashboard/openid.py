"""Signing in through an OpenID provider: what it is asked, and what of its answer is believed.

OpenID Connect Core 1.0, authorization code flow, with PKCE (RFC 7636). Whoever comes back must bring the state that
their browser left with, and the provider's statement must be signed by one of its published keys, be for us, of now,
and carry the nonce of this very sign-in.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

import httpx
import jwt
from fastapi import Request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import SecretStr, ValidationError
from starlette.responses import Response

from devsync.domain.model import Model
from devsync.settings.dashboard import OPENID_CALLBACK
from devsync.settings.environment import OpenIdAccess

M = TypeVar("M", bound=Model)

LASTS: Final = timedelta(minutes=10)
"""From leaving for the provider until being back."""

_SALT: Final = "devsync.dashboard.openid"
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""With a key that the provider alone has: neither `none`, nor those for which our own secret would do (HS256)."""
_LEEWAY: Final = timedelta(seconds=60)
"""By which clocks may differ."""
_TIMEOUT: Final = httpx.Timeout(10, connect=5)


class OpenIdRefused(Exception):
    """The provider said no, or what came back is not to be believed. The message is for the person."""


class OpenIdAway(Exception):
    """The provider does not answer, or not as one."""


class Identity(NamedTuple):
    """Of whom the provider speaks."""

    email: str
    """Verified by the provider."""
    groups: frozenset[str]


class Journey(Model):
    """Somebody on the way to the provider and back. It stays in their browser, signed by us."""

    state: str
    nonce: str
    verifier: str
    then: str
    """Where to go on afterwards, as it was asked for."""


class _Provider(Model):
    """What it publishes of itself (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    scopes_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Tokens(Model):
    id_token: str
    access_token: str


class OpenId:
    """`base`: how people reach the dashboard. `secret` signs what is kept in their browsers."""

    def __init__(self, access: OpenIdAccess, base: str, secret: str, *, secure: bool) -> None:
        self._access = access
        self._base = base
        self._signer = URLSafeTimedSerializer(secret, salt=_SALT)
        self._is_secure = secure

    async def begin(self, then: str) -> tuple[str, Journey]:
        """Where to send the browser, and what it takes along. Raises OpenIdAway."""
        async with _client() as http:
            provider = await self._provider(http)
        journey = Journey(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            then=then,
        )
        scopes = ["openid", "profile", "email", *(["groups"] if "groups" in provider.scopes_supported else [])]
        asked = {
            "response_type": "code",
            "client_id": self._access.client_id,
            "redirect_uri": f"{self._base}{OPENID_CALLBACK}",
            "scope": " ".join(scopes),
            "state": journey.state,
            "nonce": journey.nonce,
            "code_challenge": _challenge(journey.verifier),
            "code_challenge_method": "S256",
        }
        return _with_query(provider.authorization_endpoint, asked), journey

    async def identity(self, journey: Journey, answer: Mapping[str, str], groups_claim: str) -> Identity:
        """Who came back with `answer`, the query of the callback. Raises OpenIdRefused and OpenIdAway."""
        code = self._code(journey, answer)
        async with _client() as http:
            provider = await self._provider(http)
            tokens = await self._redeem(http, provider, code, journey.verifier)
            claims = self._believed(tokens.id_token, await _keys(http, provider), journey.nonce)
            if "email" not in claims and provider.userinfo_endpoint:
                claims = await _with_userinfo(http, provider, tokens.access_token, claims)
        if claims.get("email_verified") not in {True, "true"} or not isinstance(claims.get("email"), str):
            raise OpenIdRefused("The provider names no verified e-mail address of yours.")
        return Identity(claims["email"], _groups(claims.get(groups_claim)))

    async def sign_out_url(self, to: str) -> str:
        """Where one signs out at the provider too, to come back to `to`; empty where it has no such page. Raises
        OpenIdAway."""
        async with _client() as http:
            end = (await self._provider(http)).end_session_endpoint
        leaving = {"client_id": self._access.client_id, "post_logout_redirect_uri": f"{self._base}{to}"}
        return _with_query(end, leaving) if end else ""

    @property
    def cookie(self) -> str:
        return "__Host-devsync-openid" if self._is_secure else "devsync-openid"

    def remember(self, journey: Journey, response: Response) -> None:
        response.set_cookie(
            self.cookie,
            self._signer.dumps(journey.model_dump(mode="json")),
            max_age=int(LASTS.total_seconds()),
            secure=self._is_secure,
            httponly=True,
            samesite="lax",  # the provider sends the browser back from another site
            path="/",
        )

    def remembered(self, request: Request) -> Journey | None:
        """None where this browser has not left for the provider, or too long ago."""
        try:
            value = self._signer.loads(request.cookies.get(self.cookie, ""), max_age=int(LASTS.total_seconds()))
            return Journey.model_validate(value)
        except (BadSignature, ValidationError):
            return None

    def forget(self, response: Response) -> None:
        """Each journey ends once, well or not."""
        response.delete_cookie(self.cookie, path="/", secure=self._is_secure, httponly=True)

    async def _provider(self, http: httpx.AsyncClient) -> _Provider:
        issuer = self._access.issuer
        answer = await _asked(http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
        provider = _read(answer, _Provider)
        if provider.issuer != issuer:
            raise OpenIdAway(f"the provider calls itself {provider.issuer!r}, and OIDC_ISSUER says {issuer!r}")
        return provider

    def _code(self, journey: Journey, answer: Mapping[str, str]) -> str:
        if not hmac.compare_digest(answer.get("state", "").encode(), journey.state.encode()):
            raise OpenIdRefused("The answer belongs to another sign-in. Begin again.")
        if answer.get("iss", self._access.issuer) != self._access.issuer:  # RFC 9207
            raise OpenIdRefused("The answer comes from another provider. Begin again.")
        if "error" in answer:
            raise OpenIdRefused(f"The provider refused: {answer.get('error_description') or answer['error']}")
        return answer.get("code", "")

    async def _redeem(self, http: httpx.AsyncClient, provider: _Provider, code: str, verifier: str) -> _Tokens:
        client, secret = self._access.client_id, self._access.secret
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": f"{self._base}{OPENID_CALLBACK}",
            "client_id": client,
            "code_verifier": verifier,
        }
        methods = provider.token_endpoint_auth_methods_supported
        by_header = secret is not None and ("client_secret_basic" in methods or "client_secret_post" not in methods)
        if secret is not None and not by_header:
            form["client_secret"] = secret.get_secret_value()
        auth = _basic(client, secret) if secret is not None and by_header else httpx.USE_CLIENT_DEFAULT
        answer = await _asked(http.post(provider.token_endpoint, data=form, auth=auth))
        if answer.status_code in {400, 401}:
            raise OpenIdRefused("The provider does not take the code of this sign-in. Begin again.")
        return _read(answer, _Tokens)

    def _believed(self, id_token: str, keys: jwt.PyJWKSet, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that fulfils OpenID Connect Core 3.1.3.7."""
        client = self._access.client_id
        try:
            claims = jwt.decode(
                id_token,
                _key_of(id_token, keys),
                algorithms=_ALGORITHMS,
                audience=client,
                issuer=self._access.issuer,
                leeway=_LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except jwt.PyJWTError as error:
            raise OpenIdRefused(f"What the provider says of you is not to be believed: {error}") from error
        if claims.get("azp", client) != client:
            raise OpenIdRefused("The provider speaks to somebody else. Begin again.")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise OpenIdRefused("The provider speaks of another sign-in. Begin again.")
        return claims


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=_TIMEOUT)


async def _asked(call: Any) -> httpx.Response:
    try:
        answer: httpx.Response = await call
    except httpx.HTTPError as error:
        raise OpenIdAway(f"the provider does not answer ({type(error).__name__})") from error
    return answer


def _read(answer: httpx.Response, model: type[M]) -> M:
    try:
        return model.model_validate_json(answer.content) if answer.is_success else _not_as_a_provider(answer)
    except ValidationError as error:
        raise OpenIdAway(f"{answer.request.url} answers, but not as an OpenID provider") from error


def _not_as_a_provider(answer: httpx.Response) -> Any:
    raise OpenIdAway(f"the provider answered {answer.status_code}")


async def _keys(http: httpx.AsyncClient, provider: _Provider) -> jwt.PyJWKSet:
    """Asked at each sign-in: a provider changes its keys when it likes, and people do not sign in by the second."""
    answer = await _asked(http.get(provider.jwks_uri))
    try:
        return jwt.PyJWKSet.from_json(answer.text)
    except (jwt.PyJWTError, ValueError) as error:
        raise OpenIdAway(f"{provider.jwks_uri} publishes no key that can be used") from error


def _key_of(id_token: str, keys: jwt.PyJWKSet) -> jwt.PyJWK:
    """The key that the token says it is signed with. Raises jwt.PyJWTError."""
    key_id = jwt.get_unverified_header(id_token).get("kid")
    fitting = [key for key in keys.keys if key_id is None or key.key_id == key_id]
    if len(fitting) != 1:
        raise jwt.InvalidKeyError("its key is not one of those that are published")
    return fitting[0]


async def _with_userinfo(
    http: httpx.AsyncClient, provider: _Provider, access_token: str, claims: dict[str, Any]
) -> dict[str, Any]:
    """Some providers tell addresses there alone (Core 5.4). It must speak of the same person (Core 5.3.2)."""
    answer = await _asked(http.get(provider.userinfo_endpoint, headers={"Authorization": f"Bearer {access_token}"}))
    try:
        told = answer.json() if answer.is_success else {}
    except ValueError:
        told = {}
    if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
        raise OpenIdRefused("The provider names no verified e-mail address of yours.")
    return told | claims


def _groups(claim: object) -> frozenset[str]:
    """A list, or one name."""
    named: Iterable[object] = claim if isinstance(claim, list) else [claim]
    return frozenset(name for name in named if isinstance(name, str))


def _basic(client: str, secret: SecretStr) -> httpx.BasicAuth:
    """Each part in the form of a form's value (RFC 6749, 2.3.1)."""
    return httpx.BasicAuth(quote(client, safe=""), quote(secret.get_secret_value(), safe=""))


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _with_query(address: str, values: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(values)}"
