"""docs/reference/ says what the code says: the committed pages are the ones that `make docs` writes."""

import ast
import inspect
import re
from collections.abc import Iterator

import pytest

from commands.stack import ROOT
from devsync.domain.model import Model
from docs.generate import docstrings, environment
from docs.generate.pages import REFERENCE, WRITERS, pages
from docs.generate.search_attributes import CARRIED_BY
from tests.replay import corpus

MAIN_FOLDERS = ("activities", "commands", "devsync", "sandbox", "workflows", "tests")


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return pages()


@pytest.mark.parametrize("page", WRITERS)
def test_the_committed_page_is_what_the_code_says(written: dict[str, str], page: str) -> None:
    assert (REFERENCE / page).read_text() == written[page], "run `make docs` and commit what it writes"


def test_every_variable_that_the_code_reads_is_on_the_page(written: dict[str, str]) -> None:
    read = set(_variables_read())
    assert {"LOG_LEVEL", "DEVSYNC_NO_SKIP"} <= read
    of_the_system = {"PATH"}
    assert [name for name in sorted(read - of_the_system) if f"`{name}`" not in written["environment.md"]] == []


def test_no_secret_has_its_value_on_a_page(written: dict[str, str]) -> None:
    assert "SecretStr" not in "".join(written.values())
    assert "| secret |" in environment.page()


def test_search_attributes_are_carried_by_the_workflows_that_have_set_them_in_recorded_runs() -> None:
    found: dict[str, set[str]] = {name: set() for name in CARRIED_BY}
    for file in corpus.files():
        for event in corpus.document(file)["events"]:
            upserted = event.get("upsertWorkflowSearchAttributesEventAttributes", {})
            for name in upserted.get("searchAttributes", {}).get("indexedFields", {}):
                found[name].add(corpus.workflow_type(file))
    assert found == {name: set(kinds) for name, kinds in CARRIED_BY.items()}


class _Half(Model):
    one: int = 1
    """Has a text
    of two lines."""
    two: int = 2


def test_a_field_without_a_text_is_refused_with_the_cure() -> None:
    tree = ast.parse(inspect.getsource(_Half)).body[0]
    assert isinstance(tree, ast.ClassDef)
    found = docstrings.below_assignments(tree.body)
    assert found == {"one": "Has a text of two lines."}
    with pytest.raises(docstrings.Undocumented, match=r"_Half\.two has no docstring; write one"):
        docstrings.needed(found, "two", "_Half")


def _variables_read() -> Iterator[str]:
    for file in (ROOT / "worker.py", *(path for folder in MAIN_FOLDERS for path in (ROOT / folder).rglob("*.py"))):
        yield from re.findall(r"environ\.get\(\"([A-Z_]+)\"", file.read_text())
        yield from re.findall(r"^VARIABLE: Final = \"([A-Z_]+)\"", file.read_text(), re.MULTILINE)
