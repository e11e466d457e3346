"""Signing in through an OpenID provider: who gets in, and what hostile and broken answers come to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
import yaml
from pydantic import SecretStr

from dashboard.openid import OpenId, _challenge
from devsync.settings.environment import OpenIdAccess
from sandbox.openid import PROVIDER, Twist
from sandbox.openid.app import Provider
from sandbox.running import Sandbox, run_sandbox
from sandbox.worlds.demo import demo_world
from tests.dashboard.conftest import HOST, Browser, House

SETTINGS: dict[str, Any] = {
    "people": [{"name": "Anna B", "role": "operate", "teams": ["payments"], "email": "Anna@acme.example"}],
    "groups": [{"group": "staff", "role": "view", "teams": ["search"]}],
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world(), services=["openid"]) as running:
        yield running


@pytest.fixture
def provider(sandbox: Sandbox) -> Provider:
    return sandbox.apps["openid"][PROVIDER]


def access(sandbox: Sandbox, **changes: Any) -> OpenIdAccess:
    said = sandbox.environment
    secret = SecretStr(said["OIDC_CLIENT_SECRET"])
    return OpenIdAccess(said["OIDC_ISSUER"], said["OIDC_CLIENT_ID"], secret)._replace(**changes)


@pytest.fixture
def open_house(house: House, sandbox: Sandbox) -> House:
    """With the sandbox's provider, a person by address, and a group."""
    settle(house, OpenId(access(sandbox), HOST, "s" * 32, secure=False))
    house.settings.write_text(yaml.safe_dump(SETTINGS))
    return house


def settle(house: House, openid: OpenId) -> None:
    house.site = replace(house.site, openid=openid)
    house.app.state.site = house.site


async def leave(browser: Browser, then: str = "/") -> str:
    """Until the provider's page: its address."""
    answer = await browser.get("/sign-in/openid", params={"then": then})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def choose(address: str, who: str) -> str:
    """At the provider: who one is. The address that it sends the browser back to."""
    parts = urlsplit(address)
    async with httpx.AsyncClient() as elsewhere:
        answer = await elsewhere.get(parts._replace(path=f"/authorize/{who}").geturl())
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def back(browser: Browser, address: str, **changes: str | None) -> httpx.Response:
    """With what the provider says in the address, or with what somebody has changed there."""
    parts = urlsplit(address)
    query = {name: value for name, value in (dict(parse_qsl(parts.query)) | changes).items() if value is not None}
    return await browser.get(f"{parts.path}?{urlencode(query)}")


async def sign_in(house: House, who: str, then: str = "/") -> tuple[Browser, httpx.Response]:
    browser = await house.browser()
    return browser, await back(browser, await choose(await leave(browser, then), who))


async def test_a_person_of_the_register_comes_in_by_the_address_and_goes_where_they_wanted(open_house: House) -> None:
    browser, answer = await sign_in(open_house, "anna", "/editions?team=payments")
    assert (answer.status_code, answer.headers["location"]) == (303, "/editions?team=payments")
    page = (await browser.get("/editions")).text
    assert "Anna B" in page
    assert (await browser.get("/feeds/payments.atom")).status_code == 200
    assert (await browser.get("/feeds/search.atom")).status_code == 200  # as one of the staff, too
    assert (await browser.get("/feeds/core.atom")).status_code == 404


async def test_somebody_of_a_group_comes_in_and_is_called_by_the_address(open_house: House) -> None:
    browser, answer = await sign_in(open_house, "ben")
    assert answer.status_code == 303
    assert "ben@acme.example" in (await browser.get("/editions")).text
    assert (await browser.get("/feeds/payments.atom")).status_code == 404
    open_house.settings.write_text(yaml.safe_dump(SETTINGS | {"groups": []}))
    assert (await browser.get("/editions")).status_code == 303


async def test_a_stranger_is_told_whom_to_ask(open_house: House) -> None:
    open_house.settings.write_text(yaml.safe_dump(SETTINGS | {"groups": []}))
    browser, answer = await sign_in(open_house, "ben")
    assert answer.status_code == 403
    assert "ben@acme.example may not look at this" in answer.text
    assert (await browser.get("/editions")).status_code == 303


async def test_an_address_that_the_provider_has_not_verified_opens_nothing(open_house: House) -> None:
    """Mallory gave Anna's."""
    browser, answer = await sign_in(open_house, "mallory")
    assert answer.status_code == 401
    assert "no verified e-mail address" in answer.text
    assert (await browser.get("/editions")).status_code == 303


async def test_the_provider_is_asked_with_pkce_and_a_state_and_nonce_of_this_sign_in(open_house: House) -> None:
    browsers = [await open_house.browser() for _ in range(2)]
    asked = [parse_qs(urlsplit(await leave(browser)).query) for browser in browsers]
    assert asked[0]["redirect_uri"] == [f"{HOST}/sign-in/openid/callback"]
    assert (asked[0]["response_type"], asked[0]["code_challenge_method"]) == (["code"], ["S256"])
    assert "groups" in asked[0]["scope"][0].split()
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
    assert _challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == (
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
    )


