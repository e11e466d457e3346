"""The codec endpoint, in the wire format of Temporal's Web UI and CLI: what it opens, for whom, and for which pages."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import replace
from typing import Any

import httpx
import pytest
from google.protobuf.json_format import MessageToDict
from temporalio.api.common.v1 import Payload

from dashboard.app import create_app
from dashboard.codec import MOST_BYTES
from devsync.runtime.payload_codec import SealedPayloads
from devsync.settings.payload_keys import PayloadKey
from tests.dashboard.conftest import TOKENS, Browser, House

WEB_UI = "http://localhost:8233"
NEW, OLD, LOST = (PayloadKey(name, os.urandom(32)) for name in ("new", "old", "lost"))
SECRET = Payload(metadata={"encoding": b"json/plain"}, data=b'"a title that nobody outside may read"')


@pytest.fixture
def sealing(house: House) -> House:
    """A house with keys."""
    house.site = replace(house.site, codec=SealedPayloads([NEW, OLD]))
    house.app = create_app(house.site, hosts=["localhost"], secure=False)
    return house


async def sealed(key: PayloadKey) -> Payload:
    (payload,) = await SealedPayloads([key]).encode([SECRET])
    return payload


async def asked(
    browser: Browser, what: str, *payloads: Payload, namespace: str = "default", **headers: str
) -> httpx.Response:
    body = {"payloads": [MessageToDict(payload) for payload in payloads]}
    return await browser.http.post(
        f"/codec/{what}", json=body, headers={"X-Namespace": namespace, "Origin": WEB_UI} | headers
    )


def data_of(answer: httpx.Response) -> list[bytes]:
    return [base64.b64decode(payload["data"]) for payload in answer.json()["payloads"]]


async def test_what_any_of_our_keys_has_sealed_is_opened(sealing: House) -> None:
    root = await sealing.visitor("root")
    answer = await asked(root, "decode", await sealed(NEW), await sealed(OLD), SECRET)
    assert data_of(answer) == [SECRET.data] * 3
    assert [base64.b64decode(one["metadata"]["encoding"]) for one in answer.json()["payloads"]] == [b"json/plain"] * 3


async def test_what_no_key_opens_stays_sealed_and_hides_nothing_beside_it(sealing: House) -> None:
    root = await sealing.visitor("root")
    lost, broken = await sealed(LOST), Payload(metadata={"encoding": b"binary/encrypted"}, data=b"x")
    assert data_of(await asked(root, "decode", lost, broken, await sealed(NEW))) == [lost.data, b"x", SECRET.data]


async def test_what_is_typed_into_the_web_ui_is_sealed_with_the_newest_key(sealing: House) -> None:
    root = await sealing.visitor("root")
    (payload,) = (await asked(root, "encode", SECRET)).json()["payloads"]
    assert base64.b64decode(payload["metadata"]["encryption-key-id"]) == b"new"
    assert SECRET.data not in base64.b64decode(payload["data"])


async def test_without_keys_everything_goes_through_as_it_is(house: House) -> None:
    root = await house.visitor("root")
    assert data_of(await asked(root, "decode", SECRET)) == [SECRET.data]
    assert data_of(await asked(root, "encode", SECRET)) == [SECRET.data]


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("anna", 403), ("cleo", 403), ("root", 200)])
async def test_only_who_may_see_every_team_reads_what_may_be_any_teams(
    sealing: House, who: str | None, status: int
) -> None:
    browser = await (sealing.visitor(who) if who else sealing.browser())
    for what in ("decode", "encode"):
        answer = await asked(browser, what, await sealed(NEW))
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == WEB_UI  # so that the Web UI can tell why


async def test_who_may_only_look_seals_nothing(sealing: House) -> None:
    sealing.allow([{"name": "root", "role": "view", "teams": ["*"]}])
    root = await sealing.visitor("root")
    statuses = [(await asked(root, what, SECRET)).status_code for what in ("decode", "encode")]
    assert statuses == [200, 403]


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:8234", "null"])
async def test_pages_of_other_sites_get_nothing_even_with_the_cookie(sealing: House, origin: str) -> None:
    root = await sealing.visitor("root")
    answer = await asked(root, "decode", await sealed(NEW), Origin=origin)
    assert (answer.status_code, SECRET.data.decode() in answer.text) == (403, False)
    assert "access-control-allow-origin" not in answer.headers
    assert (await preflight(root, origin)).status_code == 400


async def preflight(browser: Browser, origin: str) -> httpx.Response:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-namespace"}
    return await browser.http.options("/codec/decode", headers={"Origin": origin} | asks)


async def test_a_browser_that_asks_first_is_told_what_the_web_ui_may(sealing: House) -> None:
    answer = await preflight(await sealing.browser(), WEB_UI)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == WEB_UI
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "x-namespace" in answer.headers["access-control-allow-headers"]


async def test_the_cli_comes_with_a_token_and_no_origin(sealing: House) -> None:
    browser = await sealing.browser()
    del browser.http.headers["user-agent"]
    body = {"payloads": [MessageToDict(await sealed(NEW))]}
    for name, status in (("root", 200), ("anna", 403)):
        headers = {"X-Namespace": "default", "Authorization": f"Bearer {TOKENS[name]}"}
        answer = await browser.http.post("/codec/decode", json=body, headers=headers)
        assert answer.status_code == status
    headers = {"X-Namespace": "default", "Authorization": "Bearer guess"}
    assert (await browser.http.post("/codec/decode", json=body, headers=headers)).status_code == 401


async def test_another_namespace_and_what_is_no_list_of_payloads_are_refused(sealing: House) -> None:
    root = await sealing.visitor("root")
    assert (await asked(root, "decode", SECRET, namespace="other")).status_code == 400
    bodies: list[Any] = ["{", "[1]", '{"payloads": 5}', '{"payloads": [{"data": 1}]}', b"\xff\xfe"]
    for body in bodies:
        answer = await root.http.post("/codec/decode", content=body, headers={"X-Namespace": "default"})
        assert answer.status_code == 400, body
    huge = json.dumps({"payloads": [{"data": "A" * (MOST_BYTES + 4)}]})
    answer = await root.http.post("/codec/decode", content=huge, headers={"X-Namespace": "default"})
    assert answer.status_code == 413
