"""A week's requests of ours and answers of the sandbox against the contracts of the services."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from activities.jira import FIELDS
from tests.conftest import CONTRACT
from tests.contracts.conftest import ORACLES
from tests.contracts.exchanges import Exchange

GRAPHQL = "/graphql"

MUST_COVER = {
    "github": {
        "pulls/list → 200",
        "pulls/list → 404",
        "repos/list-commits → 200",
        "repos/list-releases → 200",
        "repos/list-releases → 304",
        "rate-limit/get → 200",
    },
    "github graphql": {"Week → 200"},
    "jira": {
        "getServerInfo → 200",
        "getCurrentUser → 200",
        "searchAndReconsileIssuesUsingJql → 200",
        "getProject → 200",
        "getProject → 404",
    },
    "slack": {
        "chat.postMessage → 200",
        "chat.update → 200",
        "chat.delete → 200",
        "chat.delete → message_not_found",
        "conversations.history → 200",
        "conversations.replies → 200",
        "conversations.list → 200",
        "auth.test → 200",
    },
}


def kind_of(exchange: Exchange) -> str:
    return "github graphql" if exchange.path == GRAPHQL else exchange.service


def described(exchange: Exchange) -> Exchange:
    """`doctor` asks what a server is where both kinds of JIRA answer; Cloud's v2 is its v3 but for rich text."""
    return replace(exchange, path=exchange.path.replace("/rest/api/2/serverInfo", "/rest/api/3/serverInfo"))


@pytest.mark.filterwarnings("ignore:Unsupported scheme type")
@pytest.mark.parametrize("kind", list(ORACLES))
async def test_every_exchange_of_a_week_keeps_its_contract(
    exchanges: list[Exchange], kind: str, record_property: Callable[[str, object], None]
) -> None:
    of_kind = [described(exchange) for exchange in exchanges if kind_of(exchange) == kind]
    if not of_kind:
        assert kind not in MUST_COVER
        return
    oracle = ORACLES[kind]()
    violations = [one for exchange in of_kind for one in oracle.check(exchange)]
    record_property(CONTRACT, str(oracle.coverage))
    assert violations == [], "\n".join(violations)
    assert MUST_COVER.get(kind, set()) <= oracle.coverage.operations
    if kind == "jira":
        seen = {place for place in oracle.coverage.answer_fields if ".issues[].fields." in place}
        assert {place.rsplit(".", 1)[1] for place in seen} >= set(FIELDS), "a field that we ask for was never seen"


async def test_every_request_says_who_asks(exchanges: list[Exchange]) -> None:
    """What the descriptions do not mention: a credential, and for GitHub a name, or it refuses."""
    for exchange in exchanges:
        is_open = exchange.path.endswith("/serverInfo")
        assert is_open or "authorization" in exchange.headers, str(exchange)
        assert exchange.headers.get("user-agent"), str(exchange)
