"""One timer for what is due next: it is replaced only where something else is due, since each costs events."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow


class Alarm:
    def __init__(self) -> None:
        self.due: datetime | None = None
        self.timer: asyncio.Task[None] | None = None

    @property
    def has_rung(self) -> bool:
        return self.timer is not None and self.timer.done()


def set_alarm(alarm: Alarm, due: datetime | None, summary: str) -> None:
    """None: nothing is due. One that has rung is set anew."""
    if due == alarm.due and not alarm.has_rung:
        return
    if alarm.timer is not None:
        alarm.timer.cancel()
    alarm.due, alarm.timer = due, None
    if due is not None:
        wait = max(due - workflow.now(), timedelta(milliseconds=1))
        alarm.timer = asyncio.create_task(workflow.sleep(wait, summary=summary))
