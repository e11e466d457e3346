"""A page that breaks by our own fault: told as a page of ours, behind the same headers, and without the reason."""

from __future__ import annotations

import httpx
import pytest

from tests.dashboard.conftest import HOST, House


async def test_what_breaks_is_told_on_a_page_that_keeps_the_reason_to_itself(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("a password")

    monkeypatch.setattr("dashboard.pages.breakers._guarded", broken)
    cookies = (await house.visitor("root")).http.cookies
    transport = httpx.ASGITransport(house.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOST, cookies=cookies) as http:
        answer, well = await http.get("/breakers"), await http.get("/sign-in")
    assert answer.status_code == 500
    assert "<h1>Something broke here</h1>" in answer.text
    assert "a password" not in answer.text
    for name in ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control"):
        assert answer.headers[name] == well.headers[name]
