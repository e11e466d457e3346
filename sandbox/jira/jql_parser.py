"""Reads JQL text into a tree, refusing what JIRA Cloud refuses, in its words.

The grammar is that of Atlassian's "Advanced searching" pages, without the history operators (`was`, `changed`):
these are refused with a message of our own rather than answered wrongly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NoReturn

from sandbox.jira.errors import JqlError

VALID_OPERATORS: Final = (
    "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'."
)
SYMBOLS: Final = ("!=", "!~", "<=", ">=", "&&", "||", "=", "<", ">", "~", "(", ")", ",", "!", "&", "|")
RESERVED_CHARACTERS: Final = frozenset("{}*/%+^$#@?;")
WORD_STOPS: Final = frozenset("'\"=!<>()~,[]|&\\") | RESERVED_CHARACTERS
ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\", "'": "'", '"': '"', " ": " "}
CONNECTIVES: Final = {"and": "and", "&&": "and", "&": "and", "or": "or", "||": "or", "|": "or"}
MAX_SORT_FIELDS: Final = 7
"""Atlassian's description of `jql` in the search operations."""

_RESERVED: Final = """
    abort access add after alias all alter and any are as asc audit avg before begin between boolean break by
    byte catch cf char character check checkpoint collate collation column commit connect continue count create
    current date decimal declare decrement default defaults define delete delimiter desc difference distinct divide
    do double drop else empty encoding end equals escape exclusive exec execute exists explain false fetch field
    file first float for from function go goto grant greater group having identified if immediate in increment
    index initial inner inout input insert int integer intersect intersection into is isempty isnull join last left
    less like limit lock long max min minus mode modify modulo more multiply next noaudit not notin nowait null
    number object of on option or order outer output power previous prior privileges public raise raw remove rename
    resource return returns revoke right row rowid rownum rows select session set share size sqrt start strict
    string subtract sum synonym table then to trans transaction trigger true uid union unique update user validate
    values view when whenever where while with
"""
RESERVED_WORDS: Final = frozenset(_RESERVED.split())


@dataclass(frozen=True, slots=True)
class Value:
    text: str


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Empty:
    """The operand `EMPTY` or `NULL`."""


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple[Value | Function | Empty, ...]


Operand = Value | Function | Empty | ListOf


@dataclass(frozen=True, slots=True)
class Clause:
    field: str
    operator: str
    """Lower case: `=`, `!=`, `<`, `<=`, `>`, `>=`, `~`, `!~`, `in`, `not in`, `is`, `is not`."""
    operand: Operand


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


Node = Clause | And | Or | Not


@dataclass(frozen=True, slots=True)
class Sort:
    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    where: Node | None
    order_by: tuple[Sort, ...]


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    """`word`, `string`, `symbol` or `end`."""
    text: str
    position: int

    @property
    def lower(self) -> str:
        return self.text.lower() if self.kind != "string" else ""


def parse(text: str) -> Query:
    """The tree of `text`. Raises JqlError where Cloud answers 400."""
    return _Parser(text).query()


def _refuse(text: str, position: int, what: str) -> NoReturn:
    line = text.count("\n", 0, position) + 1
    character = position - (text.rfind("\n", 0, position) + 1) + 1
    raise JqlError(f"Error in the JQL Query: {what} (line {line}, character {character})")


def _tokens(text: str) -> Iterable[Token]:
    at = 0
    while at < len(text):
        character = text[at]
        if character.isspace():
            at += 1
        elif character in "'\"":
            value, after = _quoted(text, at)
            yield Token("string", value, at)
            at = after
        elif symbol := next((s for s in SYMBOLS if text.startswith(s, at)), None):
            yield Token("symbol", symbol, at)
            at += len(symbol)
        elif character in WORD_STOPS:
            escape = f"\\u{ord(character):04x}"
            _refuse(
                text,
                at,
                f"The character '{character}' is a reserved JQL character. "
                f"You must enclose it in a string or use the escape '{escape}' instead.",
            )
        else:
            end = at
            while end < len(text) and not text[end].isspace() and text[end] not in WORD_STOPS:
                end += 1
            # `cf[10020]` is one name, the only place where brackets may stand.
            if text[at:end].lower() == "cf" and text.startswith("[", end) and "]" in text[end:]:
                end = text.index("]", end) + 1
            yield Token("word", text[at:end], at)
            at = end
    yield Token("end", "", len(text))


