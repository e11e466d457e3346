"""config/records.yaml means what it says, and every mistake is told with its line and its cure."""

from datetime import timedelta
from pathlib import Path

import pytest

from devsync.settings.problems import ConfigError
from devsync.settings.records import RecordSettings, read_records
from tests.configuration import SHIPPED


def read(tmp_path: Path, text: str) -> RecordSettings:
    path = tmp_path / "records.yaml"
    path.write_text(text)
    return read_records(path).model


def test_the_shipped_file_says_what_holds_without_it() -> None:
    assert read_records(SHIPPED / "records.yaml").model == RecordSettings()


def test_a_hold_keeps_its_team_and_a_star_keeps_all(tmp_path: Path) -> None:
    one = read(tmp_path, 'legal_holds:\n  - {team: payments, reason: "case 4711"}\n')
    assert (one.is_held("payments"), one.is_held("search"), one.is_held("")) == (True, False, False)
    everything = read(tmp_path, 'legal_holds: [{team: "*", reason: "case 4711"}]\n')
    assert everything.is_held("search")
    assert everything.is_held(""), "also what belongs to no team"


def test_every_time_is_there_by_its_name() -> None:
    times = RecordSettings().keep.by_name()
    assert times["errors"] == timedelta(days=90)
    assert times.keys() == {"collected", "editions", "errors", "operations", "audit"}


WRONG = [
    ("keep:\n  errors: 7d\n", '2: keep.errors: "7d" is too short; write 30d or more'),
    ("keep: {errors: 3 months}\n", '1: keep.errors: "3 months" is not a duration'),
    ("keep:\n  errors: 90d\n  audit: 60d\n", "3: keep.audit: is shorter than errors: 90d; write as much or more"),
    ("keep: {audit: 100d}\n", "1: keep.audit: is shorter than operations: 400d; write as much or more"),
    ("keep: {logs: 90d}\n", "1: keep.logs: "),
    ("anchor_every: 10s\n", '1: anchor_every: "10s" is not between 5m and 1d; write 1h'),
    ("anchor_every: 2d\n", '1: anchor_every: "2d" is not between 5m and 1d; write 1h'),
    ("legal_holds:\n  - {team: payments}\n", "2: legal_holds[0].reason: "),
    ('legal_holds:\n  - {team: payments, reason: " "}\n', "2: legal_holds[0].reason: is empty; say which, and why"),
    ('legal_holds:\n  - {team: "", reason: "x"}\n', "2: legal_holds[0].team: is empty; say which, and why"),
]


@pytest.mark.parametrize(("text", "problem"), WRONG)
def test_what_is_wrong_is_told_with_its_line_and_its_cure(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, text)
    assert any(one.startswith(f"{tmp_path}/records.yaml:{problem}") for one in refused.value.problems), (
        refused.value.problems
    )
