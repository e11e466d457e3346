"""`replay` of files: what breaks, what cannot be read, and what a single bad history cannot do to the others."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from temporalio.service import RPCError, RPCStatusCode

from commands.replay.pool import replay_in_processes
from commands.replay.verdicts import Outcome, Subject, Verdict
from tests.checkout import ROOT
from tests.replay import corpus

GOOD = corpus.UNRELEASED / "complete.Delivery-1.json.gz"
STARTED = "workflowExecutionStartedEventAttributes"

History = dict[str, Any]


async def verdicts(*files: Path, told: list[Verdict] | None = None, **options: Any) -> dict[str, Verdict]:
    """By file name; `told` gets each as soon as it is known."""
    told = [] if told is None else told

    async def subjects() -> AsyncIterator[Subject]:
        for path in files:
            yield Subject(file=path)

    await replay_in_processes(subjects(), told.append, **options)
    return {Path(verdict.subject.name).name: verdict for verdict in told}


async def starter(*arguments: str | Path) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of `python starter.py replay …`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "starter.py", "replay", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def test_a_server_that_refuses_to_list_on_is_told_as_itself_and_no_process_is_left() -> None:
    async def subjects() -> AsyncIterator[Subject]:
        yield Subject(file=GOOD)
        raise RPCError("the server is shutting down", RPCStatusCode.UNAVAILABLE, b"")

    told: list[Verdict] = []
    with pytest.raises(RPCError, match="shutting down"):
        await replay_in_processes(subjects(), told.append, processes=2)
    left = psutil.Process().children(recursive=True)
    assert [process for process in left if "commands.replay.process" in " ".join(process.cmdline())] == []


def cut(length: int) -> Callable[[History], None]:
    def change(history: History) -> None:
        del history["events"][length:]

    return change


def cut_after(event_type: str) -> Callable[[History], None]:
    """Until the first event of that type, which stays: what comes before it differs from story to story."""

    def change(history: History) -> None:
        types = [event["eventType"] for event in history["events"]]
        del history["events"][types.index(f"EVENT_TYPE_{event_type}") + 1 :]

    return change


def without_start(history: History) -> None:
    del history["events"][0]


def with_a_hole(history: History) -> None:
    del history["events"][20:25]


def of_another_type(history: History) -> None:
    history["events"][0][STARTED]["workflowType"]["name"] = "Unheard"


def of_another_input(history: History) -> None:
    history["events"][0][STARTED]["input"]["payloads"][0]["data"] = base64.b64encode(b'{"team": "payments"}').decode()


def encrypted(history: History) -> None:
    encoding = base64.b64encode(b"binary/encrypted").decode()
    history["events"][0][STARTED]["input"]["payloads"][0]["metadata"] = {"encoding": encoding}


@pytest.fixture(scope="module")
async def of_broken_histories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    folder = tmp_path_factory.mktemp("histories")
    changes = {
        "nothing": cut(0),
        "start only": cut(1),
        "first task scheduled": cut_after("WORKFLOW_TASK_SCHEDULED"),
        "first task started": cut_after("WORKFLOW_TASK_STARTED"),
        "first task done": cut(7),
        "no start": without_start,
        "hole": with_a_hole,
        "unknown type": of_another_type,
        "old input": of_another_input,
        "encrypted": encrypted,
    }
    for name, change in changes.items():
        history = corpus.document(corpus.UNRELEASED / "complete.WeeklyChangelog-1.json.gz")
        change(history)
        (folder / name).write_text(json.dumps(history))
    return await verdicts(*(folder / name for name in changes), GOOD)


@pytest.mark.parametrize(
    ("name", "outcome", "reason"),
    [
        ("nothing", Outcome.UNREAD, "does not begin with its start"),
        ("no start", Outcome.UNREAD, "does not begin with its start"),
        ("start only", Outcome.NOT_STARTED, ""),
        ("first task scheduled", Outcome.NOT_STARTED, ""),
        ("first task started", Outcome.OK, ""),
        ("first task done", Outcome.OK, ""),
        ("hole", Outcome.BREAKS, "History is out of order"),
        ("unknown type", Outcome.BREAKS, "Workflow class Unheard is not registered"),
        ("old input", Outcome.BREAKS, "validation error for EditionRequest iso_week Field required"),
        ("encrypted", Outcome.BREAKS, "sealed with the key"),
        (GOOD.name, Outcome.OK, ""),
    ],
)
def test_each_history_gets_its_own_verdict(
    of_broken_histories: dict[str, Verdict], name: str, outcome: Outcome, reason: str
) -> None:
    verdict = of_broken_histories[name]
    assert verdict.outcome is outcome
    assert reason in verdict.reason


async def test_a_history_that_hangs_is_told_and_the_others_are_replayed(tmp_path: Path) -> None:
    hanging = tmp_path / "hanging"
    os.mkfifo(hanging)  # whoever reads it waits for a writer that never comes
    told = await verdicts(GOOD, hanging, *corpus.files()[:6], processes=1, patience_seconds=20)
    assert told.pop("hanging").outcome is Outcome.BREAKS
    assert {verdict.outcome for verdict in told.values()} == {Outcome.OK}
    assert set(told) == {GOOD.name, *(path.name for path in corpus.files()[:6])}


async def test_a_replay_that_ends_its_process_is_told_and_the_others_are_replayed(tmp_path: Path) -> None:
    deadly = tmp_path / "deadly"
    os.mkfifo(deadly)
    told: list[Verdict] = []
    replaying = asyncio.create_task(verdicts(GOOD, deadly, *corpus.files()[:3], told=told, processes=1))
    while not told:  # then it works on the second one
        await asyncio.sleep(0.05)
    (child,) = (child for child in psutil.Process().children() if "commands.replay.process" in child.cmdline())
    child.kill()
    by_name = await replaying
    assert "ended the process" in by_name.pop("deadly").reason
    assert {verdict.outcome for verdict in by_name.values()} == {Outcome.OK}


async def test_the_command_tells_numbers_names_reasons_and_the_cure(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    history = corpus.document(GOOD)
    of_another_type(history)
    broken.write_text(json.dumps(history))
    code, output, _ = await starter(GOOD, broken)
    assert code == 1
    assert output.startswith("1 replay, 1 fail (")
    assert f"- {broken}: Workflow class Unheard is not registered" in output
    assert "workflow.patched()" in output
    code, output, _ = await starter("--json", GOOD)
    assert code == 0
    document = json.loads(output)
    assert document.pop("seconds") > 0
    events = len(corpus.document(GOOD)["events"])
    assert document == {
        "replayed": 1, "events": events, "ok": 1, "not_started": 0, "gone": [], "left_out": 0, "failing": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "one of the two"),
        (["--from-server", GOOD], "one of the two"),
        (["--from-server", "--since", "1 week"], "--since"),
        (["--from-server", "--limit", "-1"], "--limit"),
    ],
)
async def test_wrong_arguments_are_told(arguments: list[str | Path], message: str) -> None:
    code, output, errors = await starter(*arguments)
    assert (code, output) == (2, "")
    assert message in errors
