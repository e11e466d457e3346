"""One timer for what is due next: it is replaced only where something else is due, since each costs events."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow


class Alarm:
    def __init__(self) -> None:
        self._due: datetime | None = None
        self._timer: asyncio.Task[None] | None = None

    @property
    def has_rung(self) -> bool:
        return self._timer is not None and self._timer.done()

    def set(self, due: datetime | None, summary: str) -> None:
        """None: nothing is due. One that has rung is set anew."""
        if due == self._due and not self.has_rung:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due, self._timer = due, None
        if due is not None:
            wait = max(due - workflow.now(), timedelta(milliseconds=1))
            self._timer = asyncio.create_task(workflow.sleep(wait, summary=summary))
