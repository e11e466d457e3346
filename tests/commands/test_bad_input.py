"""Bad input at the command line: one clear message, the right exit code, no traceback."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from commands.stack import ROOT
from tests.command_line import invoked
from tests.configuration import shipped_settings

TEAM = """\
team: payments
timezone: Europe/Berlin
github: {repositories: [acme/payments-api]}
channels: [{kind: slack, channel: "#payments"}]
"""
NOBODY = "127.0.0.1:1"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    directory = shipped_settings(tmp_path / "config")
    (directory / "teams" / "payments.yaml").write_text(TEAM)
    return directory


def environment_of(config: Path) -> dict[str, str]:
    """Without servers or credentials."""
    names = ("GITHUB_TOKEN", "JIRA_URL", "SLACK_BOT_TOKEN", "DATABASE_URL")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    return environment | {"CONFIG_DIR": str(config), "TEMPORAL_ADDRESS": NOBODY, "COLUMNS": "200"}


async def starter(config: Path, *arguments: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of `python starter.py …` in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "starter.py", *arguments, env=environment_of(config), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "paymens", "--week", "2026-W40"], 2, 'did you mean "payments"?'),
        (["run", r"\[/x]"], 2, r'"\[/x]"'),
        (["run", "payments", "--week", "2026-W54"], 2, '"2026-W54" does not exist: 2026 has no week 54'),
        (
            ["run", "payments", "--week", "next"],
            2,
            '"next" is not a week; write its year and number (ISO 8601), as 2026-W47',
        ),
        (["run", "payments", "--week", "2199-W01"], 2, "2199-W01 has not ended yet"),
        (["run", "payments", "--week", "2026-W40"], 1, f"no Temporal server answers at {NOBODY}"),
        (["run"], 2, "Missing argument"),
        (["schedule", "backfill", "paymens", "--from", "2026-W40", "--to", "2026-W41"], 2, 'did you mean "payments"?'),
        (["schedule", "backfill", "payments", "--from", "2026-W41", "--to", "2026-W40"], 2, "2026-W41 is later than"),
        (["schedule", "backfill", "payments", "--from", "2026-W54", "--to", "2026-W41"], 2, "2026 has no week 54"),
        (["schedule", "backfill", "payments", "--from", "2026-W40", "--to", "2199-W01"], 2, "has not ended yet"),
        (["schedule", "backfill", "payments", "--from", "2026-W40"], 2, "Missing option '--to'"),
        (["breaker", "show", "githup"], 2, 'there is no breaker of "githup"; did you mean "github"?'),
        (
            ["breaker", "reset", "local", "--reason", "x"],
            2,
            'no breaker of "local"; write github, jira, slack or email',
        ),
        (["breaker", "configure", "githup"], 2, 'did you mean "github"?'),
        (["breaker", "force-open", "github"], 2, "Missing option '--reason'"),
        (["breaker", "force-open", "github", "--reason", " "], 2, '--reason: " " is empty'),
        (["breaker", "disable", "github", "--reason", "x", "--until", "soon"], 2, 'write it like "2h" or'),
        (["breaker", "force-open", "github", "--reason", "x", "--until", ""], 2, 'write it like "2h" or'),
        (["breaker", "configure", "github", "--set", "failure_threshold=5"], 2, "--reason is missing"),
        (["breaker", "force-open", "github", "--reason", "x" * 501], 2, "is too long; write 500 characters or less"),
        (["breaker", "force-open", "github", "--reason", "x", "--until", "400d"], 2, "is more than 366 days away"),
        (["edition", "reject", "payments", "--reason", "x" * 1001], 2, '--reason: "x'),
        (["edition", "edit", "payments", "--note", "x" * 1001], 2, '--note: "x'),
        (["escalation", "snooze", "github", "--minutes", "0"], 2, "--minutes: 0 is too small; write 1 or more"),
        (["escalation", "snooze", "github", "--minutes", "99999"], 2, "--minutes: 99999 is too large; write 10080 or"),
        (["escalation", "reassign", "github", "--to", " "], 2, '--to: " " is empty; write something'),
        (["delivery", "replay", "nothing"], 2, "name a delivery by its id"),
        (["breaker", "list"], 1, f"no Temporal server answers at {NOBODY}"),
        (["schedule", "pause", "payments"], 1, f"no Temporal server answers at {NOBODY}"),
        (["status"], 1, f"no Temporal server answers at {NOBODY}"),
        (["apply"], 1, "TEMPORAL_ADDRESS"),
        (["db", "upgrade"], 1, "DATABASE_URL is not set"),
        (["replay", "nowhere.json"], 2, "nowhere.json: cannot be read"),
        (["replay", "README.md"], 2, "README.md: is no JSON"),
        (["demo", "--history", "nowhere"], 2, "--history nowhere: no such folder"),
        (["demo", "--history", "docs"], 2, "--history docs: no recorded history is there"),
        (["demo", "--repo", "nowhere"], 2, "--repo nowhere: no such folder"),
        (["demo", "--repo", "/"], 2, "--repo /: git finds no commit there"),
        (["demo", "--repo", ".", "--history", "."], 2, "exclude each other"),
        (["demo", "--week", "2026-W99"], 2, "2026 has no week 99"),
    ],
)
def test_one_message_and_the_right_code(config: Path, arguments: list[str], code: int, message: str) -> None:
    returned, output, errors = invoked(environment_of(config), *arguments)
    assert message in errors
    assert (returned, output) == (code, "")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "paymens", "--week", "2026-W40"], 2, 'did you mean "payments"?'),
        (["run", "payments", "--week", "2026-W40"], 1, f"no Temporal server answers at {NOBODY}"),
        (["demo", "--repo", ".", "--history", "."], 2, "exclude each other"),
    ],
)
async def test_the_real_command_line_says_it_without_a_traceback(
    config: Path, arguments: list[str], code: int, message: str
) -> None:
    returned, output, errors = await starter(config, *arguments)
    assert message in errors
    assert (returned, output) == (code, "")
    assert "Traceback" not in errors


def test_a_history_that_there_is_not_is_refused_with_those_that_there_are(config: Path) -> None:
    (config / "acme__ledger.jsonl.gz").touch()
    code, _, errors = invoked(environment_of(config), "demo", "--history", str(config), "--team", "legder")
    assert (code, 'has no history of "legder"; did you mean "ledger"?' in errors) == (2, True), errors


@pytest.mark.parametrize("arguments", [["run", "paymens", "--json"], ["status", "--json"], ["db", "upgrade", "--json"]])
def test_with_json_an_error_is_one_document_too(config: Path, arguments: list[str]) -> None:
    code, output, _ = invoked(environment_of(config), *arguments)
    assert code != 0
    assert set(json.loads(output)) == {"error"}


def test_wrong_yaml_is_told_with_file_line_field_and_cure(config: Path) -> None:
    team = config / "teams" / "payments.yaml"
    team.write_text(TEAM + 'deliver_by: "2 hour"\n')
    for arguments in (["config", "validate"], ["run", "payments", "--week", "2026-W40"]):
        code, _, errors = invoked(environment_of(config), *arguments)
        assert code == 1
        assert f'{team}:5: deliver_by: "2 hour" is not a duration; write "2h"' in errors.replace("\n", "")


async def test_a_valid_configuration_is_said_to_be_valid(config: Path) -> None:
    code, output, _ = await starter(config, "config", "validate", "--json")
    assert code == 0
    assert json.loads(output) == {"directory": str(config), "teams": ["payments"]}


async def test_doctor_names_everything_that_is_wrong_and_the_cure(config: Path) -> None:
    code, output, _ = await starter(config, "doctor", "--json")
    findings = {finding["check"]: finding for finding in json.loads(output)["findings"]}
    assert code == 1
    assert not any(findings[check]["is_ok"] for check in ("database", "temporal server", "github token", "slack token"))
    assert "DATABASE_URL" in findings["database"]["cure"]
    assert "GITHUB_TOKEN" in findings["github token"]["cure"]
    assert findings["configuration"]["is_ok"]