def _quoted(text: str, start: int) -> tuple[str, int]:
    quote, at, value = text[start], start + 1, ""
    while at < len(text):
        character = text[at]
        if character == quote:
            return value, at + 1
        if character == "\\":
            letter = text[at + 1 : at + 2]
            if letter == "u":
                try:
                    value += chr(int(text[at + 2 : at + 6], 16))
                except ValueError:
                    _refuse(text, at, f"'{text[at : at + 6]}' is an illegal JQL escape sequence.")
                at += 6
                continue
            if letter not in ESCAPES or not letter:
                _refuse(text, at, f"'\\{letter}' is an illegal JQL escape sequence.")
            value += ESCAPES[letter]
            at += 2
            continue
        value += character
        at += 1
    _refuse(text, start, f"The quoted string '{value}' has not been completed.")


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.at = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def accept(self, *lowered: str) -> bool:
        if self.token.kind in ("word", "symbol") and self.token.lower in lowered:
            self.at += 1
            return True
        return False

    def refuse(self, what: str, token: Token | None = None) -> NoReturn:
        _refuse(self.text, (token or self.token).position, what)

    def query(self) -> Query:
        where: Node | None = None
        if self.token.kind != "end" and self.token.lower != "order":
            where = self.disjunction()
        order_by: tuple[Sort, ...] = ()
        if self.accept("order"):
            order_by = self.sorts()
        if self.token.kind != "end":
            expected = "','" if order_by else "either 'OR' or 'AND'"
            self.refuse(f"Expecting {expected} but got '{self.token.text}'.")
        return Query(where, order_by)

    def disjunction(self) -> Node:
        parts = [self.conjunction()]
        while CONNECTIVES.get(self.token.lower) == "or":
            self.take()
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self) -> Node:
        parts = [self.negation()]
        while CONNECTIVES.get(self.token.lower) == "and":
            self.take()
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negation(self) -> Node:
        if self.accept("not", "!"):
            return Not(self.negation())
        if self.accept("("):
            inner = self.disjunction()
            self.close()
            return inner
        return self.clause()

    def close(self) -> None:
        if not self.accept(")"):
            got = "before the end of the query" if self.token.kind == "end" else f"but got '{self.token.text}'"
            self.refuse(f"Expecting ')' {got}.")

    def clause(self) -> Clause:
        field = self.field_name()
        operator = self.operator()
        operand = self.operand()
        if operator in ("in", "not in") and isinstance(operand, Value | Empty):
            shown = operand.text if isinstance(operand, Value) else "EMPTY"
            raise JqlError(f"Operator '{operator}' does not support the non-list value '{shown}' for field '{field}'.")
        if operator not in ("in", "not in") and isinstance(operand, ListOf):
            shown = ", ".join(i.text for i in operand.items if isinstance(i, Value))
            raise JqlError(f"Operator '{operator}' does not support the list value '({shown})' for field '{field}'.")
        if operator in ("is", "is not") and not isinstance(operand, Empty):
            raise JqlError(f"The operator '{operator}' only supports EMPTY for field '{field}'.")
        return Clause(field, operator, operand)

    def field_name(self) -> str:
        token = self.take()
        if token.kind == "end":
            self.refuse("Expecting a field name at the end of the query.", token)
        if token.kind == "symbol":
            self.refuse(
                f"Expecting a field name but got '{token.text}'. "
                f"You must surround '{token.text}' in quotation marks to use it as a field name.",
                token,
            )
        self.refuse_reserved(token)
        return token.text

    def refuse_reserved(self, token: Token) -> None:
        if token.kind == "word" and token.lower in RESERVED_WORDS:
            self.refuse(
                f"'{token.text}' is a reserved JQL word. You must surround it in quotation marks to use it in a query.",
                token,
            )

    def operator(self) -> str:
        token = self.take()
        word = token.lower
        if word in ("=", "!=", "<", ">", "<=", ">=", "~", "!~", "in"):
            return word
        if word == "not" and self.accept("in"):
            return "not in"
        if word == "is":
            return "is not" if self.accept("not") else "is"
        if word in ("was", "changed"):
            raise JqlError(f"The sandbox does not evaluate the history operator '{token.text.upper()}'.")
        got = "before the end of the query" if token.kind == "end" else f"but got '{token.text}'"
        return self.refuse(f"Expecting operator {got}. {VALID_OPERATORS}", token)

    def operand(self) -> Operand:
        if not self.accept("("):
            return self.single()
        items = [self.single()]
        while self.accept(","):
            items.append(self.single())
        self.close()
        return ListOf(tuple(items))

    def single(self) -> Value | Function | Empty:
        token = self.take()
        if token.kind == "end":
            self.refuse("Expecting either a value, list or function before the end of the query.", token)
        if token.kind == "symbol":
            self.refuse(
                f"Expecting either a value, list or function but got '{token.text}'. "
                f"You must surround '{token.text}' in quotation marks to use it as a value.",
                token,
            )
        if token.lower in ("empty", "null"):
            return Empty()
        self.refuse_reserved(token)
        if token.kind == "word" and self.accept("("):
            return Function(token.text, self.arguments())
        return Value(token.text)

    def arguments(self) -> tuple[str, ...]:
        found: list[str] = []
        while not self.accept(")"):
            if found and not self.accept(","):
                self.close()
            token = self.take()
            if token.kind not in ("word", "string"):
                self.refuse("Expecting ')' before the end of the query.", token)
            found.append(token.text)
        return tuple(found)

    def sorts(self) -> tuple[Sort, ...]:
        if not self.accept("by"):
            self.refuse("Expecting 'by' before the end of the query.")
        sorts: list[Sort] = []
        while not sorts or self.accept(","):
            field = self.field_name()
            descending = self.accept("desc")
            if not descending:
                self.accept("asc")
            sorts.append(Sort(field, descending))
        if len(sorts) > MAX_SORT_FIELDS:
            raise JqlError(f"The ORDER BY clause can contain a maximum of {MAX_SORT_FIELDS} fields.")
        return tuple(sorts)
