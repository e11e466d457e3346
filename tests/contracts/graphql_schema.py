"""Holds GraphQL exchanges against GitHub's public schema: the query, its variables, and each value of the answer."""

from __future__ import annotations

from typing import Any

from graphql import (
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    execute_sync,
    parse,
    validate,
)
from graphql.language import DocumentNode, OperationDefinitionNode

from tests.contracts.coverage import Coverage
from tests.contracts.exchanges import Exchange


class GraphQLOracle:
    def __init__(self, schema: GraphQLSchema, name: str) -> None:
        self._schema = schema
        self.coverage = Coverage(name)

    def check(self, exchange: Exchange) -> list[str]:
        """What the schema objects to. An answer without data (a refusal) is checked for its `errors` alone."""
        asked, answer = exchange.arguments, exchange.json
        try:
            document = parse(asked["query"])
        except GraphQLError as error:
            return [self.coverage.violation(f"{exchange}: {error.message}")]
        objections = [error.message for error in validate(self._schema, document)]
        if not objections and answer.get("data") is not None:
            objections = self._objections_to_data(document, asked.get("variables") or {}, answer)
        elif not objections and not answer.get("errors"):
            objections = ["neither data nor errors"]
        if not objections:
            operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
            name = operation.name.value if operation.name else operation.operation.value
            self.coverage.operation(f"{name} → {exchange.status}", (f"${one}" for one in asked.get("variables") or {}))
            self.coverage.fields(name, _places(answer.get("data"), ""))
        return [self.coverage.violation(f"{exchange}: {one}") for one in objections]

    def _objections_to_data(
        self, document: DocumentNode, variables: dict[str, Any], answer: dict[str, Any]
    ) -> list[str]:
        """Runs the query over the answer as if it were the data: what comes out must be what went in.

        So the schema's own rules decide: types, lists, nulls, enumerations, and no field too many or too few. Nulls
        that an answer explains in its `errors` are its own affair.
        """
        result = execute_sync(
            self._schema,
            document,
            root_value=answer["data"],
            variable_values=variables,
            field_resolver=lambda source, info, **_: source[info.path.key],
            type_resolver=_type_of,
        )
        explained = {tuple(error.get("path") or ()) for error in answer.get("errors") or ()}
        found = [error.message for error in result.errors or () if tuple(error.path or ()) not in explained]
        if not found and not explained and result.data != answer["data"]:
            found = ["the answer has fields that were not asked for"]
        return found


def _type_of(value: dict[str, Any], info: GraphQLResolveInfo[Any], abstract: Any) -> str:
    """By `__typename`; without it only one that has all the value's fields can be meant, or it does not matter."""
    if "__typename" in value:
        return str(value["__typename"])
    return max(info.schema.get_possible_types(abstract), key=lambda one: sum(name in one.fields for name in value)).name


def _places(value: Any, at: str) -> Any:
    if isinstance(value, list):
        for item in value:
            yield from _places(item, at)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield f"{at}.{name}"
            yield from _places(inner, f"{at}.{name}")
