"""What the documentation says of files and commands is so: every link leads somewhere, every command exists."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.stack import ROOT
from devsync.settings.team import read_team
from docs.generate.cli import commands
from sandbox.faults import FaultKind
from tests.docs.manual import PAGES, anchors, blocks, code_spans, links, name, shell_lines

each_page = pytest.mark.parametrize("page", PAGES, ids=name)

MAKE_TARGETS = frozenset(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
BINARIES = ("python", ".venv/bin/python")


@each_page
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{name(page)}: {target} leads nowhere"
        assert not anchor or anchor in anchors(file), f"{name(page)}: {target} has no such heading"


@each_page
def test_every_file_of_ours_that_is_named_exists(page: Path) -> None:
    """`activities/jira.py`, `sandbox/`: not those with a placeholder (`teams/TEAM.yaml`) or in `.local/`."""
    for named in code_spans(page):
        folder, slash, _ = named.partition("/")
        is_ours = bool(folder and slash) and (ROOT / folder).is_dir() and not folder.startswith(".")
        if is_ours and re.fullmatch(r"[\w./-]+", named) and not re.search(r"[A-Z]{2}", named):
            assert (ROOT / named).exists(), f"{name(page)}: there is no {named}"


@each_page
def test_every_page_is_reached_from_the_index(page: Path) -> None:
    index = ROOT / "docs" / "README.md"
    reached = {(index.parent / target.partition("#")[0]).resolve() for target in links(index)} | {index}
    assert page in reached or page == ROOT / "README.md"


@each_page
def test_every_command_of_ours_exists_with_its_options(page: Path) -> None:
    for line, words in shell_lines(page):
        for problem in problems(words):
            pytest.fail(f"{name(page)}:{line}: {' '.join(words)}: {problem}")


def test_commands_that_do_not_exist_are_noticed() -> None:
    assert list(problems(["python", "starter.py", "run", "TEAM", "--weak", "2026-W47"])) == ["no option --weak"]
    assert list(problems(["python", "starter.py", "db", "downgrade"])) == ["no command db"]
    assert list(problems(["python", "starter.py", "status", "payments"])) == ["no argument payments"]
    assert list(problems(["python", "starter.py", "db", "upgrade", "--json"])) == []
    assert list(problems(["make", "everything"])) == ["no target everything"]
    assert list(problems(["A=1", "make", "test", "TESTS=tests/docs"])) == []


def test_commands_that_messages_name_exist() -> None:
    """Every cure in the code that says `python starter.py …`."""
    named = {
        found
        for folder in ("activities", "commands", "devsync", "workflows")
        for file in (ROOT / folder).rglob("*.py")
        for found in re.findall(r"python starter\.py ((?:[a-z]+ ?)+)", file.read_text())
    }
    assert named
    for words in named:
        assert not list(problems(["python", "starter.py", *words.split()])), words


def test_every_kind_of_fault_is_named_where_faults_are_taught() -> None:
    named = code_spans(ROOT / "docs" / "how-to" / "test-and-replay.md")
    assert [kind.value for kind in FaultKind if kind.value not in named] == []


@each_page
def test_every_team_file_is_valid(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        team = re.match(r"team: (\S+)", block.text)
        if block.language == "yaml" and team is not None:
            file = tmp_path / f"{team[1]}.yaml"
            file.write_text(block.text)
            assert read_team(file).model.team == team[1]


def problems(words: list[str]) -> Iterator[str]:
    """What is wrong with a command line, if it calls our command line or make."""
    words = [word for word in words if not re.match(r"[A-Z_]+=", word)]
    if words[:1] == ["make"]:
        yield from (f"no target {word}" for word in words[1:] if word not in MAKE_TARGETS)
    elif words[:1] and words[0] in BINARIES and words[1:2] == ["starter.py"]:
        yield from _starter_problems(words[2:])


def _starter_problems(words: list[str]) -> Iterator[str]:
    known = commands()
    called = next((" ".join(words[:count]) for count in (2, 1) if " ".join(words[:count]) in known), None)
    if called is None:
        yield f"no command {' '.join(words[:1])}"
        return
    options = {flag: one for one in known[called].params for flag in (*one.opts, *one.secondary_opts)}
    rest = iter(words[len(called.split()) :])
    arguments = [one for one in known[called].params if one.param_type_name == "argument"]
    left = None if any(one.nargs < 0 for one in arguments) else len(arguments)
    for word in rest:
        if word.startswith("-") and word != "--help":
            flag, equals, _ = word.partition("=")
            if flag not in options:
                yield f"no option {flag}"
                left = None  # what follows may be its value
            elif not _is_flag(options[flag]) and not (equals or next(rest, None)):
                yield f"{flag} without a value"
        elif left == 0:
            yield f"no argument {word}"
        elif left is not None:
            left -= 1


def _is_flag(option: Any) -> bool:
    return bool(getattr(option, "is_flag", False))
