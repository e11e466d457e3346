"""The guard over the workflows' commands: what trips it, what must not, and that nothing trips it now."""

import importlib.util
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.checkout import PARTS, ROOT, Edit, changed_checkout
from tests.replay.fingerprint.baseline import Change, Outlines, read_baseline
from tests.replay.fingerprint.message import message
from workflows.registry import WORKFLOWS

CHANNELS, SLACK_PARTS = "workflows/delivery/channels.py", "workflows/delivery/slack_parts.py"
SLACK_ROUND = "workflows/delivery/slack_round.py"
MAKING, TRIES = "workflows/edition/making.py", "workflows/delivery/tries.py"
DELIVERY, EDITION = "workflows/delivery/delivery.py", "workflows/edition/weekly_changelog.py"
FILES = (CHANNELS, SLACK_PARTS, SLACK_ROUND, MAKING, TRIES, DELIVERY, EDITION)
CLASSES = {DELIVERY: "Delivery", EDITION: "WeeklyChangelog"}

RECALL = "        await self._recall()\n"
REMEMBER = "        await self._remember()\n"
TELL = "            await self._report()\n            await self._settle_with_people()\n"
RECORD = "            await self._record_unless_it_goes_on()\n"
PHASES = "    # The phases"
QUERY = "    @workflow.query\n    def one(self) -> int:\n        return 1\n\n"
SIGNAL = "    @workflow.signal\n    def poke(self) -> None:\n        self._poked = True\n\n"
PAUSE = "        await workflow.sleep(1)\n"
PATCHED_PAUSE = '        if workflow.patched("pause"):\n            await workflow.sleep(1)\n'
CAUGHT = (
    "        except ActivityError as error:\n            if is_cancelled_exception(error):\n                raise\n"
)


def test_the_commands_of_the_workflows_are_those_of_the_baseline() -> None:
    found = Outlines(WORKFLOWS).compare(read_baseline())
    assert not found, message(found)


def changes(edits: list[Edit], directory: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Change]:
    """By workflow type: what the guard says of the workflows after the edits."""
    for file in FILES:
        target = directory / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((ROOT / file).read_text())
    for edit in edits:
        edit.apply(directory)
    modules = {file: load(file, directory, monkeypatch) for file in FILES}
    classes = [getattr(modules[file], name) for file, name in CLASSES.items()]
    baseline = {name: known for name, known in read_baseline().items() if name in CLASSES.values()}
    found = Outlines(classes).compare(baseline)
    return {finding.name: finding.change for finding in found if finding.change is not Change.UNSEEN}


