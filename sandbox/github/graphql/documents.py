"""From the text of a query to a document that may be executed: parsed, validated, and within GitHub's node limit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_operation_ast,
    parse,
    validate,
    value_from_ast_untyped,
)
from graphql.execution import get_variable_values
from graphql.execution.values import VariableValues

from sandbox.github.graphql.execution import is_included

SCHEMA_FILE = Path(__file__).parents[1] / "schema.graphql"
MOST_NODES = 500_000

_UNKNOWN_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'\.")


class Refused(Exception):
    """The whole query is refused: the answer has these errors and no data."""

    def __init__(self, *errors: dict[str, Any]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = list(errors)


@dataclass(frozen=True, slots=True)
class Query:
    """A query that may be executed, and what it costs."""

    document: DocumentNode
    operation: OperationDefinitionNode
    variables: VariableValues
    node_count: int
    cost: int
    largest_page: int
    """The highest `first` or `last` in it."""
    cursors: Mapping[str, str]
    """The `after` of each connection that has one, by its dotted path in `data`."""


@lru_cache(maxsize=1)
def schema() -> GraphQLSchema:
    return build_schema(SCHEMA_FILE.read_text())


def prepare(text: str, operation_name: str | None, inputs: dict[str, Any]) -> Query:
    """Raises Refused with the errors in GitHub's shape."""
    document, errors = _parsed(text)
    if errors:
        raise Refused(*errors)
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        raise Refused({"message": "An operation name is required"})
    variables = get_variable_values(schema(), operation.variable_definitions or (), inputs)
    if not isinstance(variables, VariableValues):
        raise Refused(*map(_report, variables))
    measure = _Measure(document, variables)
    measure.take(operation.selection_set, parents=1, path=())
    cost = max(1, round(measure.requests / 100))
    return Query(document, operation, variables, measure.nodes, cost, measure.largest_page, measure.cursors)


@lru_cache(maxsize=256)
def _parsed(text: str) -> tuple[DocumentNode, list[dict[str, Any]]]:
    """A document and what is wrong with it. A client sends few texts often: each is validated once."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return DocumentNode(definitions=()), [_report(error)]
    return document, [_report(error) for error in validate(schema(), document)]


def _report(error: GraphQLError) -> dict[str, Any]:
    report: dict[str, Any] = {}
    message = error.message
    if match := _UNKNOWN_FIELD.match(message):
        message = f"Field '{match[1]}' doesn't exist on type '{match[2]}'"
        report["extensions"] = {"code": "undefinedField", "typeName": match[2], "fieldName": match[1]}
    report["locations"] = [{"line": at.line, "column": at.column} for at in error.locations or ()]
    report["message"] = message
    return report


class _Measure:
    """Counts as GitHub's "Rate limits and node limits for the GraphQL API" does: by what is asked for.

    Nodes: the product of the page sizes down to each connection, summed up. Requests: one for each connection and
    each node of the connection above it. What is skipped counts for nothing.
    """

    def __init__(self, document: DocumentNode, variables: VariableValues) -> None:
        self.nodes = 0
        self.requests = 0
        self.largest_page = 0
        self.cursors: dict[str, str] = {}
        self._variables = variables
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }

    def take(self, selected: SelectionSetNode, parents: int, path: tuple[str, ...]) -> None:
        for selection in selected.selections:
            if not is_included(selection, self._variables):
                continue
            if isinstance(selection, FragmentSpreadNode):
                self.take(self._fragments[selection.name.value].selection_set, parents, path)
            elif isinstance(selection, InlineFragmentNode):
                self.take(selection.selection_set, parents, path)
            elif isinstance(selection, FieldNode) and selection.selection_set:
                key = selection.alias.value if selection.alias else selection.name.value
                self._take_field(selection, selection.selection_set, parents, (*path, key))

    def _take_field(self, node: FieldNode, selected: SelectionSetNode, parents: int, path: tuple[str, ...]) -> None:
        size = self._page_size(node)
        if size is None:
            self.take(selected, parents, path)
            return
        self.requests += parents
        self.nodes += parents * size
        self.largest_page = max(self.largest_page, size)
        if after := self._value(node, "after"):
            self.cursors[".".join(path)] = after
        if self.nodes > MOST_NODES:
            message = (
                f"By the time this query traverses to the {node.name.value} connection, it is requesting up to "
                f"{self.nodes:,} possible nodes which exceeds the maximum limit of {MOST_NODES:,}."
            )
            raise Refused({"type": "MAX_NODE_LIMIT_EXCEEDED", "message": message})
        self.take(selected, parents * size, path)

    def _page_size(self, node: FieldNode) -> int | None:
        sizes = [self._value(node, name) for name in ("first", "last")]
        return next((max(0, size) for size in sizes if isinstance(size, int)), None)

    def _value(self, node: FieldNode, name: str) -> Any:
        """What an argument says, by a variable or itself; None where it is not given."""
        for argument in node.arguments or ():
            if argument.name.value == name:
                return value_from_ast_untyped(argument.value, dict(self._variables.coerced))
        return None
