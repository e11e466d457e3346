"""The schedule of the records: how often the audit's heads are noted, and what is too old is removed."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)

from devsync.contracts import names
from devsync.contracts.records import RecordKeepingRequest
from devsync.runtime.schedules import Change, put_schedule
from devsync.settings.durations import format_duration
from devsync.settings.records import RecordSettings

CATCH_UP = timedelta(minutes=10)
"""One that was missed helps nobody: the next one does as much."""


def record_schedule(settings: RecordSettings) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            names.RECORD_KEEPING,
            RecordKeepingRequest(),
            id=names.RECORDS_ID,
            task_queue=names.CONTROL_QUEUE,
            static_summary=f"Records are kept every {format_duration(settings.anchor_every)}",
            static_details="Notes the heads of the audit, and removes what records.yaml keeps no longer.",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=settings.anchor_every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


async def apply_records(client: Client, settings: RecordSettings) -> Change:
    """Makes or updates the schedule. A pause and its note stay."""
    change, _ = await put_schedule(client, client.get_schedule_handle(names.RECORDS_ID), record_schedule(settings))
    return change
