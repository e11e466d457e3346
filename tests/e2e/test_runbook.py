"""Every command of the runbook, and of the pages beside it, typed in its order: what is followed at night is true.

One stage, with what each part of the page is about brought about before its first command. How a command must end is
its exit code; where the page shows a refusal beside it, also its words. With DEVSYNC_KEEP_OUTPUTS=1 what each has said
is kept in build/runbook-outputs.txt.
"""

import asyncio
import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from temporalio.service import RPCError

from commands.stack import ROOT
from devsync.contracts import names
from devsync.contracts.edition import Phase
from devsync.contracts.escalation import EscalationView
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.escalation.machine import State
from sandbox.faults import Fault, FaultKind
from sandbox.postgres import PostgresServer
from sandbox.postgres_binaries import postgres_binaries
from sandbox.worlds.demo import demo_world
from tests.docs.manual import Block, blocks
from tests.e2e.stage import IMPATIENT, Stage, eventually, stage_for
from tests.servers import Servers, running_temporal

pytestmark = pytest.mark.timeout(600)

WEEK = "2026-W47"
OUTPUTS = ROOT / "build" / "runbook-outputs.txt"
ARE_KEPT = os.environ.get("DEVSYNC_KEEP_OUTPUTS") == "1"
READ_ALOUD = ("best-practices.md", "troubleshooting.md")
"""Pages whose commands only look, or take back what they did."""

NOT_TYPED: Mapping[str, str] = {
    "python starter.py up": "the stage is there already",
    "python worker.py": "it goes on until it is stopped, and the stage has a worker",
    "make demo": "tests/e2e/test_commands.py plays the demo",
}

ENDS: Mapping[str, Collection[int]] = {
    "python starter.py health": (0, 10, 11, 12, 13),
    "temporal workflow update execute -w escalation:service:github": (1,),
}
"""Exit codes of what does not end with 0, by the beginning of the command."""


BUSY = "Workflow is busy"
"""What the server says to a message when the run has its hands full: a person types it again."""


class Typed(NamedTuple):
    where: str
    command: str
    shown: str
    """What a console block shows below it."""


class Ended(NamedTuple):
    code: int
    output: str


def typed_on(page: str) -> Iterator[Typed]:
    for block in blocks(ROOT / "docs" / page):
        if block.language in ("sh", "console"):
            yield from _lines(page, block)


def _lines(page: str, block: Block) -> Iterator[Typed]:
    where = f"{page}:{block.line}"
    if block.language == "sh":
        lines = block.text.replace("\\\n", " ").splitlines()
        yield from (Typed(where, line, "") for line in lines if line and not line.startswith("#"))
        return
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield Typed(where, command, shown)


class Operator:
    """Somebody at a shell of the installation."""

    def __init__(self, stage: Stage, files: Path) -> None:
        self.stage = stage
        self._files = files
        self._paths = f"{Path(sys.executable).parent}:{postgres_binaries()}:{os.environ['PATH']}"

    async def types(self, command: str) -> Ended:
        said = self.here(command)
        if said.startswith("python starter.py "):
            code, output, errors = await self.stage.starter(*shlex.split(said, comments=True)[2:])
            return Ended(code, output + errors)
        ended = await asyncio.to_thread(self._in_a_shell, said)
        while BUSY in ended.output:
            ended = await asyncio.to_thread(self._in_a_shell, said)
        return ended

    def _in_a_shell(self, command: str) -> Ended:
        environment = os.environ | self.stage.environment | {"PATH": self._paths}
        ended = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout + ended.stderr)

    def here(self, command: str) -> str:
        """The page's team is ours, and its files lie in a folder of this test."""
        ours = re.sub(r"(?<![-#\w])payments\b", self.stage.team, command)
        for file, place in (
            ("history.json", self._files / "history.json"),
            ("devsync.dump", self._files / "devsync.dump"),
            (".local/worker.log", self.stage.directory / "worker.log"),
        ):
            ours = ours.replace(file, str(place))
        return ours

    def break_github(self, **fault: object) -> None:
        self.stage.sandbox.faults.add(Fault.model_validate({"service": "github"} | fault))

    async def mend(self) -> None:
        self.stage.sandbox.faults.clear()

    async def slow_edition(self, week: str) -> None:
        """One that is still collecting for a minute."""
        self.break_github(kind=FaultKind.LATENCY, latency_ms=8000)
        await self.stage.until_phase(await self.stage.start(week), Phase.COLLECTING)

    async def partial_edition(self) -> None:
        self.break_github(kind=FaultKind.STATUS, route="/acme/ledger|/graphql", status=404)
        await self.stage.run("2026-W46")
        await self.mend()

    async def recovery_that_asks(self) -> None:
        await self.mend()
        self.stage.keep_steps("github-collection", "cached", ask="missing")
        self.break_github(kind=FaultKind.STATUS, status=503)
        await self.stage.start(WEEK)
        recovery = self.stage.client.get_workflow_handle(
            names.recovery_id(self.stage.team, WEEK, names.GITHUB, "collect", 1), result_type=RecoveryReport
        )

        async def is_asking() -> bool:
            with suppress(RPCError):  # not there yet
                return bool((await recovery.query("progress", result_type=RecoveryReport)).escalations)
            return False

        await eventually(is_asking)

    async def open_escalation(self) -> None:
        escalation = self.stage.client.get_workflow_handle(names.service_escalation_id(names.GITHUB))

        async def is_open() -> bool:
            with suppress(RPCError):  # not there yet
                view = await escalation.query("state", result_type=EscalationView)
                return view.record is not None and view.record.state is not State.RESOLVED
            return False

        await eventually(is_open)

    async def whole_edition(self, week: str) -> None:
        """With one attempt that fails on the way: the log tells of nothing else."""
        await self.mend()
        self.break_github(kind=FaultKind.STATUS, route="/releases|/graphql", status=503, count=1)
        await self.stage.run(week)


