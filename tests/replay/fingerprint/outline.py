"""The outline of a workflow: its commands as its code orders them, and what decides whether each is given.

A run that goes on with other code must find the commands of its history again. So two outlines that are equal belong
to code that may be exchanged under running workflows; comments, texts and the names of variables are not in it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

CALL = "call"
"""Head of the steps of a function that is called."""
LOOP_EXITS = ("break", "continue")


@dataclass(frozen=True)
class Command:
    """What the server is asked for: an activity, a timer, a child, a signal, a marker …"""

    text: str
    patch: str = ""
    """The id, where it is the marker of `workflow.patched`."""


@dataclass(frozen=True)
class Exit:
    """Leaves a function or a loop early: what stands below it is not reached."""

    text: str


@dataclass(frozen=True)
class Again:
    """A function that calls itself, `levels` calls above."""

    levels: int
    target: str = field(compare=False)

    @property
    def text(self) -> str:
        return f"again, {self.levels} up"


@dataclass(frozen=True)
class Branches:
    """Parts of which some run, once or often: (head, steps) for each."""

    parts: tuple[tuple[str, "Outline"], ...]
    patch: str = ""
    """Where `workflow.patched` decides: its id. The first part is the new way, the second the old one."""
    is_loop: bool = False


Step = Command | Exit | Again | Branches
Outline = tuple[Step, ...]


def has_commands(outline: Outline) -> bool:
    return any(isinstance(step, Command | Again) for step in walk(outline))


def patches(outline: Outline) -> frozenset[str]:
    """The ids of all `workflow.patched` in it."""
    return frozenset(step.patch for step in walk(outline) if isinstance(step, Command) and step.patch)


def without_patches(outline: Outline, ids: Iterable[str]) -> Outline:
    """What a run does whose history has none of these patches: their markers and their new ways are gone."""
    off = frozenset(ids)
    steps: list[Step] = []
    for step in outline:
        if isinstance(step, Command) and step.patch in off:
            continue
        if isinstance(step, Branches):
            parts = tuple((head, without_patches(part, off)) for head, part in step.parts)
            steps += parts[1][1] if step.patch in off else (replace(step, parts=parts),)
        else:
            steps.append(step)
    return tuple(steps)


def essential(outline: Outline) -> Outline:
    """A function's outline without what decides about no command, and with the functions that it calls written out."""
    steps = list(_pruned(outline))
    while steps and not has_commands((steps[-1],)):
        steps.pop()
    return tuple(steps)


def lines(outline: Outline, depth: int = 0) -> list[str]:
    """A line a step, indented by depth."""
    indent = "  " * depth
    told: list[str] = []
    for step in outline:
        if isinstance(step, Branches):
            for head, part in step.parts:
                told += [f"{indent}{head}:", *lines(part, depth + 1)]
        else:
            told.append(indent + step.text)
    return told


def _pruned(outline: Outline) -> Outline:
    steps: list[Step] = []
    for step in outline:
        if isinstance(step, Exit):
            steps.append(step)
            break  # nothing below is reached
        if isinstance(step, Branches):
            steps += _pruned_branches(step)
        else:
            steps.append(step)
    return tuple(steps)


def _pruned_branches(step: Branches) -> Outline:
    if step.parts[0][0] == CALL:
        called = essential(step.parts[0][1])
        # A return inside ends the called function alone, so its end must be seen.
        return (Branches(((CALL, called),)),) if _has_return(called) else called
    parts = [(head, _pruned(part)) for head, part in step.parts]
    if step.is_loop and not any(has_commands(part) for _, part in parts):
        parts = [(head, _without_loop_exits(part)) for head, part in parts]
    if not any(part for _, part in parts):
        return ()
    return (replace(step, parts=tuple(part for part in parts if part[1] or part[0] not in ("else", "finally"))),)


def _without_loop_exits(outline: Outline) -> Outline:
    """A loop without commands may be left in any way that goes on below it."""
    return _pruned(tuple(step for step in outline if not (isinstance(step, Exit) and step.text in LOOP_EXITS)))


def _has_return(outline: Outline) -> bool:
    own = (step for step in outline if not (isinstance(step, Branches) and step.parts[0][0] == CALL))
    return any(
        any(_has_return(part) for _, part in step.parts)
        if isinstance(step, Branches)
        else isinstance(step, Exit) and step.text == "return"
        for step in own
    )


def walk(outline: Outline) -> Iterator[Step]:
    for step in outline:
        yield step
        if isinstance(step, Branches):
            for _, part in step.parts:
                yield from walk(part)
