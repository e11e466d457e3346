"""The message of an escalation in Slack, whole, in each of its states: what a change does to people shows in the diff.

After an intended change: UPDATE_GOLDEN=1 pytest tests/workflows/escalation/test_escalation_golden.py
"""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from devsync.contracts.escalation import Acknowledge, Snooze
from devsync.contracts.notifications import Notice, NoticeLink
from devsync.contracts.people import Resolve
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision
from devsync.rendering.notice import slack_notice
from sandbox.slack.blocks import is_too_long, problems
from tests.contracts.slack import objections_to_blocks
from tests.workflows.escalation.test_escalation_offers import NOON, notice, waiting

GOLDEN = Path(__file__).parent / "golden"
LINKS = (
    NoticeLink(
        label="Open in the dashboard",
        url="https://changelog.acme.dev/escalations/escalation%3Aservice%3Agithub",
    ),
    NoticeLink(label="Runbook", url="https://docs.acme.dev/changelog/runbook"),
)
STATES: dict[str, Model | None] = {
    "firing": None,
    "acknowledged": Acknowledge(by="anna"),
    "snoozed": Snooze(by="anna", minutes=60),
    "resolved": Resolve(by="anna", decision=Decision.RETRY, note="GitHub says it is back"),
}


def told(state: str) -> Notice:
    case = waiting("payments", "search", subject="2026-W47: 2 of 3 repositories")
    if (said := STATES[state]) is not None:
        case.take(said, NOON + timedelta(minutes=5))
    return notice(case).model_copy(update={"links": LINKS})


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("has_buttons", [True, False], ids=["buttons", "words"])
def test_the_message_is_as_agreed(state: str, has_buttons: bool) -> None:
    blocks = slack_notice(told(state), has_buttons=has_buttons).blocks
    assert (problems(blocks), is_too_long(blocks), list(objections_to_blocks(blocks))) == ([], False, [])
    rendered = json.dumps(blocks, indent=2, ensure_ascii=False) + "\n"
    golden = GOLDEN / f"escalation-{state}{'' if has_buttons else '-words'}.slack.json"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(rendered)
    assert golden.exists(), f"{golden.name} is not there yet; write it with UPDATE_GOLDEN=1"
    assert rendered == golden.read_text(), "if this is meant, run with UPDATE_GOLDEN=1 and read the diff"