@pytest.mark.parametrize(
    ("twist", "problem"),
    [
        (Twist.EXPIRED, "Signature has expired"),
        (Twist.NOT_YET, "not yet valid"),
        (Twist.OTHER_NONCE, "another sign-in"),
        (Twist.OTHER_AUDIENCE, "Audience doesn&#39;t match"),
        (Twist.TWO_AUDIENCES, "somebody else"),
        (Twist.OTHER_ISSUER, "Invalid issuer"),
        (Twist.OTHER_KEY, "Signature verification failed"),
        (Twist.UNSIGNED, "alg"),
        (Twist.SIGNED_WITH_THE_SECRET, "alg"),
        (Twist.NO_EXPIRY, "exp"),
    ],
)
async def test_a_statement_that_is_not_to_be_believed_opens_nothing(
    open_house: House, provider: Provider, twist: Twist, problem: str
) -> None:
    provider.twist = twist
    browser, answer = await sign_in(open_house, "anna")
    assert answer.status_code == 401
    assert problem in answer.text
    assert (await browser.get("/editions")).status_code == 303


async def test_an_address_that_only_userinfo_tells_is_good(open_house: House, provider: Provider) -> None:
    provider.twist = Twist.CLAIMS_ELSEWHERE
    _, answer = await sign_in(open_house, "anna")
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"state": "guess"}, "another sign-in"),
        ({"state": None}, "another sign-in"),
        ({"iss": "https://evil.example"}, "another provider"),
        ({"code": "guess"}, "does not take the code"),
        ({"code": None}, "does not take the code"),
        ({"code": None, "error": "access_denied", "error_description": "<b>No</b>"}, "refused: &lt;b&gt;No&lt;/b&gt;"),
    ],
)
async def test_an_answer_that_somebody_has_changed_opens_nothing(
    open_house: House, changes: dict[str, str | None], problem: str
) -> None:
    browser = await open_house.browser()
    answer = await back(browser, await choose(await leave(browser), "anna"), **changes)
    assert answer.status_code == 401
    assert problem in answer.text
    assert (await browser.get("/editions")).status_code == 303


async def test_an_answer_is_good_in_the_browser_that_asked_and_once(open_house: House) -> None:
    victim, attacker = await open_house.browser(), await open_house.browser()
    answer = await choose(await leave(attacker), "ben")
    assert (await back(victim, answer)).status_code == 401  # nobody is signed in as somebody else by a link
    assert (await back(attacker, answer)).status_code == 303
    assert (await back(attacker, answer)).status_code == 401


@pytest.mark.parametrize("then", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_nobody_is_led_away_after_signing_in(open_house: House, then: str) -> None:
    _, answer = await sign_in(open_house, "anna", then)
    assert answer.headers["location"] == "/"


async def test_who_signs_out_may_sign_out_at_the_provider_too(open_house: House, sandbox: Sandbox) -> None:
    browser, _ = await sign_in(open_house, "anna")
    answer = await browser.post("/sign-out", page="/editions")
    assert "sign out there too" in (await browser.get(answer.headers["location"])).text
    at_provider = (await browser.get("/sign-out/openid")).headers["location"]
    assert at_provider.startswith(f"{sandbox.urls['openid']}/logout?")
    async with httpx.AsyncClient() as elsewhere:
        assert (await elsewhere.get(at_provider)).headers["location"] == f"{HOST}/sign-in"


async def test_a_provider_that_is_away_is_told_and_tokens_go_on(open_house: House, sandbox: Sandbox) -> None:
    sandbox.pause("openid")
    browser = await open_house.browser()
    answer = await browser.get("/sign-in/openid")
    assert (answer.status_code, "does not answer" in answer.text) == (502, True)
    sandbox.resume("openid")
    assert (await browser.get("/sign-in/openid")).status_code == 303


async def test_a_provider_that_calls_itself_otherwise_is_none(open_house: House, sandbox: Sandbox) -> None:
    other = sandbox.urls["openid"].replace("localhost", "127.0.0.1")
    settle(open_house, OpenId(access(sandbox, issuer=f"{other}/"), HOST, "s" * 32, secure=False))
    answer = await (await open_house.browser()).get("/sign-in/openid")
    assert (answer.status_code, "calls itself" in answer.text) == (502, True)


async def test_a_wrong_secret_of_ours_signs_nobody_in(open_house: House, sandbox: Sandbox) -> None:
    settle(open_house, OpenId(access(sandbox, secret=SecretStr("another")), HOST, "s" * 32, secure=False))
    _, answer = await sign_in(open_house, "anna")
    assert (answer.status_code, "does not take the code" in answer.text) == (401, True)


async def test_without_a_provider_there_is_no_such_way(house: House) -> None:
    browser = await house.browser()
    assert (await browser.get("/sign-in/openid")).status_code == 404
    assert "/sign-in/openid" not in (await browser.get("/sign-in")).text
