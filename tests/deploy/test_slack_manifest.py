"""deploy/slack-manifest.yaml: what Slack takes, the scopes that our calls need and no other, and our own endpoint."""

import ast
import re
from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute

from dashboard.access import Rule, rule_of
from dashboard.slack.interactions import router
from sandbox.slack.methods import METHODS, PREFIXES
from tests.deploy.prometheus import DEPLOY

PATH = DEPLOY / "slack-manifest.yaml"
CLIENTS = (DEPLOY.parent / "activities/clients/slack.py", DEPLOY.parent / "dashboard/slack/forms.py")

KINDS = {"conversations.list": {"channel", "group"}}
"""Kinds of channels that are asked for; the others of conversations.* are asked of direct messages, too."""
NEEDED_ALWAYS = {"chat:write", "channels:read", "channels:history"}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(PATH.read_text())
    return document


def called() -> set[str]:
    """The Web API methods that the clients call, by their names in their source."""
    trees = [ast.parse(client.read_text()) for client in CLIENTS]
    texts = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and text in METHODS}


def scopes_of(method: str) -> set[str]:
    scope = METHODS[method].scope
    if not scope:
        return set()
    kinds = KINDS.get(method, set(PREFIXES)) if scope.startswith("*") else {""}
    return {scope.replace("*", PREFIXES.get(kind, "")) for kind in kinds}


def test_the_scopes_are_those_of_the_calls_and_no_other(manifest: dict[str, Any]) -> None:
    assert len(called()) == 8
    scopes = manifest["oauth_config"]["scopes"]
    assert set(scopes["bot"]) == set().union(*map(scopes_of, called()))
    assert set(scopes["bot"]) - set(scopes["bot_optional"]) == NEEDED_ALWAYS
    assert "user" not in scopes


def test_each_scope_has_its_reason(manifest: dict[str, Any]) -> None:
    lines = PATH.read_text().splitlines()
    for scope in manifest["oauth_config"]["scopes"]["bot"]:
        at = next(number for number, line in enumerate(lines) if line.strip() == f"- {scope}")
        above = next(line.strip() for line in reversed(lines[:at]) if not line.strip().startswith("- "))
        assert above.startswith("#"), scope


def test_presses_go_to_our_signed_endpoint(manifest: dict[str, Any]) -> None:
    interactivity = manifest["settings"]["interactivity"]
    (route,) = (route for route in router.routes if isinstance(route, APIRoute))
    assert interactivity["is_enabled"] is True
    assert re.fullmatch(r"https://[^/]+(/.*)", interactivity["request_url"])[1] == route.path  # type: ignore[index]
    assert (rule_of(route.endpoint), route.methods) == (Rule.SIGNED, {"POST"})


def test_its_texts_are_as_long_as_slack_takes(manifest: dict[str, Any]) -> None:
    """docs.slack.dev/reference/app-manifest."""
    display = manifest["display_information"]
    assert len(display["name"]) <= 35
    assert len(display["description"]) <= 140
    assert re.fullmatch(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", display["background_color"])
    assert len(manifest["features"]["bot_user"]["display_name"]) <= 80
