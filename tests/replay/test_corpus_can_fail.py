"""Builds whose workflows were changed deliberately do not replay the corpus: the corpus test can fail."""

import asyncio
import json
import sys
import uuid
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from devsync.runtime.plugin import DevSyncPlugin
from tests.checkout import ROOT, Edit, changed_checkout
from tests.replay import corpus

DELIVERY, EDITION = "workflows/delivery/delivery.py", "workflows/edition/weekly_changelog.py"

RECALL = "        await self._recall()\n"
COMPOSED = "class EditionComposed(Model):\n"
UNTIL_DUE = "            await until_next_try(self._tries, self._work, self._is_overtaken)\n"
TELL = "            await self._report()\n            await self._settle_with_people()\n"
RECORD = "            await self._record_unless_it_goes_on()\n"
RECORD_BECOMES_RENDER = Edit(EDITION, "activities.RECORD_EDITION", "activities.RENDER_EDITION")
ASKS = "        asks = asks_of(plan, workflow.info())"


async def failure(edit: Edit, story: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> BaseException | None:
    """Of a replay with a changed workflow; the story's history has run with the unchanged one."""
    module = f"changed_{uuid.uuid4().hex}"
    (folder / f"{module}.py").write_text((ROOT / edit.file).read_text())
    edit._replace(file=f"{module}.py").apply(folder)
    monkeypatch.syspath_prepend(folder)
    changed = getattr(import_module(module), "Delivery" if edit.file == DELIVERY else "WeeklyChangelog")
    replayer = Replayer(workflows=[changed], plugins=[DevSyncPlugin()])
    history = corpus.read(corpus.UNRELEASED / f"{story}.json.gz")
    return (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure


@pytest.mark.parametrize(
    ("edit", "story"),
    [
        pytest.param(Edit(DELIVERY, RECALL, RECALL * 2), "complete.Delivery-1", id="added activity"),
        pytest.param(Edit(DELIVERY, UNTIL_DUE, ""), "queued.Delivery", id="timer left out"),
        pytest.param(Edit(DELIVERY, TELL + RECORD, RECORD + TELL), "revised.Delivery-1", id="another order"),
        pytest.param(
            Edit(EDITION, ASKS, f"{ASKS}[:1]"), "abandoned.WeeklyChangelog", id="activities left out, run open"
        ),
        pytest.param(RECORD_BECOMES_RENDER, "partial.WeeklyChangelog", id="another activity"),
    ],
)
async def test_a_run_that_has_passed_the_change_is_not_deterministic_any_more(
    edit: Edit, story: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(await failure(edit, story, tmp_path, monkeypatch), NondeterminismError)


async def test_a_run_that_has_not_come_to_the_change_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await failure(RECORD_BECOMES_RENDER, "abandoned.WeeklyChangelog", tmp_path, monkeypatch) is None


async def test_the_command_names_each_run_that_would_break_and_why(tmp_path: Path) -> None:
    checkout = changed_checkout(
        tmp_path,
        [
            Edit(DELIVERY, RECALL, RECALL * 2),
            Edit("devsync/contracts/edition.py", COMPOSED, f"{COMPOSED}    urgency: int\n"),
        ],
    )
    stories = ("partial.WeeklyChangelog", "waiting.Delivery", "abandoned.WeeklyChangelog")
    process = await asyncio.create_subprocess_exec(
        sys.executable, checkout / "starter.py", "replay", "--json",
        *(corpus.UNRELEASED / f"{story}.json.gz" for story in stories), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    document: dict[str, Any] = json.loads(output)
    reasons = {Path(failing["file"]).name: failing["reason"] for failing in document["failing"]}
    assert process.returncode == 1
    assert (document["replayed"], document["ok"]) == (3, 1)
    assert set(reasons) == {"partial.WeeklyChangelog.json.gz", "waiting.Delivery.json.gz"}
    assert "TMPRL1100" in reasons["waiting.Delivery.json.gz"]
    assert "urgency" in reasons["partial.WeeklyChangelog.json.gz"]
