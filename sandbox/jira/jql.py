"""Answers JQL over a world: unknown fields, values and operators are errors in Cloud's words, never ignored.

Three rules of JIRA that surprise callers are kept: a negative clause (`!=`, `not in`, `NOT`) does not match issues
whose field is empty; an issue key that does not exist is an error, not an empty match; every error of a query is
reported, not the first alone.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from sandbox.jira import catalogue
from sandbox.jira.errors import UNBOUNDED, JqlError
from sandbox.jira.fields import BY_CLAUSE, SPRINT_FIELD, Field, Kind
from sandbox.jira.jql_dates import instant
from sandbox.jira.jql_parser import (
    And,
    Clause,
    Empty,
    Function,
    ListOf,
    Node,
    Not,
    Or,
    Query,
    Sort,
    Value,
    parse,
)
from sandbox.world import Issue, World

Predicate = Callable[[Issue], bool]

OPPOSITE: Final = {
    "=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "~": "!~", "!~": "~",
    "in": "not in", "not in": "in", "is": "is not", "is not": "is",
}  # fmt: skip
"""`NOT x = y` is `x != y`, with its rule for empty fields."""

OPERATORS: Final = {
    Kind.CHOICE: {"=", "!=", "in", "not in", "is", "is not"},
    Kind.DATE: {"=", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not"},
    Kind.TEXT: {"~", "!~", "is", "is not"},
    Kind.ISSUE: {"=", "!=", "<", "<=", ">", ">=", "in", "not in"},
}
COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
DATES: Final = {"created": "created_at", "updated": "updated_at", "resolutiondate": "resolved_at"}
ISSUE_KEY: Final = re.compile(r"^[A-Z][A-Z0-9_]+-\d+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Site:
    """What a query is answered with: the world, and who asks when."""

    world: World
    zone: tzinfo
    """Timezone of the API user."""
    now: datetime
    account_id: str


def search(text: str, site: Site, *, allow_unbounded: bool = False) -> list[Issue]:
    """The issues that match, in the order asked for, else newest first. Raises JqlError."""
    query = parse(text)
    if query.where is None and not allow_unbounded:
        raise JqlError(UNBOUNDED)
    return _Evaluation(site).run(query)


def answer(text: str, site: Site, *, is_strict: bool) -> tuple[list[Issue], list[str]]:
    """As Data Center searches: unbounded queries too; not strict, what does not exist is a warning. JqlError."""
    evaluation = _Evaluation(site)
    return evaluation.run(parse(text), is_strict=is_strict), list(dict.fromkeys(evaluation.errors))


def key_order(key: str) -> tuple[str, int]:
    project, _, number = key.rpartition("-")
    return project, int(number)


class _Evaluation:
    def __init__(self, site: Site) -> None:
        self.site = site
        self.errors: list[str] = []
        self.sprints = catalogue.sprints_by_issue(site.world)
        self.keys: dict[str, set[str]] = {}

    def run(self, query: Query, *, is_strict: bool = True) -> list[Issue]:
        matches = self.predicate(query.where, negated=False) if query.where else None
        orders = [(self.sort_key(sort), sort.descending) for sort in query.order_by]
        if self.errors and is_strict:
            raise JqlError(*dict.fromkeys(self.errors))
        found = [issue for issue in self.candidates(query.where) if matches is None or matches(issue)]
        found.sort(key=lambda issue: issue.id, reverse=True)
        for key, descending in reversed(orders):
            found.sort(key=key, reverse=descending)
        return found

    def candidates(self, where: Node | None) -> list[Issue]:
        """All issues, or those of the projects that the query names: a large world is not scanned per question."""
        keys = self.named_projects(where)
        return [
            issue
            for key, project in self.site.world.projects.items()
            if keys is None or key.casefold() in keys
            for issue in project.issues
        ]

    def named_projects(self, node: Node | None) -> set[str] | None:
        if isinstance(node, And):
            named = [keys for part in node.parts if (keys := self.named_projects(part)) is not None]
            return set.intersection(*named) if named else None
        if not isinstance(node, Clause) or node.operator not in ("=", "in"):
            return None
        field, operands = BY_CLAUSE.get(node.field.casefold()), _values(node)
        if field is None:
            return None
        if field.id == "project":
            aliases = catalogue.aliases(self.site.world, "project") or {}
            return {aliases.get(o.text.casefold(), "") for o in operands if isinstance(o, Value)}
        if field.kind is Kind.ISSUE and all(isinstance(o, Value) and "-" in o.text for o in operands):
            return {o.text.rpartition("-")[0].casefold() for o in operands if isinstance(o, Value)}
        return None

    def predicate(self, node: Node, *, negated: bool) -> Predicate:
        if isinstance(node, Not):
            return self.predicate(node.part, negated=not negated)
        if isinstance(node, And | Or):
            parts = [self.predicate(part, negated=negated) for part in node.parts]
            if isinstance(node, And) is not negated:
                return lambda issue: all(part(issue) for part in parts)
            return lambda issue: any(part(issue) for part in parts)
        return self.clause(Clause(node.field, OPPOSITE[node.operator], node.operand) if negated else node)

    def clause(self, clause: Clause) -> Predicate:
        field = BY_CLAUSE.get(clause.field.casefold())
        if field is None:
            return self.error(f"Field '{clause.field}' does not exist or you do not have permission to view it.")
        if clause.operator not in OPERATORS[field.kind]:
            return self.error(f"The operator '{clause.operator}' is not supported by the '{clause.field}' field.")
        try:
            return self.of_kind(field, clause)
        except JqlError as error:
            return self.error(*error.messages)

    def error(self, *messages: str) -> Predicate:
        self.errors.extend(messages)
        return lambda _: False

    def of_kind(self, field: Field, clause: Clause) -> Predicate:
        if isinstance(clause.operand, Empty):
            if clause.operator not in ("=", "!=", "is", "is not"):
                raise JqlError(
                    f"The operator '{clause.operator}' does not support searching for EMPTY values "
                    f"in the field '{clause.field}'."
                )
            wants_empty = clause.operator in ("=", "is")
            return lambda issue: (not self.values(field, issue)) is wants_empty
        if field.kind is Kind.DATE:
            return self.date(field, clause)
        if field.kind is Kind.TEXT:
            return self.text(field, clause)
        if field.kind is Kind.ISSUE:
            return self.issue(clause)
        return self.choice(field, clause)

    def date(self, field: Field, clause: Clause) -> Predicate:
        attribute = DATES[field.id]
        wanted = [
            instant(o, clause.field, self.site.zone, self.site.now) for o in _values(clause) if not isinstance(o, Empty)
        ]
        if compare := COMPARE.get(clause.operator):
            return lambda issue: (at := getattr(issue, attribute)) is not None and compare(at, wanted[0])
        positive = clause.operator in ("=", "in")
        return lambda issue: (at := getattr(issue, attribute)) is not None and (at in wanted) is positive

    def text(self, field: Field, clause: Clause) -> Predicate:
        wanted = [word for o in _values(clause) if isinstance(o, Value) for word in _words(o.text)]
        positive = clause.operator == "~"

        def matches(issue: Issue) -> bool:
            values = self.values(field, issue)
            return bool(values) and all(word in _words(values[0]) for word in wanted) is positive

        return matches

    def issue(self, clause: Clause) -> Predicate:
        keys = [self.existing_key(o, clause.field) for o in _values(clause)]
        if compare := COMPARE.get(clause.operator):
            project, number = key_order(keys[0])
            return lambda issue: issue.project_key == project and compare(key_order(issue.key)[1], number)
        wanted, positive = frozenset(keys), clause.operator in ("=", "in")
        return lambda issue: (issue.key in wanted) is positive

    def existing_key(self, operand: Value | Function | Empty, field: str) -> str:
        """The key an operand names; a missing one is noted as an error, so that all missing keys are told at once."""
        if not isinstance(operand, Value):
            raise JqlError(f"The sandbox does not evaluate this operand of the field '{field}'.")
        if operand.text.upper() in self.keys_of(operand.text.upper().rpartition("-")[0]):
            return operand.text.upper()
        if found := catalogue.find_issue(self.site.world, operand.text):
            return found.key
        if operand.text.isdecimal():
            self.errors.append(f"A value with ID '{operand.text}' does not exist for the field '{field}'.")
        elif ISSUE_KEY.match(operand.text):
            self.errors.append(f"An issue with key '{operand.text}' does not exist for field '{field}'.")
        else:
            self.errors.append(f"The issue key '{operand.text}' for field '{field}' is invalid.")
        return "NONE-0"

    def keys_of(self, project_key: str) -> set[str]:
        """Kept for the query: a hundred keys of one project must not scan it a hundred times."""
        if project_key not in self.keys:
            project = self.site.world.projects.get(project_key)
            self.keys[project_key] = {issue.key for issue in project.issues} if project else set()
        return self.keys[project_key]

    def choice(self, field: Field, clause: Clause) -> Predicate:
        aliases = catalogue.aliases(self.site.world, field.id)
        wanted: set[str] = set()
        wants_empty = False
        for operand in _values(clause):
            if isinstance(operand, Empty):
                wants_empty = True
            elif isinstance(operand, Function):
                wanted.add(self.function(field, operand))
            elif field.id == "resolution" and operand.text.casefold() == catalogue.UNRESOLVED:
                wants_empty = True
            elif aliases is None:
                wanted.add(operand.text.casefold())
            elif (value := aliases.get(operand.text.casefold())) is not None:
                wanted.add(value)
            else:
                self.errors.append(f"The value '{operand.text}' does not exist for the field '{clause.field}'.")
        if clause.operator in ("=", "in"):
            return lambda issue: (
                any(v.casefold() in wanted for v in values) if (values := self.values(field, issue)) else wants_empty
            )
        return lambda issue: (
            bool(values := self.values(field, issue)) and not any(v.casefold() in wanted for v in values)
        )

    def function(self, field: Field, function: Function) -> str:
        if function.name.lower() == "currentuser" and field.id == "assignee":
            return self.site.account_id
        raise JqlError(f"Unable to find JQL function '{function.name}({', '.join(function.arguments)})'.")

    def values(self, field: Field, issue: Issue) -> list[str]:
        """What the issue has in a field, empty when nothing: the values that `catalogue.aliases` leads to."""
        found: list[str | None]
        match field.id:
            case "project":
                found = [issue.project_key]
            case "issuetype":
                found = [issue.issue_type]
            case "statusCategory":
                found = [issue.status_category]
            case "labels":
                found = list(issue.labels)
            case "assignee":
                found = [catalogue.account_id(issue.assignee.email) if issue.assignee else None]
            case "parent":
                found = [issue.parent_key]
            case "created" | "updated" | "resolutiondate":
                at: datetime | None = getattr(issue, DATES[field.id])
                found = [at.isoformat() if at else None]
            case "issuekey":
                found = [issue.key]
            case _ if field.id == SPRINT_FIELD:
                found = [str(sprint.id) for sprint in self.sprints.get(issue.key, [])]
            case _:
                found = [getattr(issue, field.id)]
        return [value for value in found if value]

    def sort_key(self, sort: Sort) -> Callable[[Issue], Any]:
        field = BY_CLAUSE.get(sort.field.casefold())
        if field is None:
            self.error(f"Field '{sort.field}' does not exist or you do not have permission to view it.")
            return lambda _: 0
        if field.kind is Kind.ISSUE:
            return lambda issue: key_order(issue.key)
        if field.id in ("priority", "status"):
            ranks = {name: rank for rank, name in enumerate(catalogue.names(self.site.world, field.id))}
            # JIRA ranks priorities from the lowest up: `priority DESC` puts Highest first.
            sign = -1 if field.id == "priority" else 1
            return lambda issue: sign * ranks[getattr(issue, field.id)]
        if field.kind is Kind.DATE:
            # Empty dates come after all others, ascending.
            return lambda issue: (getattr(issue, DATES[field.id]) is None, getattr(issue, DATES[field.id]))
        return lambda issue: [value.casefold() for value in self.values(field, issue)]


def _values(clause: Clause) -> tuple[Value | Function | Empty, ...]:
    return clause.operand.items if isinstance(clause.operand, ListOf) else (clause.operand,)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