def load(file: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The file as the module of its name, also for modules that are loaded after it."""
    package, _, name = file.removesuffix(".py").replace("/", ".").rpartition(".")
    spec = importlib.util.spec_from_file_location(f"{package}.{name}", directory / file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    monkeypatch.setattr(import_module(package), name, module)
    spec.loader.exec_module(module)
    return module


def edit(name: str, *edits: Edit) -> Any:
    return pytest.param(list(edits), id=name.replace(" ", "-"))


@pytest.mark.parametrize(
    "edits",
    [
        edit("a local variable is renamed", Edit(DELIVERY, "before", "earlier")),
        edit("the summary of an activity changes", Edit(DELIVERY, "What stands in the channel already?", "Recall")),
        edit("a comment is added", Edit(DELIVERY, RECALL, f"        # First of all.\n{RECALL}")),
        edit("a line is logged", Edit(DELIVERY, RECALL, f'        workflow.logger.info("recalling")\n{RECALL}')),
        edit("the current details change", Edit(TRIES, "the next try, in {", "trying again in {")),
        edit("a time-out changes", Edit(DELIVERY, "self._work.request.schedule.record_time", "timedelta(1)")),
        edit("a method with commands is renamed", Edit(SLACK_ROUND, "_settle_part", "_one_part")),
        edit("state is computed otherwise", Edit(DELIVERY, "        self._work.setback = None\n", "")),
        edit(
            "a part becomes a method of its own",
            Edit(DELIVERY, RECALL, REMEMBER),
            Edit(
                DELIVERY,
                "    async def _recall(self)",
                f"    async def _remember(self) -> None:\n{RECALL}\n    async def _recall(self)",
            ),
        ),
        edit(
            "a variable is introduced",
            Edit(SLACK_ROUND, "if part.message_id:", "message_id = part.message_id\n    if message_id:"),
        ),
        edit("a query is added", Edit(EDITION, PHASES, f"{QUERY}{PHASES}")),
        edit("a signal without commands is added", Edit(EDITION, PHASES, f"{SIGNAL}{PHASES}")),
    ],
)  # fmt: skip
def test_what_is_no_command_does_not_trip_it(
    edits: list[Edit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changes(edits, tmp_path, monkeypatch) == {}


@pytest.mark.parametrize(
    "edits",
    [
        edit("an activity is left out", Edit(DELIVERY, RECALL, "")),
        edit("an activity is added", Edit(DELIVERY, RECALL, RECALL * 2)),
        edit("a timer is added", Edit(DELIVERY, RECALL, f"{RECALL}        await workflow.sleep(1)\n")),
        edit(
            "a timer under another name is added",
            Edit(DELIVERY, RECALL, f"{RECALL}        from asyncio import sleep as nap\n        await nap(1)\n"),
        ),
        edit("a memo is written", Edit(DELIVERY, RECALL, f'        workflow.upsert_memo({{"a": 1}})\n{RECALL}')),
        edit("two steps change places", Edit(DELIVERY, TELL + RECORD, RECORD + TELL)),
        edit("another activity is called", Edit(DELIVERY, "activities.RECORD_DELIVERY", "activities.RECORD_EDITION")),
        edit("another signal is sent", Edit(DELIVERY, '"delivery_reported"', '"delivered"')),
        edit(
            "a condition is turned round",
            Edit(DELIVERY, "            if self._work.is_superseded:", "            if not self._work.is_superseded:"),
        ),
        edit("a condition asks for something else", Edit(SLACK_ROUND, "if part.message_id:", "if part.index:")),
        edit("a step becomes conditional", Edit(DELIVERY, RECALL, f"        if self._listeners:\n    {RECALL}")),
        edit(
            "an early return is added",
            Edit(DELIVERY, RECALL, f"        if self._listeners:\n            return self._work.outcome()\n{RECALL}"),
        ),
        edit("a failure is not caught any more", Edit(DELIVERY, CAUGHT, CAUGHT.replace("ActivityError", "ValueError"))),
        edit(
            "a signal handler issues a command",
            Edit(DELIVERY, "self._work.refuse", "workflow.upsert_memo({})\n        self._work.refuse"),
        ),
    ],
)  # fmt: skip
def test_a_change_of_the_commands_trips_it(edits: list[Edit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert changes(edits, tmp_path, monkeypatch) == {"Delivery": Change.UNVERSIONED}


@pytest.mark.parametrize(
    ("edit", "workflow_type"),
    [
        (Edit(CHANNELS, '"revise"', '"renew"'), "WeeklyChangelog"),
        (Edit(CHANNELS, "request.team, request.iso_week", "request.iso_week, 'w'"), "WeeklyChangelog"),
        (Edit(SLACK_PARTS, "activities.FIND_SLACK_PART", "activities.SEND_SLACK_PART"), "Delivery"),
    ],
    ids=["another signal is sent", "the child has another id", "another activity is called"],
)
def test_a_change_in_a_function_that_a_workflow_calls_trips_it(
    edit: Edit, workflow_type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changes([edit], tmp_path, monkeypatch) == {workflow_type: Change.UNVERSIONED}


@pytest.mark.parametrize(
    ("new", "change"),
    [
        ('if workflow.patched("r"):\n    await self._recall()\nawait self._recall()', Change.VERSIONED),
        ('if workflow.patched("r"):\n    await self._record()\nelse:\n    await self._recall()', Change.VERSIONED),
        ('if not workflow.patched("r"):\n    await self._recall()\nelse:\n    await self._record()', Change.VERSIONED),
        (
            'is_new = workflow.patched("r")\nif is_new:\n    await self._record()\nawait self._recall()',
            Change.VERSIONED,
        ),
        ('if workflow.patched("r"):\n    await self._recall()', Change.UNVERSIONED),
        ('if workflow.patched("r"):\n    await self._recall()\nelse:\n    await self._record()', Change.UNVERSIONED),
        ('await self._record()\nif workflow.patched("r"):\n    pass\nawait self._recall()', Change.UNVERSIONED),
        ('workflow.deprecate_patch("r")\nawait self._recall()', Change.UNVERSIONED),
    ],
)
def test_a_change_is_versioned_when_runs_without_the_patch_find_their_old_commands(
    new: str, change: Change, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    indented = "".join(f"        {line}\n" for line in new.splitlines())
    assert changes([Edit(DELIVERY, RECALL, indented)], tmp_path, monkeypatch) == {"Delivery": change}


def test_an_old_way_that_returns_early_is_versioned_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Edit(DELIVERY, "        while True:\n            self._work.take_up_the_newest(workflow.now())", '''\
        if workflow.patched("once"):
            await self._record()
            return self._work.outcome()
        while True:
            self._work.take_up_the_newest(workflow.now())''')  # fmt: skip
    assert changes([loop], tmp_path, monkeypatch) == {"Delivery": Change.VERSIONED}


def test_workflows_that_come_and_go_are_told() -> None:
    baseline = read_baseline()
    known, other = sorted(baseline)[0], [served for served in WORKFLOWS if served.__name__ != sorted(baseline)[0]]
    gone = Outlines(other).compare(baseline)
    assert Change.GONE in {finding.change for finding in gone if finding.name == known}
    new = Outlines(WORKFLOWS).compare({name: outline for name, outline in baseline.items() if name != known})
    assert [(finding.name, finding.change) for finding in new] == [(known, Change.NEW)]


def test_commands_that_no_workflow_is_seen_to_issue_are_told() -> None:
    editions = [served for served in WORKFLOWS if served.__name__ == "WeeklyChangelog"]
    found = {finding.name for finding in Outlines(editions).compare({}) if finding.change is Change.UNSEEN}
    assert "workflows.delivery.tries._until" in found


def guard(checkout: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tests.replay.fingerprint", *options]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_command_explains_the_cure_and_accepts_only_what_is_safe(tmp_path: Path) -> None:
    parts = (*PARTS, "tests/__init__.py", "tests/replay")
    checkout = changed_checkout(tmp_path, [Edit(DELIVERY, RECALL, f"{PAUSE}{RECALL}")], parts=parts)
    for options in ((), ("--accept",)):
        code, told = guard(checkout, *options)
        assert code == 1
        assert "Delivery issues other commands than before" in told
        assert re.search(r"\n  \| \+ *timer\n", told)
        assert "if workflow.patched(" in told
        assert "python -m tests.replay.fingerprint --accept" in told
    Edit(DELIVERY, PAUSE, PATCHED_PAUSE).apply(checkout)
    assert guard(checkout)[0] == 1
    assert guard(checkout, "--accept") == (0, "accepted: Delivery (versioned)\n")
    assert guard(checkout)[0] == 0
    Edit(DELIVERY, "workflow.sleep(1)", "self._record()").apply(checkout)
    assert "issues other commands than before" in guard(checkout)[1]
    assert guard(checkout, "--accept", "--unversioned")[0] == 0
    assert guard(checkout)[0] == 0
