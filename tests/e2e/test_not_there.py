"""What is named on a command line and is not there: the same exit code and no traceback, whichever command is asked."""

from collections.abc import AsyncIterator

import pytest

from docs.generate.cli import commands
from sandbox.postgres import PostgresServer
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import Stage, stage_for
from tests.servers import Servers, running_temporal

pytestmark = pytest.mark.timeout(300)

WHY = ["--reason", "a test"]
OVER = ["payments", "--week", "2026-W40"]
NAMES_NOTHING: dict[str, list[list[str]]] = {
    "run": [["nobody"]],
    "preview": [["nobody"]],
    "replay": [["nowhere.json"]],
    "schedule pause": [["nobody"]],
    "schedule resume": [["nobody"]],
    "schedule trigger": [["nobody"]],
    "schedule delete": [["nobody"]],
    "schedule backfill": [["nobody", "--from", "2026-W40", "--to", "2026-W41"]],
    "edition approve": [["nobody"], OVER],
    "edition reject": [["nobody", *WHY], [*OVER, *WHY]],
    "edition edit": [["nobody", "--hide", "PAY-1"], [*OVER, "--hide", "PAY-1"]],
    "edition cancel": [["nobody", *WHY], [*OVER, *WHY]],
    "delivery list": [["--team", "nobody"]],
    "delivery replay": [
        ["nothing"],
        ["nobody", "2026-W47", "slack-payments"],
        ["payments", "2026-W47", "slack-nothing"],
        ["delivery:payments:2026-W47:slack-payments"],
    ],
    "breaker show": [["nothing"]],
    "breaker force-open": [["nothing", *WHY]],
    "breaker force-close": [["nothing", *WHY]],
    "breaker disable": [["nothing", *WHY]],
    "breaker metrics-only": [["nothing", *WHY]],
    "breaker reset": [["nothing", *WHY]],
    "breaker configure": [["nothing"]],
    "escalation list": [["--team", "nobody"], ["--team", "nobody", "--window", "24h"]],
    "escalation ack": [["nothing"], ["escalation:service:nothing"]],
    "escalation resolve": [["nothing"], ["escalation:service:nothing", "retry"]],
    "escalation snooze": [["nothing", "--minutes", "5"], ["escalation:service:nothing", "--minutes", "5"]],
    "escalation escalate": [["nothing"], ["escalation:service:nothing"]],
    "escalation reassign": [["nothing", "--to", "#ops"], ["escalation:service:nothing", "--to", "#ops"]],
    "alerts list": [["--team", "nobody"], ["--team", "nobody", "--window", "24h"]],
    "alerts ack": [["error_rate:nothing"]],
    "alerts mute": [["nothing", "--for", "1h"]],
    "alerts unmute": [["error_rate:nothing"]],
    "errors stats": [["--team", "nobody"]],
    "performance stats": [["--team", "nobody"]],
    "forecast": [["--team", "nobody"]],
    "recovery recent": [["--team", "nobody"]],
    "recovery stats": [["--team", "nobody"]],
    "audit list": [["--team", "nobody"]],
    "audit verify": [["--team", "nobody"]],
}
OF_NOTHING_THAT_IS_THERE = {"demo", "dashboard token"}
"""A demo's team is a recorded history (tests/commands/test_bad_input.py), and a token is for whoever is named."""


@pytest.fixture(scope="module")
async def applied(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """With a monitor of its own, and a worker that answers for it."""
    directory = tmp_path_factory.mktemp("not-there")
    world = demo_world("2026-W47")
    async with (
        running_temporal() as temporal,
        stage_for(world, Servers(postgres, temporal), directory) as stage,
        stage.worker(),
    ):
        code, _, errors = await stage.starter("apply")
        assert code == 0, errors
        yield stage


@pytest.mark.parametrize("command", NAMES_NOTHING)
async def test_what_is_not_there_is_exit_code_2(applied: Stage, command: str) -> None:
    for arguments in NAMES_NOTHING[command]:
        code, output, errors = await applied.starter(*command.split(), *arguments)
        assert (code, output) == (2, ""), (arguments, errors)
        assert errors.startswith("error: ")


def test_no_command_that_names_something_is_left_out() -> None:
    naming = {
        words
        for words, command in commands().items()
        if any(one.param_type_name == "argument" or one.name == "team" for one in command.params)
    }
    assert naming == NAMES_NOTHING.keys() | OF_NOTHING_THAT_IS_THERE


async def test_a_team_that_only_the_records_know_is_told_of_with_a_note(applied: Stage) -> None:
    row = "(team, number, hash, cut_number, cut_hash) VALUES ('gone', 0, '', 0, '')"
    applied.rows(f"INSERT INTO audit_heads {row} RETURNING team")
    for command, cases in NAMES_NOTHING.items():
        if "--team" in cases[0]:
            code, _, errors = await applied.starter(*command.split(), "--team", "gone")
            assert (code, errors) == (0, "" if command == "audit verify" else 'note: config/ has no team "gone"\n')
