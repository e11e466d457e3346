"""Signing in: the right token, wrong ones, many wrong ones, forged and old cookies, forms of other sites."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from dashboard.attempts import AT_MOST, WITHIN, Attempts
from dashboard.sessions import Sessions, new_session
from dashboard.sign_in import inner_path
from tests.dashboard.conftest import TOKENS, House


async def test_the_right_token_opens_and_signing_out_closes(house: House) -> None:
    browser = await house.browser()
    answer = await browser.post("/sign-in", token=TOKENS["anna"], then="/editions?team=payments")
    assert (answer.status_code, answer.headers["location"]) == (303, "/editions?team=payments")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert TOKENS["anna"] not in cookie
    assert "anna" in (await browser.get("/editions")).text
    await browser.post("/sign-out", page="/editions")
    assert (await browser.get("/editions")).status_code == 303


async def test_a_wrong_token_says_so_and_many_wrong_ones_have_to_wait(house: House) -> None:
    browser = await house.browser()
    for _ in range(AT_MOST):
        answer = await browser.post("/sign-in", token="guess")
        assert (answer.status_code, "Nobody has this token" in answer.text) == (401, True)
    answer = await browser.post("/sign-in", token=TOKENS["anna"])
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= WITHIN.total_seconds() + 1


def test_the_window_slides_and_success_forgets() -> None:
    attempts = Attempts()
    for second in range(AT_MOST):
        attempts.failed("a", second)
    assert attempts.wait_seconds("a", AT_MOST) == pytest.approx(WITHIN.total_seconds() - AT_MOST)
    assert attempts.wait_seconds("b", AT_MOST) == 0
    assert attempts.wait_seconds("a", WITHIN.total_seconds()) == 0
    attempts.succeeded("a")
    assert attempts.wait_seconds("a", AT_MOST) == 0


async def test_a_session_from_before_is_not_the_one_that_is_signed_in(house: House) -> None:
    browser = await house.browser()
    await browser.get("/sign-in")
    planted = browser.http.cookies["devsync"]
    await browser.sign_in("anna")
    assert browser.http.cookies["devsync"] != planted
    other = await house.browser()
    other.http.cookies.set("devsync", planted)
    assert (await other.get("/editions")).status_code == 303


@pytest.mark.parametrize("secret", ["another secret of 32 characters.", "s" * 32])
async def test_a_forged_and_an_old_cookie_are_none(house: House, secret: str) -> None:
    is_ours = secret == "s" * 32
    lifetime = timedelta(hours=12)
    forged = Sessions(secret, lifetime, secure=False)._signer.dumps(
        new_session().model_copy(update={"name": "root"}).model_dump(mode="json")
    )
    browser = await house.browser()
    browser.http.cookies.set("devsync", forged)
    assert (await browser.get("/editions")).status_code == (200 if is_ours else 303)
    if is_ours:
        house.site.sessions._lifetime = timedelta(seconds=0)
        await asyncio.sleep(1.1)  # its signature counts whole seconds
        assert (await browser.get("/editions")).status_code == 303


async def test_a_form_of_another_site_is_refused(house: House) -> None:
    browser = await house.visitor("anna")
    assert (await browser.http.post("/sign-out", data={"csrf": "guess"})).status_code == 403
    assert (await browser.http.post("/sign-out")).status_code == 403
    csrf = house.site.sessions._signer.loads(browser.http.cookies["devsync"])["csrf"]
    from_elsewhere = {"sec-fetch-site": "cross-site"}
    assert (await browser.http.post("/sign-out", data={"csrf": csrf}, headers=from_elsewhere)).status_code == 403
    assert (await browser.http.post("/sign-out", headers={"x-csrf-token": csrf})).status_code == 303


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\r\nX: y", "/" + "a" * 1_000]
)
def test_nobody_is_led_away(path: str) -> None:
    assert inner_path(path) == "/"


async def test_every_answer_has_its_headers(house: House) -> None:
    browser = await house.browser()
    for path in ("/sign-in", "/editions", "/nowhere", "/static/app.css"):
        headers = (await browser.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path
