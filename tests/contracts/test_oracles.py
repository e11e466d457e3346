"""Oracles that cannot say no prove nothing: each kind of wrong, made from an exchange that was good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest

from tests.contracts.conftest import ORACLES, Oracle
from tests.contracts.exchanges import Exchange, recording_sandbox
from tests.sandbox.github_wire import small_world

Break = Callable[[Exchange], Exchange]


@pytest.fixture(scope="module")
def oracles() -> dict[str, Oracle]:
    """Apart from those of the whole week, whose counts are told."""
    return {kind: make() for kind, make in ORACLES.items()}


def with_query(**changes: str) -> Break:
    return lambda one: replace(one, query=tuple((dict(one.query) | changes).items()))


def at_path(path: str) -> Break:
    return lambda one: replace(one, path=path)


def by_method(method: str) -> Break:
    return lambda one: replace(one, method=method)


def with_status(status: int) -> Break:
    return lambda one: replace(one, status=status)


def with_answer(change: Callable[[Any], Any]) -> Break:
    """`change` edits the parsed answer in place, or returns another one."""

    def broken(one: Exchange) -> Exchange:
        body = one.json
        changed = change(body)
        return replace(one, answer=orjson.dumps(body if changed is None else changed))

    return broken


def with_argument(name: str, value: Any) -> Break:
    """In a JSON body."""
    return lambda one: replace(one, body=orjson.dumps(orjson.loads(one.body) | {name: value}))


def mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text), **more}


def status_of(body: Any) -> Any:
    return body["issues"][0]["fields"]["status"]


BROKEN: list[tuple[str, str, Break, str]] = [
    ("github", "/pulls", at_path("/repos/acme/ledger/merges-of-the-week"), "no such operation"),
    ("github", "/pulls", by_method("PUT"), "no such operation"),
    ("github", "/pulls", with_query(state="merged"), "merged"),
    ("github", "/pulls", with_query(since="2026-11-16"), "parameter since is unknown"),
    ("github", "/pulls", with_query(per_page="many"), "integer type: many"),
    ("github", "/pulls", with_status(503), "503"),
    ("github", "/pulls", with_answer(lambda body: body[0].pop("merged_at") and None), "'merged_at' is a required"),
    ("github", "/pulls", with_answer(lambda body: body[0].update(number="12")), "'12' is not of type 'integer'"),
    ("github", "/pulls", with_answer(lambda body: {"items": body}), "is not of type 'array'"),
    ("github", "/commits", with_query(until="yesterday"), "'yesterday' is not a 'date-time'"),
    ("jira", "/search/jql", with_query(startAt="0"), "parameter startAt is unknown"),
    ("jira", "/search/jql", with_query(maxResults="all"), "integer type: all"),
    ("jira", "/search/jql", at_path("/rest/api/3/search/jqll"), "no such operation"),
    ("jira", "/search/jql", with_answer(lambda body: body.update(issues={})), "is not of type 'array'"),
    ("jira", "/search/jql", with_answer(lambda body: body["issues"][0].update(id=7)), "7 is not of type 'string'"),
    ("jira", "/search/jql", with_answer(lambda body: body["issues"][0].update(owner="x")), "owner"),
    ("jira", "/search/jql", with_answer(lambda body: status_of(body).update(name=7)), "7 is not of type 'string'"),
    ("jira", "/search/jql", with_answer(lambda body: body["issues"][0]["fields"].update(labels="x")), "'array'"),
    ("jira", "/myself", with_answer(lambda body: body.update(accountType="robot")), "'robot' is not one of"),
    ("jira", "/myself", with_status(418), "418"),
    ("slack", "chat.postMessage", at_path("/api/chat.shout"), "slack-sdk knows no such method"),
    ("slack", "chat.postMessage", with_argument("colour", "red"), "argument colour is unknown"),
    ("slack", "chat.postMessage", with_argument("token", "xoxb-1"), "argument token is unknown"),
    ("slack", "chat.postMessage", lambda one: replace(one, headers={}), "no bearer token"),
    ("slack", "chat.postMessage", with_argument("text", "x" * 4_001), "text of 4001 characters"),
    ("slack", "chat.postMessage", with_argument("metadata", {"event_type": "x"}), "metadata"),
    ("slack", "chat.postMessage", with_argument("blocks", [section("x")] * 51), "51 blocks"),
    ("slack", "chat.postMessage", with_argument("blocks", [section("x" * 3_001)]), "text of 3001 characters"),
    ("slack", "chat.postMessage", with_argument("blocks", [section("x" * 2_900)] * 5), "blocks of 14"),
    ("slack", "chat.postMessage", with_argument("blocks", [section("x", colour="red")]), "does not know"),
    ("slack", "chat.postMessage", with_argument("blocks", [{"type": "banner", "text": "x"}]), "none that slack-sdk"),
    (
        "slack",
        "chat.postMessage",
        with_argument("blocks", [section("x", fields=[mrkdwn("y" * 2_001)])]),
        "field of 2001",
    ),
    ("slack", "chat.postMessage", with_argument("blocks", [section("x", fields=[mrkdwn("y")] * 11)]), "11 fields"),
    ("slack", "chat.postMessage", with_argument("blocks", [section("x", block_id="b" * 256)]), "block_id"),
    ("slack", "chat.postMessage", with_answer(lambda body: body.update(ts=1_763_000_000)), "no channel and ts"),
    ("slack", "chat.postMessage", with_answer(lambda body: body.update(posted=True)), ".posted is a field that Slack"),
    ("slack", "chat.postMessage", with_answer(lambda body: body.pop("ok") and None), "no `ok`"),
    ("slack", "conversations.history", with_answer(lambda body: body.update(has_more="no")), "no boolean"),
    ("slack", "conversations.history", with_answer(lambda body: body["messages"][0].update(ts=1.5)), "no string"),
]


@pytest.mark.parametrize(("service", "path", "break_it", "words"), BROKEN, ids=[f"{one[1]}-{one[3]}" for one in BROKEN])
async def test_an_oracle_sees_what_is_wrong(
    exchanges: list[Exchange], oracles: dict[str, Oracle], service: str, path: str, break_it: Break, words: str
) -> None:
    good = next(
        one
        for one in exchanges
        if (one.service, one.status) == (service, 200) and one.path.endswith(path) and len(one.answer) > 2
    )
    assert oracles[service].check(good) == []
    found = oracles[service].check(break_it(good))
    assert any(words in one for one in found), found


# GraphQL, against a query of its own: whatever the product asks stands in the week's exchanges.

QUERY = """
query Merged($owner: String!, $size: Int!) {
  repository(owner: $owner, name: "payments-api") {
    nameWithOwner
    pullRequests(first: $size, states: [MERGED]) {
      nodes { number mergedAt is: state author { __typename login ... on User { name } } mergeCommit { oid } }
    }
  }
}
"""


@pytest.fixture(scope="module")
async def asked() -> Exchange:
    """One GraphQL exchange with the sandbox."""
    async with recording_sandbox(small_world(3)) as sandbox, httpx.AsyncClient() as http:
        headers = {"Authorization": f"bearer {sandbox.credentials.github_token}"}
        body = {"query": QUERY, "variables": {"owner": "acme", "size": 2}}
        await http.post(f"{sandbox.github_url}/graphql", json=body, headers=headers)
        (exchange,) = sandbox.exchanges
        return exchange


def nodes(body: Any) -> Any:
    return body["data"]["repository"]["pullRequests"]["nodes"]


def with_text(old: str, new: str) -> Break:
    return with_argument("query", QUERY.replace(old, new))


BROKEN_GRAPHQL: list[tuple[Break, str]] = [
    (with_text("mergedAt", "mergedWhen"), "Cannot query field 'mergedWhen' on type 'PullRequest'"),
    (with_text("$size: Int!", "$size: String!"), "of type 'String!' used in position expecting type 'Int'"),
    (with_text("[MERGED]", "[LANDED]"), "Value 'LANDED' does not exist in 'PullRequestState'"),
    (with_text("nodes {", "nodes {{"), "Syntax Error"),
    (with_argument("variables", {"owner": "acme"}), "Variable '$size' has invalid value"),
    (with_answer(lambda body: nodes(body)[0].update(number=None)), "Cannot return null for non-nullable field"),
    (with_answer(lambda body: nodes(body)[0].update(number="12a")), "Int cannot represent non-integer value"),
    (with_answer(lambda body: nodes(body)[0].update({"is": "LANDED"})), "cannot represent value: 'LANDED'"),
    (with_answer(lambda body: nodes(body)[0].pop("mergedAt") and None), "mergedAt"),
    (with_answer(lambda body: nodes(body)[0].update(title="x")), "fields that were not asked for"),
    (with_answer(lambda body: body["data"]["repository"]["pullRequests"].update(nodes={})), "Expected Iterable"),
    (with_answer(lambda _: {}), "neither data nor errors"),
]


async def test_a_graphql_exchange_keeps_githubs_schema(asked: Exchange, oracles: dict[str, Oracle]) -> None:
    assert len(nodes(asked.json)) == 2
    assert oracles["github graphql"].check(asked) == []


@pytest.mark.parametrize(("break_it", "words"), BROKEN_GRAPHQL, ids=[words for _, words in BROKEN_GRAPHQL])
async def test_the_graphql_oracle_sees_what_is_wrong(
    asked: Exchange, oracles: dict[str, Oracle], break_it: Break, words: str
) -> None:
    found = oracles["github graphql"].check(break_it(asked))
    assert any(words in one for one in found), found


async def test_a_null_that_the_errors_explain_is_no_violation(asked: Exchange, oracles: dict[str, Oracle]) -> None:
    def hide(body: Any) -> None:
        body["data"]["repository"]["nameWithOwner"] = None
        body["errors"] = [{"message": "hidden", "path": ["repository", "nameWithOwner"]}]

    assert oracles["github graphql"].check(with_answer(hide)(asked)) == []
