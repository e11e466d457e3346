"""What the source alone tells of the names in one function: the objects behind them, and how to write them."""

import ast
import inspect
import textwrap
from dataclasses import dataclass, field
from functools import cache
from types import FunctionType
from typing import Any

from temporalio import workflow

from devsync.contracts.activities import ActivityContract

Function = ast.FunctionDef | ast.AsyncFunctionDef

UNKNOWN = object()
"""Only a run could tell."""


@dataclass(frozen=True)
class Patch:
    """The value of `workflow.patched(id)`."""

    id: str


@dataclass(frozen=True)
class Made:
    """A variable of which only the expression is known that it was made of."""

    text: str


@dataclass
class Frame:
    """One function that is being read."""

    node: Function
    scope: dict[str, Any]
    """The names of its module."""
    owner: type
    """The workflow class: what `self` is."""
    stack: tuple[str, ...]
    """The functions that led here, this one last."""
    followed: set[str]
    """The functions known to issue commands; one set for all frames of a workflow."""
    known: dict[str, Any] = field(default_factory=dict)
    """By variable or parameter: an object, `Patch`, `Made`, or the node of a function defined inside."""

    def __post_init__(self) -> None:
        nodes = list(ast.walk(self.node))
        stored = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        self._once = {name for name in stored if stored.count(name) == 1}
        parameters = {node.arg for node in nodes if isinstance(node, ast.arg)}
        caught = {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name}
        self._local = {*stored, *parameters, *caught}

    def learn(self, name: str, made_of: ast.expr) -> None:
        """Of a variable that is assigned once, one may know what it is; of others, never."""
        if name in self._once:
            value = self.value(made_of)
            self.known[name] = Made(self.text(made_of)) if value is UNKNOWN else value

    def value(self, node: ast.AST | None) -> Any:
        """The object that an expression stands for; UNKNOWN where the source does not tell."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                if name in self.known:
                    return UNKNOWN if isinstance(self.known[name], Made) else self.known[name]
                return UNKNOWN if name in self._local else self.scope.get(name, UNKNOWN)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                member = inspect.getattr_static(self.owner, name, UNKNOWN)
                return member.__func__ if isinstance(member, staticmethod | classmethod) else member
            case ast.Attribute(value=base, attr=name):
                known = self.value(base)
                return UNKNOWN if known is UNKNOWN else getattr(known, name, UNKNOWN)
            case ast.Call(func=func, args=[first, *_]) if self.value(func) is workflow.patched:
                return Patch(self.text(first))
        return UNKNOWN

    def text(self, node: ast.AST | None) -> str:
        """An expression without the names of variables: what is known is written out, the rest is `_`."""
        if node is None:
            return "?"
        value = self.value(node)
        if isinstance(value, str):
            return value
        copy = ast.parse(ast.unparse(node), mode="eval").body
        return ast.unparse(_WithoutNames(self).visit(copy))

    def is_variable(self, name: str) -> bool:
        return name in self._local and name != "self"


class _WithoutNames(ast.NodeTransformer):
    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def visit_Name(self, node: ast.Name) -> ast.AST:
        known = self._frame.known.get(node.id, UNKNOWN)
        if isinstance(known, Made):
            return ast.Name(known.text)
        if isinstance(known, ActivityContract):
            return ast.Constant(known.name)
        if isinstance(known, str | int | float | bool | None):
            return ast.Constant(known)
        return ast.Name("_") if self._frame.is_variable(node.id) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        # Its commands stand above: what it is called does not matter to them.
        is_followed = function_name(self._frame.value(node.func)) in self._frame.followed
        return ast.Name("called") if is_followed else self.generic_visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return ast.Name("_")

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return ast.Name("_")

    def visit_Await(self, node: ast.Await) -> ast.AST:
        value: ast.AST = self.visit(node.value)
        return value


def parameters(function: FunctionType, call: ast.Call, caller: Frame) -> dict[str, Any]:
    """What is known of a called function's parameters, defaults included."""
    signature = inspect.signature(function)
    is_bound = isinstance(call.func, ast.Attribute) and "self" in signature.parameters
    given = ([UNKNOWN] if is_bound else []) + list(call.args)
    if any(isinstance(argument, ast.Starred) for argument in given):
        return {}
    try:
        bound = signature.bind(*given, **{keyword.arg: keyword.value for keyword in call.keywords if keyword.arg})
    except TypeError:
        return {}
    bound.apply_defaults()
    values = {
        name: caller.value(argument) if isinstance(argument, ast.AST) else argument
        for name, argument in bound.arguments.items()
    }
    return {name: value for name, value in values.items() if value is not UNKNOWN}


@cache
def parsed(function: FunctionType) -> Function:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(node, Function)
    return node


def function_name(function: Any) -> str:
    """As it is known in all modules; empty for what is no function."""
    return f"{function.__module__}.{function.__qualname__}" if isinstance(function, FunctionType) else ""
