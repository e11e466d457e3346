"""Forms: what came of one is told once, to whom pressed, and nobody else can put words there."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from dashboard.sessions import Sessions
from tests.dashboard.conftest import House

PAUSE = "/teams/payments/schedule/pause"


async def test_what_came_of_a_form_is_told_once(house: House) -> None:
    anna = await house.visitor("anna")
    answer = await anna.post(PAUSE, "/deliveries")
    assert (answer.status_code, answer.headers["location"]) == (303, "/teams/payments/schedule")
    assert "has no schedule on the server" in (await anna.get("/deliveries")).text
    assert "has no schedule on the server" not in (await anna.get("/deliveries")).text


async def test_words_that_nobody_of_us_has_signed_are_not_shown(house: House) -> None:
    anna = await house.visitor("anna")
    await anna.post(PAUSE, "/deliveries")
    signed = anna.http.cookies["devsync-told"]
    of_another_kind = house.site.sessions._signer.dumps({"text": "pay eve"})
    for value in ("pay 100 to eve", signed[:-3] + "abc", of_another_kind, signed):
        anna.http.cookies.set("devsync-told", value, domain="localhost.local", path="/")
        text = (await anna.get("/deliveries")).text
        assert ('class="notice' in text) == (value == signed), value


async def test_what_is_told_is_text(house: House) -> None:
    anna = await house.visitor("anna")
    shown = await anna.deed("/teams/payments/schedule/backfill", "/deliveries", week="<script>alert(1)</script>")
    assert "&lt;script&gt;" in shown
    assert "<script>alert" not in shown


async def test_a_long_word_fits_into_a_cookie(house: House) -> None:
    anna = await house.visitor("anna")
    answer = await anna.post("/teams/payments/schedule/backfill", "/deliveries", week="x" * 100_000)
    assert len(answer.headers["set-cookie"]) < 4_096


def test_the_cookie_of_words_is_as_safe_as_the_sessions() -> None:
    answer = Response()
    Sessions("s" * 32, timedelta(hours=1), secure=True).tell("done", answer)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-devsync-told=")
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
