"""Reads the outline of a workflow from its source.

Calls of our own functions are followed, with what they are given; names are looked up in the imported modules, so
that no alias hides a command.
"""

import ast
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import pairwise
from types import FunctionType
from typing import Any

from temporalio import workflow

from tests.replay.fingerprint.frame import UNKNOWN, Frame, Function, Patch, function_name, parameters, parsed
from tests.replay.fingerprint.issuing import ACTIVITIES, CHILDREN, HANDLES, OTHERS, TIMERS, issues_commands
from tests.replay.fingerprint.outline import CALL, Again, Branches, Command, Exit, Outline, Step, walk

OURS = ("workflows", "devsync")
"""Packages whose functions are followed, besides the workflow's own module."""


class Reader:
    """Reads the functions of one workflow class. `seen` are the functions of ours that it came across."""

    def __init__(self, workflow_class: type) -> None:
        self.seen: set[str] = set()
        self._class = workflow_class
        self._followed: set[str] = set()
        self._without_commands: set[str] = set()

    def handlers(self) -> Iterator[tuple[str, Outline]]:
        """`run`, `signal NAME` and `update NAME`, also those it inherits, each with its outline as it is written."""
        members = {name: member for base in reversed(self._class.__mro__) for name, member in vars(base).items()}
        for name, member in members.items():
            if isinstance(member, FunctionType) and (kind := self._kind(member)):
                yield kind if kind == "run" else f"{kind} {name}", self._read(member, {}, ())

    def _kind(self, function: FunctionType) -> str:
        """What the decorators of `temporalio.workflow` make of it; empty for an ordinary method."""
        frame = Frame(parsed(function), function.__globals__, self._class, (), self._followed)
        for decorator in frame.node.decorator_list:
            known = frame.value(decorator.func if isinstance(decorator, ast.Call) else decorator)
            for kind in ("run", "signal", "update"):
                if known is getattr(workflow, kind):
                    return kind
        return ""

    def _read(self, function: FunctionType, known: dict[str, Any], stack: tuple[str, ...]) -> Outline:
        name = function_name(function)
        self.seen.add(name)
        frame = Frame(parsed(function), function.__globals__, self._class, (*stack, name), self._followed, known)
        return self._block(frame.node.body, frame)

    # Statements.

    def _block(self, statements: Sequence[ast.stmt], frame: Frame) -> Outline:
        return tuple(step for statement in statements for step in self._statement(statement, frame))

    def _statement(self, node: ast.stmt, frame: Frame) -> Iterator[Step]:
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                yield from self._choice(test, body, orelse, frame)
            case ast.For() | ast.AsyncFor() | ast.While():
                yield from self._loop(node, frame)
            case ast.Try():
                yield self._attempt(node, frame)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    yield from self._expression(item.context_expr, frame)
                yield from self._block(body, frame)
            case ast.Match(subject=subject, cases=cases):
                yield from self._expression(subject, frame)
                heads = (f"case {frame.text(subject)}: {ast.unparse(case.pattern)}" for case in cases)
                parts = (self._block(case.body, frame) for case in cases)
                yield Branches(tuple(zip(heads, parts, strict=True)))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                frame.known[name] = node
            case ast.ImportFrom(module=str(module), names=names):
                for alias in names:
                    imported = getattr(import_module(module), alias.name, UNKNOWN)
                    frame.known[alias.asname or alias.name] = imported
            case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
                yield from self._children(node, frame)
                yield Exit(type(node).__name__.lower())
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield from self._expression(value, frame)
                frame.learn(name, value)
            case _:
                yield from self._children(node, frame)

    def _choice(
        self, test: ast.expr, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt], frame: Frame
    ) -> Iterator[Step]:
        yield from self._expression(test, frame)
        yes, no = self._block(body, frame), self._block(orelse, frame)
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=asked):
                new, old = no, yes
            case asked:
                new, old = yes, no
        patch = frame.value(asked)
        if isinstance(patch, Patch):
            yield Branches(((f"if patched {patch.id}", new), ("else", old)), patch=patch.id)
        else:
            yield Branches(((f"if {frame.text(test)}", yes), ("else", no)))

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While, frame: Frame) -> Iterator[Step]:
        if isinstance(node, ast.While):
            head = f"while {frame.text(node.test)}"
            steps = (*self._expression(node.test, frame), *self._block(node.body, frame))
        else:
            yield from self._expression(node.iter, frame)
            head, steps = f"for each of {frame.text(node.iter)}", self._block(node.body, frame)
        yield Branches(((head, steps), ("else", self._block(node.orelse, frame))), is_loop=True)

    def _attempt(self, node: ast.Try, frame: Frame) -> Branches:
        caught = ((f"except {frame.text(one.type)}", self._block(one.body, frame)) for one in node.handlers)
        return Branches(
            (
                ("try", self._block(node.body, frame)),
                *caught,
                ("else", self._block(node.orelse, frame)),
                ("finally", self._block(node.finalbody, frame)),
            )
        )

    # Expressions, in the order in which they are evaluated.

    def _children(self, node: ast.AST, frame: Frame) -> Iterator[Step]:
        for child in ast.iter_child_nodes(node):
            yield from self._expression(child, frame)

    def _expression(self, node: ast.AST, frame: Frame) -> Iterator[Step]:
        match node:
            case ast.Call():
                yield from self._call(node, frame)
            case ast.Lambda():
                return
            case ast.IfExp(test=test, body=body, orelse=orelse):
                yield from self._expression(test, frame)
                yes, no = tuple(self._expression(body, frame)), tuple(self._expression(orelse, frame))
                yield Branches(((f"if {frame.text(test)}", yes), ("else", no)))
            case ast.BoolOp(op=op, values=values):
                word = "and" if isinstance(op, ast.And) else "or"
                yield from self._expression(values[0], frame)
                for earlier, value in pairwise(values):
                    steps = tuple(self._expression(value, frame))
                    yield Branches(((f"{frame.text(earlier)} {word}", steps),))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                yield from self._comprehension(node, frame)
            case _:
                yield from self._children(node, frame)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, frame: Frame
    ) -> Iterator[Step]:
        made = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        steps = tuple(step for part in made for step in self._expression(part, frame))
        for generator in reversed(node.generators):
            conditions = tuple(step for test in generator.ifs for step in self._expression(test, frame))
            tests = "".join(f" if {frame.text(test)}" for test in generator.ifs)
            head = f"for each of {frame.text(generator.iter)}{tests}"
            loop = Branches(((head, (*conditions, *steps)),), is_loop=True)
            steps = (*self._expression(generator.iter, frame), loop)
        yield from steps

    # Calls.

    def _call(self, node: ast.Call, frame: Frame) -> Iterator[Step]:
        if isinstance(node.func, ast.Attribute):
            yield from self._expression(node.func.value, frame)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            yield from self._expression(argument, frame)
        callee = frame.value(node.func)
        if isinstance(callee, Function):
            yield Branches(((CALL, self._inner(callee, frame)),))
        elif isinstance(callee, FunctionType) and self._is_ours(callee):
            yield from self._function(callee, node, frame)
        elif issues_commands(callee):
            yield from _command(callee, node, frame)
        elif callee is UNKNOWN and isinstance(node.func, ast.Attribute) and node.func.attr in HANDLES:
            what = f" {frame.text(node.args[0])}" if node.args else ""
            yield Command(f"{HANDLES[node.func.attr]}{what}")

    def _is_ours(self, function: FunctionType) -> bool:
        return function.__module__.split(".")[0] in OURS or function.__module__ == self._class.__module__

    def _function(self, function: FunctionType, node: ast.Call, frame: Frame) -> Iterator[Step]:
        name = function_name(function)
        if name in frame.stack:
            yield _again(name, frame)
        elif name not in self._without_commands:
            steps = self._read(function, parameters(function, node, frame), frame.stack)
            if any(isinstance(step, Command) or _leads_elsewhere(step, name) for step in walk(steps)):
                self._followed.add(name)
                yield Branches(((CALL, steps),))
            else:
                self._without_commands.add(name)

    def _inner(self, node: Function, frame: Frame) -> Outline:
        """A function that is defined inside another one sees the other's names."""
        name = f"{frame.stack[-1]}.{node.name}"
        if name in frame.stack:
            return (_again(name, frame),)
        inner = Frame(node, frame.scope, self._class, (*frame.stack, name), self._followed, dict(frame.known))
        return self._block(node.body, inner)


