"""The stand-in's GraphQL schema is a part of GitHub's: nothing in it is invented, or typed otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    value_from_ast_untyped,
)
from graphql.type import GraphQLArgument, GraphQLInputField, is_specified_scalar_type

from sandbox.github.graphql.documents import schema
from tests.github_contracts import schema as githubs_schema


def differences(ours: GraphQLSchema, theirs: GraphQLSchema) -> list[str]:
    """What stands in our schema and not, or not so, in theirs."""
    found: list[str] = []
    for name, type_ in ours.type_map.items():
        if name.startswith("__") or is_specified_scalar_type(type_):
            continue
        other = theirs.type_map.get(name)
        if other is None or type(other) is not type(type_):
            found.append(f"{name}: {type(type_).__name__} against {type(other).__name__}")
        else:
            found += [f"{name}{difference}" for difference in _type_differences(type_, other)]
    return found


def _type_differences(ours: Any, theirs: Any) -> list[str]:
    if isinstance(ours, GraphQLUnionType):
        return [f": {member}" for member in _names(ours.types) - _names(theirs.types)]
    if isinstance(ours, GraphQLEnumType):
        # A value that we lack would be a valid query that we refuse: enumerations are whole, but for SearchType.
        lacking = theirs.values.keys() - ours.values.keys() if ours.name != "SearchType" else set()
        return [f": {value}" for value in (ours.values.keys() - theirs.values.keys()) | lacking]
    found = []
    if isinstance(ours, GraphQLObjectType | GraphQLInterfaceType):
        found += [f": implements {one}" for one in _names(ours.interfaces) - _names(theirs.interfaces)]
    if isinstance(ours, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        for name, field in ours.fields.items():
            found += _field_differences(f".{name}", field, theirs.fields.get(name))
    return found


def _field_differences(name: str, ours: GraphQLField | GraphQLInputField, theirs: Any) -> list[str]:
    found = _value_differences(name, ours, theirs)
    if theirs is None or not isinstance(ours, GraphQLField):
        return found
    for argument, our_argument in ours.args.items():
        found += _value_differences(f"{name}({argument})", our_argument, theirs.args.get(argument))
    required = {argument for argument, value in theirs.args.items() if str(value.type).endswith("!")}
    return [*found, *(f"{name}({argument}): required" for argument in required - ours.args.keys())]


def _value_differences(name: str, ours: GraphQLField | GraphQLArgument | GraphQLInputField, theirs: Any) -> list[str]:
    if theirs is None:
        return [f"{name}: not there"]
    found = [f"{name}: {ours.type} against {theirs.type}"] if str(ours.type) != str(theirs.type) else []
    if not isinstance(ours, GraphQLField) and _default(ours) != _default(theirs):
        found.append(f"{name}: default {_default(ours)} against {_default(theirs)}")
    return found


def _default(argument: GraphQLArgument | GraphQLInputField) -> Any:
    node = argument.ast_node.default_value if argument.ast_node else None
    return None if node is None else value_from_ast_untyped(node)


def _names(types: Any) -> set[str]:
    return {type_.name for type_ in types if isinstance(type_, GraphQLNamedType)}


def test_everything_in_our_schema_stands_so_in_githubs() -> None:
    assert differences(schema(), githubs_schema()) == []


@pytest.mark.parametrize(
    ("sdl", "difference"),
    [
        ("type Query { invented: String }", "Query.invented: not there"),
        ("type Query { viewer: User } type User { login: String! }", "Query.viewer: User against User!"),
        ("type Query { a: PageInfo } type PageInfo { hasNextPage: Boolean }", "PageInfo.hasNextPage: Boolean against"),
        ("type Query { rateLimit(dryRun: Boolean = true): RateLimit } type RateLimit { cost: Int! }", "default True"),
        ("type Query { search(first: Int): String }", "Query.search(query): required"),
        ("type Query { a: IssueState } enum IssueState { OPEN }", "IssueState: CLOSED"),
        ("type Query { a: PageInfo } type PageInfo implements Node { id: ID! } interface Node { id: ID! }", "Node"),
        ("type Query { a: SearchResultItem } union SearchResultItem = Query", "SearchResultItem: Query"),
    ],
)
def test_the_comparison_finds_what_is_not_githubs(sdl: str, difference: str) -> None:
    assert any(difference in found for found in differences(build_schema(sdl), githubs_schema()))
