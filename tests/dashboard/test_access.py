"""Every route has a rule, and each rule holds: for strangers, for other teams, for those who may only look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from dashboard.access import Rule, rule_of
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.records import Records
from tests.dashboard.conftest import PEOPLE, House
from tests.storage.test_records import edition

PLACEHOLDERS = {
    "team": "payments",
    "week": "2026-W47",
    "revision": "1",
    "form": "text",
    "channel": "slack-payments",
    "deed": "approve",
    "service": "github",
    "update": "reset",
    "escalation_id": "escalation:service:github",
    "fingerprint": "f1",
}


def routes(app: FastAPI | APIRouter) -> Iterator[APIRoute]:
    """All of them; FastAPI keeps an included router as one, with its routes inside."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            yield route
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from routes(included)


def address(route: APIRoute, **values: str) -> str:
    return route.path_format.format(**(PLACEHOLDERS | values))


async def test_no_route_goes_without_a_rule(house: House) -> None:
    found = list(routes(house.app))
    assert len(found) > 5
    assert [route.path for route in found if rule_of(route.endpoint) is None] == []


async def test_a_stranger_is_sent_to_sign_in_and_then_to_where_he_wanted(house: House) -> None:
    stranger = await house.browser()
    for route in routes(house.app):
        if rule_of(route.endpoint) is Rule.VIEW:
            answer = await stranger.get(address(route))
            assert (answer.status_code, answer.headers["location"].split("=")[0]) == (303, "/sign-in?then"), route.path
    answer = await stranger.get("/editions?team=payments")
    assert answer.headers["location"] == "/sign-in?then=/editions%3Fteam%3Dpayments"


async def test_another_teams_things_are_not_there(house: House) -> None:
    await Records(house.site.database, ArtifactStore(house.site.database)).write(edition=edition(team="payments"))
    anna, ben = await house.visitor("anna"), await house.visitor("ben")
    assert (await anna.get("/teams/payments/editions/2026-W47")).status_code == 200
    for route in routes(house.app):
        if "{team}" in route.path:
            answer = await ben.http.request(min(route.methods or ()), address(route))
            assert answer.status_code in {403, 404}, route.path
            assert "2026-W47" not in answer.text
    for path in ("/editions", "/editions?team=payments", "/editions?team=payments&week=2026-W47"):
        assert "/teams/payments" not in (await ben.get(path)).text
        assert "/teams/payments" in (await anna.get(path)).text


async def test_who_loses_a_right_loses_it_with_the_next_request(house: House) -> None:
    anna = await house.visitor("anna")
    assert (await anna.get("/editions")).status_code == 200
    house.allow([person for person in PEOPLE if person["name"] != "anna"])
    assert (await anna.get("/editions")).status_code == 303


async def test_a_settings_file_that_is_wrong_changes_nothing(house: House) -> None:
    anna = await house.visitor("anna")
    house.settings.write_text("people: {")
    assert (await anna.get("/editions")).status_code == 200


@pytest.mark.parametrize("name", ["evil.example", "localhost.evil.example"])
async def test_a_foreign_name_for_our_address_is_refused(house: House, name: str) -> None:
    browser = await house.browser(f"http://{name}:8300")
    assert (await browser.get("/sign-in")).status_code == 400