def _again(name: str, frame: Frame) -> Again:
    return Again(len(frame.stack) - frame.stack.index(name), name)


def _leads_elsewhere(step: Step, name: str) -> bool:
    return isinstance(step, Again) and step.target != name


def _command(callee: Any, node: ast.Call, frame: Frame) -> Iterator[Command]:
    """The command of a function that issues one; a wait without a time issues none."""
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    first = node.args[0] if node.args else None
    if callee in TIMERS:
        position, keyword = TIMERS[callee]
        is_given = position is not None and position < len(node.args)
        time = node.args[position or 0] if is_given else keywords.get(keyword)
        if time is not None and frame.value(time) not in (None, 0):
            yield Command("timer")
    elif callee in ACTIVITIES:
        yield Command(f"{ACTIVITIES[callee]} {frame.text(first or keywords.get('activity'))}")
    elif callee in CHILDREN:
        child = frame.text(first or keywords.get("workflow"))
        yield Command(f"child workflow {child} id={frame.text(keywords.get('id'))}")
    elif callee is workflow.patched:
        patch = frame.text(first or keywords.get("id"))
        yield Command(f"patched {patch}", patch=patch)
    elif callee is workflow.deprecate_patch:
        yield Command(f"deprecate patch {frame.text(first or keywords.get('id'))}")
    else:
        yield Command(OTHERS[callee])
