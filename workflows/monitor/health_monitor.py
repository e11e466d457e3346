"""Looks at everything again and again, and tells people what is wrong: once, until it is over."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities, names
from devsync.contracts.monitor import AlertStory, Look, Looked, MonitorSettings, MonitorStart, MonitorView
from devsync.domain.errors import ErrorSeverity
from devsync.domain.health import alerts
from devsync.domain.health.book import Round
from devsync.domain.health.naming import RuleName
from devsync.domain.health.rules import Problem, Verdict
from devsync.runtime.policies import ENTITY, call
from workflows.monitor.alert_records import AlertRecords, keep_recording, stop_recording
from workflows.monitor.alert_stories import Stories
from workflows.monitor.minding import Minding
from workflows.monitor.story import monitor_story
from workflows.shared.failures import failure_of
from workflows.shared.messages import RefusedMessages

ADVISED_EVERY = timedelta(hours=1)
"""Recommendations rest on weeks, and take longer to find."""
SHORTEST_PAUSE = timedelta(seconds=1)
"""Between two looks, however long the first one took."""


@workflow.defn(name=names.HEALTH_MONITOR)
class HealthMonitor(Minding):
    """One entity for all teams and services, for as long as the application runs.

    The rules are pure (`devsync.domain.health`): an activity looks and names what is wrong, the book of alerts decides
    who is told what. Here are its clock and its memory over restarts. What cannot be seen is not healthy: it is told,
    and the monitor goes on.
    """

    @workflow.init
    def __init__(self, start: MonitorStart) -> None:
        records = AlertRecords(start.owed, start.lost)
        super().__init__(start.book, records, RefusedMessages(start.refused, start.refused_count), self._follow)
        self._stories = Stories(start.stories, self._show)
        self._last = start.last or Looked(settings=MonitorSettings())
        self._looked_at = start.looked_at
        self._advised_at = start.advised_at

    @workflow.run
    async def run(self, start: MonitorStart) -> None:
        self._stories.resume(self._book, self._settings, workflow.now())
        recording = asyncio.create_task(keep_recording(self._records, self._show))
        while not _is_long():
            await self._until_the_next_look()
            if not _is_long():
                await self._look()
            self._stories.check()
            if recording.done():
                recording.result()  # a bug there must not go unseen
        stories = await self._stories.stop()
        await stop_recording(self._records, recording)
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(self._carried(stories))

    @workflow.query(description="How healthy the whole is, which alerts there are, and what is muted")
    def state(self) -> MonitorView:
        return MonitorView(
            health=self._last.health,
            looked_at=self._looked_at,
            is_on=self._settings.is_on,
            alerts=(*self._book.open, *(alert for alert in self._book.alerts if not alert.is_open)),
            mutes=self._book.mutes,
            told=self._stories.unreached,
            reach=self._stories.reach,
            notes=self._last.notes,
            unrecorded=self._records.count,
            lost=self._records.lost,
            refused=self._refused.last,
            refused_count=self._refused.count,
        )

    # A look.

    async def _until_the_next_look(self) -> None:
        """The first one is at once; afterwards at the pace that the file says, however long each took. What people
        say meanwhile may be enough for one history."""
        if self._looked_at is None:
            return
        due = self._looked_at + self._settings.interval
        pause = max(due - workflow.now(), SHORTEST_PAUSE)
        with suppress(TimeoutError):
            await workflow.wait_condition(_is_long, timeout=pause, timeout_summary="The next look")

    async def _look(self) -> None:
        now = workflow.now()
        with_advice = self._advised_at is None or now - self._advised_at >= ADVISED_EVERY
        message = Look(at=now, called_off=self._last.called_off, with_advice=with_advice)
        self._looked_at = now
        try:
            self._last = await call(activities.LOOK, message, ENTITY, summary="What is wrong now?")
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._last = self._in_the_dark(failure_of(error).message)
        else:
            self._advised_at = now if with_advice else self._advised_at
        after = alerts.apply(self._book, self._last.verdicts, self._settings.policy, now)
        self._book = after.book
        self._records.add(after.changed, now)
        self._follow(after)

    def _in_the_dark(self, why: str) -> Looked:
        """Nobody could look: what fires goes on firing, and this does, too."""
        problem = Problem(
            rule=RuleName.BLIND,
            subject="monitor",
            level=ErrorSeverity.HIGH,
            summary=f"the monitor cannot look: {why}",
        )
        blind = Verdict(rule=RuleName.BLIND, problems=(problem,), is_known=False)
        return self._last.model_copy(update={"health": None, "verdicts": (blind,), "notes": (problem.summary,)})

    def _follow(self, after: Round) -> None:
        """Brings what happened to the channels and to the Web UI."""
        self._stories.follow(after, self._settings, workflow.now())
        self._show()

    def _show(self) -> None:
        workflow.set_current_details(monitor_story(self.state()))

    @property
    def _settings(self) -> MonitorSettings:
        return self._last.settings

    def _carried(self, stories: tuple[AlertStory, ...]) -> MonitorStart:
        return MonitorStart(
            book=self._book,
            stories=stories,
            last=self._last.model_copy(update={"verdicts": ()}),
            looked_at=self._looked_at,
            advised_at=self._advised_at,
            owed=self._records.owed,
            lost=self._records.lost,
            refused=self._refused.last,
            refused_count=self._refused.count,
        )


def _is_long() -> bool:
    return workflow.info().is_continue_as_new_suggested()
