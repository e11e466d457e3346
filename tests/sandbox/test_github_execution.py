"""The stand-in's own GraphQL executor against graphql-core's, over the same resolvers: they never disagree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    execute_sync,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.github.graphql.documents import SCHEMA_FILE, prepare, schema
from sandbox.github.graphql.execution import Bind, QueryError, as_graphql_error, execute
from sandbox.github.graphql.nodes import RepositoryNodes
from sandbox.github.graphql.people import People
from sandbox.github.graphql.resolvers import RESOLVERS, Context
from sandbox.github.index import RepositoryIndex
from sandbox.github.shapes import Shapes
from sandbox.world import Person
from tests.sandbox.github_wire import rich_world, sha

SHAPES = Shapes("http://localhost:1")
PEOPLE = People(SHAPES)
WORLD = rich_world()
NODES = {
    name: RepositoryNodes(SHAPES, PEOPLE, RepositoryIndex(repository))
    for name, repository in WORLD.repositories.items()
}
RATE_LIMIT = {
    "__typename": "RateLimit", "cost": 1, "limit": 5000, "nodeCount": 0, "remaining": 4999,
    "resetAt": "2026-11-16T10:00:00Z", "used": 1,
}  # fmt: skip
VIEWER = PEOPLE.user(Person("Viewer", "viewer", ""))
assert VIEWER is not None
CONTEXT = Context(WORLD, lambda _: True, lambda repository: NODES[repository.full_name], VIEWER, RATE_LIMIT)

ARGUMENTS = {
    "Query.repository": 'owner: "acme", name: "payments-api"',
    "Query.node": f'id: "{NODES["acme/payments-api"].repository["id"]}"',
    "Query.nodes": f'ids: ["{NODES["acme/payments-api"].repository["id"]}", "nothing"]',
    "Query.search": 'type: ISSUE, first: 5, query: "repo:acme/payments-api"',
    "Repository.pullRequest": "number: 1",
    "Repository.issue": "number: 101",
    "Repository.release": 'tagName: "v1.0.0"',
    "Repository.object": f'oid: "{sha(3)}"',
}
SCALARS = {
    "DateTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "GitTimestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "GitObjectID": r"[0-9a-f]{40}",
    "URI": r"(http://localhost:1)?/[^ ]+",
}


def cores_schema() -> GraphQLSchema:
    """Our schema with our resolvers, as graphql-core calls them."""
    built = build_schema(SCHEMA_FILE.read_text())
    for (type_name, field), bind in RESOLVERS.items():
        type_ = built.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        type_.fields[field].resolve = _as_core_resolver(bind)
    for name, form in SCALARS.items():
        built.type_map[name].serialize = partial(_checked, re.compile(form))  # type: ignore[attr-defined]
    return built


def _checked(form: re.Pattern[str], value: object) -> object:
    """A value as it is. Raises TypeError, which graphql-core reports, for one that is not what its type promises."""
    if not isinstance(value, str) or not form.fullmatch(value):
        raise TypeError(f"{value!r} is not of the form {form.pattern}")
    return value


def _as_core_resolver(bind: Bind) -> Any:
    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        try:
            return bind(arguments, info.context)(source)
        except QueryError as error:
            raise as_graphql_error(error) from None

    return resolve


CORE = cores_schema()


def both_answers(query: str, variables: dict[str, Any] | None = None) -> tuple[Any, Any]:
    """Data and the places of errors, first by our executor, then by graphql-core's."""
    prepared = prepare(query, None, variables or {})
    ours = execute(schema(), RESOLVERS, prepared.document, prepared.operation, prepared.variables, CONTEXT)
    theirs = execute_sync(
        CORE, prepared.document, {"__typename": "Query"}, context_value=CONTEXT, variable_values=variables or {}
    )
    their_errors = [{"path": list(error.path or ())} for error in theirs.errors or ()]
    our_errors = [{"path": error["path"]} for error in ours.errors]
    return (ours.data, sorted(our_errors, key=str)), (theirs.data, sorted(their_errors, key=str))


def routes() -> Iterator[tuple[str, str]]:
    """Each object type with a query around `%s` that reaches it, found from Query breadth first."""
    root = schema().type_map["Query"]
    reached: dict[str, str] = {"Query": "{ %s }"}
    waiting: list[GraphQLNamedType] = [root]
    while waiting:
        type_ = waiting.pop(0)
        assert isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items():
            for target in _targets(field):
                if target.name not in reached:
                    spread = f"... on {target.name} {{ %s }}" if is_abstract_type(get_named_type(field.type)) else "%s"
                    selected = f"{_called(type_, name)} {{ {spread} }}"
                    reached[target.name] = reached[type_.name].replace("%s", selected)
                    waiting.append(target)
    yield from sorted(reached.items())


