"""Every recorded history replays with this build and the production plugin, and none tells of its recorder."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from devsync.runtime.plugin import DevSyncPlugin
from tests.replay import corpus
from tests.replay.scrub import leaks
from workflows.registry import WORKFLOWS, workflow_type

BREAKER = "CircuitBreaker"
RECORD = "record it: add a story to tests/replay/stories.py and run `python -m tests.replay.record STORY`"
REPLAY_BROKE = """\
this build cannot go on with runs that are open:
{failures}
Put the change behind workflow.patched(); where no release has ever run the old code, record the corpus again:
python -m tests.replay.record (docs/how-to/change-a-workflow-safely.md)"""


async def test_every_history_of_the_corpus_replays(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "temporalio")  # some histories hold signals that the SDK complains of

    async def histories() -> AsyncIterator[WorkflowHistory]:
        for path in corpus.files():
            yield corpus.read(path)

    replayer = Replayer(workflows=WORKFLOWS, plugins=[DevSyncPlugin()])
    failures = []
    count = 0
    async with replayer.workflow_replay_iterator(histories()) as results:
        async for result in results:
            count += 1
            if result.replay_failure is not None:
                failures.append(f"- {result.history.workflow_id}: {result.replay_failure}")
    assert count == len(corpus.files()) > 0
    assert not failures, REPLAY_BROKE.format(failures="\n".join(failures))


def test_every_workflow_that_is_served_has_a_history() -> None:
    recorded = {corpus.workflow_type(path) for path in corpus.files()}
    served = {workflow_type(served) for served in WORKFLOWS}
    assert recorded == served, RECORD


def test_the_corpus_holds_what_happens_to_runs() -> None:
    """Without one of these the corpus would say nothing of that part of the code."""
    happened = {event for path in corpus.files() for event in corpus.event_types(path)}
    assert {
        "ACTIVITY_TASK_FAILED",
        "ACTIVITY_TASK_TIMED_OUT",
        "ACTIVITY_TASK_CANCEL_REQUESTED",
        "CHILD_WORKFLOW_EXECUTION_STARTED",
        "START_CHILD_WORKFLOW_EXECUTION_FAILED",
        "EXTERNAL_WORKFLOW_EXECUTION_SIGNALED",
        "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED",
        "TIMER_FIRED",
        "TIMER_CANCELED",
        "WORKFLOW_EXECUTION_CANCELED",
        "WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
        "WORKFLOW_EXECUTION_SIGNALED",
        "WORKFLOW_EXECUTION_UPDATE_COMPLETED",
        "WORKFLOW_TASK_TIMED_OUT",
    } <= happened, RECORD


def test_the_corpus_holds_runs_that_are_still_open() -> None:
    ends = {"WORKFLOW_EXECUTION_COMPLETED", "WORKFLOW_EXECUTION_CANCELED"}
    still_open = [path for path in corpus.files() if not ends & set(corpus.event_types(path))]
    assert {corpus.workflow_type(path) for path in still_open} >= {"WeeklyChangelog", "Delivery"}, RECORD


def test_the_corpus_holds_a_breaker_on_both_sides_of_its_cuts() -> None:
    """What one run carries into the next, the next must be able to read: by its state and by its commands."""
    breakers = [corpus.document(path)["events"] for path in corpus.files() if corpus.workflow_type(path) == BREAKER]
    cut = {
        events[-1]["workflowExecutionContinuedAsNewEventAttributes"]["newExecutionRunId"]
        for events in breakers
        if events[-1]["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW"
    }
    begun = {events[0][corpus.STARTED]["originalExecutionRunId"] for events in breakers}
    assert len(cut) >= 2, RECORD
    assert cut <= begun, RECORD


@pytest.mark.parametrize("path", corpus.files(), ids=lambda path: path.name)
def test_a_history_names_no_machine_no_process_and_no_secret(path: Path) -> None:
    assert leaks(corpus.document(path)) == []
