"""The OpenID provider keeps the rules that a client may rely on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import jwt
import pytest
import pytest_asyncio

from sandbox.running import Sandbox, run_sandbox
from sandbox.service import Credentials
from sandbox.worlds.demo import demo_world

BACK = "http://localhost:8300/back"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
ASKED = {
    "response_type": "code",
    "client_id": Credentials().openid_client_id,
    "redirect_uri": BACK,
    "scope": "openid email",
    "state": "s",
    "nonce": "n",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


class Clock:
    now = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def sandbox(clock: Clock) -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world(), clock=clock, services=["openid"]) as running:
        yield running


@pytest_asyncio.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.urls["openid"]) as client:
        yield client


async def code(http: httpx.AsyncClient) -> str:
    answer = await http.get(f"/authorize/anna?{urlencode(ASKED)}")
    returned = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (returned["state"], returned["iss"]) == (["s"], [str(http.base_url).rstrip("/")])
    return returned["code"][0]


async def redeem(http: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    form = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER}
    auth = httpx.BasicAuth(Credentials().openid_client_id, Credentials().openid_client_secret)
    return await http.post("/token", data=form | changes, auth=auth)


async def test_a_token_is_signed_with_a_published_key_and_says_who(http: httpx.AsyncClient, sandbox: Sandbox) -> None:
    token = (await redeem(http, code=await code(http))).json()["id_token"]
    (key,) = jwt.PyJWKSet.from_json((await http.get("/keys")).text).keys
    claims = jwt.decode(
        token,
        key,
        algorithms=["ES256"],
        audience=Credentials().openid_client_id,
        issuer=sandbox.urls["openid"],
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["sub"], claims["nonce"], claims["email_verified"]) == ("anna", "n", True)


async def test_a_code_is_good_once_and_for_a_minute(http: httpx.AsyncClient, clock: Clock) -> None:
    first = await code(http)
    assert [(await redeem(http, code=first)).status_code for _ in range(2)] == [200, 400]
    late = await code(http)
    clock.now += timedelta(minutes=1)
    assert (await redeem(http, code=late)).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize("changes", [{"code_verifier": "guess"}, {"redirect_uri": f"{BACK}/other"}])
async def test_a_code_is_good_for_who_asked_for_it(http: httpx.AsyncClient, changes: dict[str, str]) -> None:
    assert (await redeem(http, code=await code(http), **changes)).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/"},
        {"client_id": "another"},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"scope": "email"},
    ],
)
async def test_what_is_wrong_stays_at_the_provider(http: httpx.AsyncClient, changes: dict[str, str]) -> None:
    for path in ("/authorize", "/authorize/anna"):
        assert (await http.get(f"{path}?{urlencode(ASKED | changes)}")).status_code == 400


async def test_a_stranger_redeems_nothing(http: httpx.AsyncClient) -> None:
    found = await code(http)
    assert (await http.post("/token", data={"code": found}, auth=("sandbox-dashboard", "guess"))).status_code == 401
    assert (await http.get("/userinfo", headers={"Authorization": "Bearer guess"})).status_code == 401


async def test_people_choose_who_they_are(http: httpx.AsyncClient) -> None:
    page = (await http.get(f"/authorize?{urlencode(ASKED)}")).text
    assert "Anna Berg" in page
    assert "/authorize/ben?response_type=code&amp;" in page