BEFORE: Mapping[str, Callable[[Operator], Awaitable[None]]] = {
    "python starter.py status": Operator.partial_edition,
    "temporal workflow query --workflow-id delivery:payments:2026-W44": lambda one: one.whole_edition("2026-W44"),
    "python starter.py edition cancel": lambda one: one.slow_edition("2026-W33"),
    "temporal workflow query -w recovery:": Operator.recovery_that_asks,
    "temporal workflow signal -w escalation:service:github --name acknowledge": Operator.open_escalation,
    "temporal workflow update execute -w escalation:": Operator.open_escalation,
    "temporal workflow cancel -w escalation:": Operator.open_escalation,
    "temporal workflow describe --workflow-id changelog:payments:2026-W35": lambda one: one.whole_edition("2026-W35"),
    "temporal workflow show --workflow-id changelog:payments:2026-W31": lambda one: one.slow_edition("2026-W31"),
    "temporal workflow terminate --workflow-id changelog:payments:2026-W31": Operator.mend,
}
"""What a part of the page is about, by the beginning of its first command; each is brought about once."""


@pytest.fixture(scope="module")
async def operator(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Operator]:
    """With a Temporal server of its own: breakers and escalations of a service are shared by all teams."""
    files = tmp_path_factory.mktemp("operator")
    if ARE_KEPT:
        OUTPUTS.unlink(missing_ok=True)
    async with running_temporal() as temporal, stage_for(demo_world(WEEK), Servers(postgres, temporal), files) as stage:
        stage.change_service("github", "timeouts", **IMPATIENT)
        stage.change_service("github", "retry", maximum="1s", attempts=2)
        stage.keep_steps("github-collection", "cached")
        async with stage.worker():
            code, _, errors = await stage.starter("apply")
            assert code == 0, errors
            yield Operator(stage, files)


async def test_every_command_of_the_runbook_does_what_the_page_says(operator: Operator) -> None:
    await follow(operator, "runbook.md")


async def test_every_command_of_the_pages_that_tell_what_to_look_at_can_be_typed(operator: Operator) -> None:
    await operator.mend()
    for page in READ_ALOUD:
        await follow(operator, page)


def test_what_is_prepared_and_expected_is_still_on_a_page() -> None:
    typed = [one.command for page in ("runbook.md", *READ_ALOUD) for one in typed_on(page)]
    for beginning in (*NOT_TYPED, *ENDS, *BEFORE):
        assert any(command.startswith(beginning) for command in typed), beginning


async def follow(operator: Operator, page: str) -> None:
    """Types a page from its top to its end, and tells all that ended otherwise."""
    wrong = []
    prepared = set()
    for one in typed_on(page):
        if any(one.command.startswith(beginning) for beginning in NOT_TYPED):
            continue
        for beginning, prepare in BEFORE.items():
            if page == "runbook.md" and one.command.startswith(beginning) and beginning not in prepared:
                prepared.add(beginning)
                await prepare(operator)
        ended = await operator.types(one.command)
        if ARE_KEPT:
            keep(one.where, operator.here(one.command), ended)
        wanted = next((codes for beginning, codes in ENDS.items() if one.command.startswith(beginning)), (0,))
        if ended.code not in wanted or one.shown.strip() not in ended.output:
            wrong.append(f"{one.where}: {one.command}\nended with {ended.code}:\n{ended.output[-2000:]}")
    assert not wrong, "\n\n".join(wrong)


def keep(where: str, typed: str, ended: Ended) -> None:
    OUTPUTS.parent.mkdir(exist_ok=True)
    with OUTPUTS.open("a") as outputs:
        outputs.write(f"# {where}\n$ {typed}\n{ended.output.rstrip()}\n(exit code {ended.code})\n\n")