def _targets(field: GraphQLField) -> list[GraphQLObjectType]:
    target = get_named_type(field.type)
    if is_abstract_type(target):
        return list(schema().get_possible_types(target))
    return [target] if is_object_type(target) else []


def _called(type_: GraphQLObjectType, name: str) -> str:
    arguments = ARGUMENTS.get(f"{type_.name}.{name}", "")
    if not arguments and "first" in type_.fields[name].args:
        arguments = "first: 3"
    return f"{name}({arguments})" if arguments else name


@pytest.mark.parametrize(("type_name", "route"), list(routes()), ids=lambda value: value if "{" not in value else "")
def test_every_field_of_every_type_is_answered_alike(type_name: str, route: str) -> None:
    type_ = schema().type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    selected = [
        _called(type_, name) + ("" if is_leaf_type(get_named_type(field.type)) else " { __typename }")
        for name, field in type_.fields.items()
    ]
    ours, theirs = both_answers(route.replace("%s", " ".join(selected)))
    assert ours == theirs


class _Writer:
    """Writes valid queries at random."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def query(self) -> str:
        query = schema().query_type
        assert query is not None
        return self._selection(query, depth=6)

    def _selection(self, type_: Any, depth: int) -> str:
        if is_abstract_type(type_):
            possible = self._random.sample(list(schema().get_possible_types(type_)), 1)
            spreads = [f"... on {one.name} {self._selection(one, depth - 1)}" for one in possible]
            return "{ __typename " + " ".join(spreads) + " }"
        fields = list(type_.fields.items())
        chosen = self._random.sample(fields, min(len(fields), self._random.randrange(1, 6)))
        written = [self._field(type_, name, field, depth) for name, field in chosen]
        return "{ __typename " + " ".join(written) + " }"

    def _field(self, type_: Any, name: str, field: GraphQLField, depth: int) -> str:
        called = _called(type_, name).replace("first: 3", self._page())
        target = get_named_type(field.type)
        # Fields of the same name may not differ in their arguments: each gets a key of its own.
        key = f"{name}{self._random.randrange(10**9)}: "
        directive = self._random.choice(["", "", "", " @include(if: true)", " @skip(if: true)"])
        if is_leaf_type(target):
            return f"{key}{called}{directive}"
        if depth <= 0:
            return f"{key}{called}{directive} {{ __typename }}"
        return f"{key}{called}{directive} {self._selection(target, depth - 1)}"

    def _page(self) -> str:
        return self._random.choice(["first: 2", "last: 2", "first: 0", "first: 101", "first: 1, last: 1"])


@settings(max_examples=100)
@given(st.integers(min_value=0))
def test_random_queries_are_answered_alike(seed: int) -> None:
    ours, theirs = both_answers(_Writer(Random(seed)).query())
    assert ours == theirs


FRAGMENTS = """
query($o: String!, $n: String!, $with: Boolean!) { repository(owner: $o, name: $n) { ...R } }
fragment R on Repository {
  name nameWithOwner @include(if: $with) ... @skip(if: $with) { id }
  defaultBranchRef { name }
  defaultBranchRef { target { ... on GitObject { oid } ... on Commit { message } } }
}
"""
API = 'repository(owner: "acme", name: "payments-api")'


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (FRAGMENTS, {"o": "acme", "n": "payments-api", "with": True}),
        (FRAGMENTS, {"o": "acme", "n": "payments-api", "with": False}),
        (f'{{ a: repository(owner: "acme", name: "x") {{ id }} b: {API} {{ id }} }}', {}),
        (f"{{ {API} {{ pullRequest(number: 99) {{ id }} name }} }}", {}),
        (f"{{ {API} {{ releases {{ totalCount }} }} viewer {{ login }} }}", {}),
    ],
)
def test_fragments_variables_and_errors_are_answered_alike(query: str, variables: dict[str, Any]) -> None:
    ours, theirs = both_answers(query, variables)
    assert ours == theirs


def test_a_null_where_none_may_be_takes_its_parent_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NODES["acme/payments-api"].repository, "nameWithOwner", None)
    query = '{ repository(owner: "acme", name: "payments-api") { nameWithOwner } viewer { login } }'
    ours, theirs = both_answers(query)
    assert ours == theirs
    assert ours[0] == {"repository": None, "viewer": {"login": "viewer"}}
