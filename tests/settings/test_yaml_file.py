"""Every mistake in a file is told with file, line, field and cure."""

from pathlib import Path

import pytest
from pydantic import Field

from devsync.domain.model import Model
from devsync.settings.problems import ConfigError
from devsync.settings.yaml_file import read_yaml


class Part(Model):
    size: int = Field(default=1, gt=0)
    share: float = Field(default=1.0, ge=1)


class Document(Model):
    name: str = Field(examples=["anna"])
    switch: bool = False
    words: tuple[str, ...] = ()
    part: Part | None = None
    parts: dict[str, Part] = Field(default_factory=dict)


def problems_of(path: Path, text: str | bytes) -> list[str]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as refused:
        read_yaml(path, Document)
    return [problem.removeprefix(str(path)) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nam: anna\nname: x", ':1: nam: is not a known key; did you mean "name"?'),
        ("name: x\nwhatever: 1", ":2: whatever: is not a known key; write name, switch, words, part or parts"),
        ("name: x\npart:\n  siz: 1", ':3: part.siz: is not a known key; did you mean "size"?'),
        ("name: x\nparts:\n  a:\n    siz: 1", ':4: parts.a.siz: is not a known key; did you mean "size"?'),
        ("switch: true", ":1: name: is missing; write for example `name: anna`"),
        ("name: a\nname: b", ":2: name: is given twice; remove one"),
        ("name: a\npart: {size: 1, size: 2}", ":2: part.size: is given twice; remove one"),
        ("name: 5", ':1: name: 5 is not a text; write "5"'),
        ("name: [a]", ":1: name: the list is not a text; write one"),
        ("name: #anna", ':1: name: has no value; write one, in quotes where it begins with "#"'),
        ("name: a\nswitch: maybe", ':2: switch: "maybe" is neither true nor false; write one of them'),
        ("name: a\nwords: b", ':2: words: "b" is not a list; write [b]'),
        ("name: a\nwords:\n  - b\n  - true", ':4: words[1]: true is not a text; write "true"'),
        ("name: a\npart: 5", ":2: part: 5 is not a mapping; write `key: value` pairs"),
        ("name: a\npart: {size: big}", ':2: part.size: "big" is not a whole number; write one'),
        ("name: a\npart: {size: 1.5}", ":2: part.size: 1.5 is not a whole number; write one"),
        ("name: a\npart: {size: 0}", ":2: part.size: 0 is too small; write a number above 0"),
        ("name: a\npart: {share: 0.5}", ":2: part.share: 0.5 is too small; write 1 or more"),
        ("name: a\npart: {share: all}", ':2: part.share: "all" is not a number; write one'),
        ("name: !!python/object:os.system x", ":1: name: the tag tag:yaml.org,2002:python/object:os.system is not "),
        ("name: &a x\nwords: [*a]", ":2:9: is not YAML: an alias (*) is not supported; write the value out"),
        ("name: x\n? [a]\n: b", ":2: a key must be a text; write `key: value`"),
        ("name: 'x", ":1:9: is not YAML: while scanning a quoted scalar, found unexpected end of stream"),
        ("name: a\n\tswitch: true", ":2:1: is not YAML: while scanning for the next token, found character"),
        ("name: a\n---\nname: b", ":2:1: is not YAML: expected a single document in the stream, but found another"),
        ("", ":1: is empty; fill it in"),
        ("# nothing but a comment", ":1: is empty; fill it in"),
        ("- a", ":1: the list is not a mapping; write `key: value` pairs"),
        (b"name: \xff", ": is not text in UTF-8 (invalid start byte); save it as UTF-8"),
        (b"name: \x07", ": is not text in UTF-8 (special characters are not allowed); save it as UTF-8"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_cure(tmp_path: Path, text: str | bytes, problem: str) -> None:
    [found] = problems_of(tmp_path / "file.yaml", text)
    assert found.startswith(problem)


def test_all_mistakes_of_a_file_are_told_in_the_order_of_its_lines(tmp_path: Path) -> None:
    text = "part: {size: x}\nswitch: maybe\nname: 5\n"
    assert [problem.split(" ")[0] for problem in problems_of(tmp_path / "file.yaml", text)] == [":1:", ":2:", ":3:"]


@pytest.mark.parametrize("word", ["10:00", "no", "off", "2026-11-23", "1_000", "0x1F", "1e3", "null string", "Norway"])
def test_a_word_that_older_yaml_took_for_something_else_stays_text(tmp_path: Path, word: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(f"name: {word}\n")
    assert read_yaml(path, Document).model.name == word


def test_a_file_that_is_not_there_is_told_as_it_was_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^config/x\.yaml: does not exist; create it$"):
        read_yaml(Path("config/x.yaml"), Document)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read \(Is a directory\); make it a readable file$"):
        read_yaml(tmp_path, Document)


def test_a_valid_file_still_knows_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("name: a\nwords:\n  - b\n  - c\n")
    file = read_yaml(path, Document)
    assert file.problem("is wrong", "words", 1) == f"{path}:4: words[1]: is wrong"
    assert file.problem("is wrong", "part", "size") == f"{path}:1: part.size: is wrong"


def test_a_file_is_understood_anew_whenever_it_says_something_else(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("name: anna")
    first = read_yaml(file, Document)
    assert read_yaml(file, Document) is first
    file.write_text("name: otto")  # as long as before, perhaps within the same tick of the file's clock
    assert read_yaml(file, Document).model.name == "otto"
    assert problems_of(file, "nam: otto")
    file.unlink()
    with pytest.raises(ConfigError, match="does not exist"):
        read_yaml(file, Document)
