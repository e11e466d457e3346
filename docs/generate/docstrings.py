"""The texts below attributes, which Python does not keep: read from the source."""

import ast
import inspect
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from types import ModuleType

from docs.generate.markdown import paragraph


class Undocumented(Exception):
    """Something that a generated page shows has no docstring."""


def of_fields(owner: type) -> dict[str, str]:
    """The docstring below each field of a class, by name; those of its bases too."""
    found: dict[str, str] = {}
    for base in reversed(owner.__mro__):
        module = inspect.getmodule(base)
        if module is not None and module.__name__.partition(".")[0] in ("devsync", "commands"):
            found |= _classes(module).get(base.__name__, {})
    return found


def of_constants(module: ModuleType) -> dict[str, str]:
    """The docstring below each assignment of a module, by name."""
    return below_assignments(_tree(module).body)


def needed(found: dict[str, str], name: str, owner: str) -> str:
    """Raises Undocumented, saying where a line is missing."""
    if name not in found:
        raise Undocumented(f'{owner}.{name} has no docstring; write one in """…""" on the line below it')
    return found[name]


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


@cache
def _classes(module: ModuleType) -> dict[str, dict[str, str]]:
    return {node.name: below_assignments(node.body) for node in _tree(module).body if isinstance(node, ast.ClassDef)}


def below_assignments(body: Iterable[ast.stmt]) -> dict[str, str]:
    """The first paragraph of the text below each assignment that has one, by name."""
    found: dict[str, str] = {}
    for statement, below in pairwise(body):
        match statement, below:
            case (
                ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = paragraph(text)
    return found
