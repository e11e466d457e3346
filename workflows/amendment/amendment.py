"""Heals a partial edition that is out: asks again for what is missing, and adds what comes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress, AmendmentRequest
from devsync.contracts.collection import UnitCollected
from devsync.contracts.edition import EditionComposed, EditionRendered
from devsync.contracts.recovery import RecoveryReport, RecoveryRequest
from devsync.domain.changelog.telling import Amended, Telling
from workflows.amendment.asking_again import ask_again
from workflows.amendment.channels import Amended as AmendedChannel
from workflows.amendment.channels import amended_results, are_reported, channels_to_amend
from workflows.amendment.records import AmendmentRecords
from workflows.amendment.run import AmendmentRun
from workflows.delivery.channels import bring_to_channel
from workflows.edition import making, previews
from workflows.edition.carrying import fitting
from workflows.edition.missing import with_losses
from workflows.edition.recovering import Answered, report_of, start_recovery, with_stand_ins, without_people
from workflows.edition.rendering import rendered_somehow
from workflows.edition.results import made_edition
from workflows.shared.counting import count_amendment
from workflows.shared.failures import reason_of
from workflows.shared.waiting import do_unless

FIRST_RECOVERY = 100
"""Its recoveries are numbered from there: those of the week's editions come before."""

STEP_TIME = timedelta(minutes=5)
"""How long each step of a round may take: composing, rendering, and what becomes of it in the channels, whose
deliveries go on. The next round tries again."""


class MadeAmendment(NamedTuple):
    """The next revision, before it is in any channel."""

    answered: Answered
    composed: EditionComposed
    rendered: EditionRendered
    revision: int
    telling: Telling


@workflow.defn(name=names.AMENDMENT)
class Amendment(AmendmentRun):
    """Asks at growing intervals, and at once when a service's breaker lets calls through again or a person says so.

    Each try that heals something makes the next revision, which updates in place what stands in the channels. It ends
    when nothing is missing, when its time is up, when somebody stops it, or when a newer run of the week is whole.
    """

    @workflow.init
    def __init__(self, request: AmendmentRequest) -> None:
        super().__init__(request)
        self._records = AmendmentRecords()

    @workflow.run
    async def run(self, request: AmendmentRequest) -> AmendmentProgress:
        self._be_findable()
        try:
            await self._inherit_escalations()
            is_over = False
            while not is_over:
                await self._heal()
                await self._conclude()
                is_over = bool(self._ended) and not self._is_replaced
        except (asyncio.CancelledError, FailureError) as error:
            why = workflow.cancellation_reason() or "no reason given"
            self._ended = f"cancelled: {why}" if is_cancelled_exception(error) else reason_of(error)
            await self._leave_escalations()
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._progress

    def _be_findable(self) -> None:
        plan = self._request.plan
        self._shown_status = self._request.result.status.value
        workflow.upsert_search_attributes(
            [
                names.TEAM.value_set(plan.team),
                names.ISO_WEEK.value_set(plan.iso_week),
                names.EDITION_STATUS.value_set(self._shown_status),
            ]
        )

    # The rounds.

    async def _heal(self) -> None:
        """Until nothing is missing, or something ends it."""
        await self._take_over_the_newest()
        while not self._is_interrupted:
            await self._wait()
            await self._try_once()

    async def _conclude(self) -> None:
        """What is not on record yet has the days of its policy, unless a newer edition is handed over meanwhile."""
        if self._is_replaced:
            return
        await self._leave_escalations()
        self._tell(ended=self._ended)
        if self._must_retell:
            await self._say_that_it_ends()
        await do_unless(self._records.write(self._request.plan), lambda: self._is_replaced)

    async def _say_that_it_ends(self) -> None:
        """The edition would go on promising more. One try: whoever ends it wants it to end."""
        made = await self._made_unless(
            self._make, lambda: self._is_replaced or self._is_standing_by or not self._must_retell
        )
        if made is not None:
            await self._publish(made)

    async def _take_over_the_newest(self) -> None:
        """What a later run of the week has collected replaces what the earlier one had."""
        if not self._is_replaced:
            return
        self._request = self._newest
        self._handed_over_by = self._request.result.run_id
        self._is_standing_by = False
        self._show_status(self._request.result.status)
        self._added = self._given_up = ()
        self._must_retell = False
        self._units = {unit.unit: unit for unit in self._request.units}
        self._missing = {unit.unit: unit for unit in self._request.missing}
        self._tell(
            revision=max(self._progress.revision, self._request.result.revision),
            digest=self._request.result.digest,
            missing=self._request.missing,
            given_up=(),
            until=self._request.until,
            ended="",
        )
        await self._inherit_escalations()

    async def _wait(self) -> None:
        """Until the next round is due, or something comes between; never past the end."""
        now = workflow.now()
        failures = [unit.failure for unit in self._wanted]
        request = self._request
        pause = self._waits.next(self._progress.tries, request.first_wait, request.longest_wait, failures, now)
        self._tell()
        try:
            await workflow.wait_condition(
                lambda: self._is_due or self._is_interrupted,
                timeout=max(min(pause, request.until - now), timedelta(0)),
                timeout_summary=f"Before asking again for {len(self._wanted)} missing",
            )
        except TimeoutError:
            if workflow.now() >= request.until and not self._is_interrupted:
                self._ended = "the time is up"
        self._is_due = False

    async def _try_once(self) -> None:
        """One round: asks, and brings what came to the channels. Cut short, it is done anew where something is left."""
        if self._is_interrupted or (self._is_standing_by and await self._is_being_made()):
            return
        self._is_standing_by = False
        self._tell(tries=self._progress.tries + 1)
        made = await self._asked_and_made()
        if made is not None:
            await self._publish(made)
        if not self._wanted and not self._added and not self._must_retell and not self._is_interrupted:
            self._ended = "nothing more is asked for" if self._missing else "everything is there"

    async def _asked_and_made(self) -> MadeAmendment | None:
        """The next revision; None where nothing came, where it could not be made, or where something came between."""

        async def ask_and_make() -> MadeAmendment | None:
            await self._ask()
            return await self._make() if self._added or self._must_retell else None

        return await self._made_unless(ask_and_make, lambda: self._is_interrupted or self._is_standing_by)

    async def _made_unless(
        self, make: Callable[[], Awaitable[MadeAmendment | None]], is_cut_short: Callable[[], bool]
    ) -> MadeAmendment | None:
        made: list[MadeAmendment | None] = []

        async def keep() -> None:
            made.append(await make())

        try:
            is_done = await do_unless(keep(), is_cut_short)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("no revision yet: %s", reason_of(error))
            return None
        return made[0] if is_done and not is_cut_short() else None

    async def _ask(self) -> None:
        healed, failures = await ask_again(self._request.plan, self._wanted)
        self._missing = {
            name: unit.model_copy(update={"failure": failures.get(name, unit.failure)})
            for name, unit in self._missing.items()
        }
        for unit in filter(self._is_news, healed):
            self._units[unit.unit] = unit
            self._added += (unit.unit,)
            if not unit.bodies_dropped:  # else it is asked for again, with its texts
                self._missing.pop(unit.unit, None)
                self._tell(healed=(*self._progress.healed, unit.unit))
        self._tell(missing=tuple(self._missing.values()))

    def _is_news(self, unit: UnitCollected) -> bool:
        """And can be carried beside the others: while the store is away, that is not sure."""
        known = self._units.get(unit.unit)
        if unit.bodies_dropped and known is not None and known.bodies_dropped:
            return False
        others = [other for name, other in self._units.items() if name != unit.unit]
        return not fitting([*others, unit])[1]

    async def _make(self) -> MadeAmendment | None:
        """None where what came changes nothing, or a run of the week has begun."""
        request, plan = self._request, self._request.plan
        live = [unit for name, unit in self._units.items() if name not in self._missing]
        standing_in = [unit for name, unit in self._units.items() if name in self._missing]
        answered = with_stand_ins(live, tuple(self._missing.values()), standing_in)
        until = workflow.now() + STEP_TIME
        composed = await making.compose(
            plan,
            answered.units,
            answered.gaps,
            request.edits,
            until,
            since=request.result.edition,
            time_left=STEP_TIME,
        )
        self._missing = {unit.unit: unit for unit in with_losses(self._missing.values(), composed.gaps)}
        previous = await making.find_previous(plan, time_left=STEP_TIME)
        if self._is_of_another_run(previous.open_run):
            self._is_standing_by = True
            return None
        if composed.digest == request.result.digest and not self._must_retell:
            self._added = ()
            return None
        revision = max(previous.revision, self._progress.revision) + 1
        telling = Telling(
            amended=Amended(units=self._added, difference=composed.difference) if self._added else None,
            asks_until=request.until if self._wanted else None,
            asks_no_more_for=self._given_up,
        )
        rendering = making.rendering_of(plan, plan.channels, answered.units, composed, revision, telling)
        rendered = await rendered_somehow(plan, rendering, until + STEP_TIME, self._recover, is_bounded=True)
        return MadeAmendment(answered, composed, rendered, revision, telling)

    async def _publish(self, made: MadeAmendment) -> None:
        """Brings it to the channels; a run of the week that wants to number the next one waits until they have it."""
        request, plan = self._request, self._request.plan
        channels = channels_to_amend(plan, request.result.channels)
        request_for = making.requests_for(
            plan, made.composed, made.rendered, revision=made.revision, replace=False, is_looked_after=False
        )
        self._is_publishing = True
        wanted = [request_for(channel, first).model_copy(update={"heeds_stops": True}) for channel, first in channels]
        await asyncio.gather(*map(bring_to_channel, wanted))
        self._added = ()
        self._must_retell = self._given_up != made.telling.asks_no_more_for
        self._tell(revision=made.revision, digest=made.composed.digest)
        self._is_publishing = False
        await self._show_reviewers(made)
        await self._until_reported(channels, made.revision)
        result = made_edition(
            request.result.model_copy(update={"revision": made.revision}),
            made.answered.units,
            made.composed,
            made.rendered,
            amended_results(request.result.channels, channels, made.revision, self._outcomes),
            self._outcomes.values(),
        ).model_copy(update=self._of_this_run())
        self._show_status(result.status)
        count_amendment(result)
        amended = request.model_copy(update={"result": result})
        if self._newest is request:  # else a later run of the week has handed over meanwhile
            self._newest = amended
        self._request = amended
        self._records.keep(plan, made.composed.edition, result)
        await self._records.write_in_passing(plan)

    def _of_this_run(self) -> dict[str, Any]:
        """Phases are those of the run that made the edition."""
        info = workflow.info()
        return {"workflow_id": info.workflow_id, "run_id": info.original_execution_run_id, "seconds": {}}

    async def _until_reported(self, channels: Sequence[AmendedChannel], revision: int) -> None:
        try:
            await workflow.wait_condition(
                lambda: self._is_replaced or are_reported(channels, revision, self._outcomes),
                timeout=STEP_TIME,
                timeout_summary=f"Until the channels have revision {revision}",
            )
        except TimeoutError:
            workflow.logger.info("revision %d is queued in some channel; its delivery goes on", revision)

    async def _show_reviewers(self, made: MadeAmendment) -> None:
        """They agreed to the edition, with their edits; what was missing is filled in without asking them again."""
        plan = self._request.plan
        if plan.approval is None or self._request.result.approval is None:
            return
        telling = made.telling.model_copy(update={"banner": previews.AMENDED})
        rendering = making.rendering_of(
            plan, plan.approval.reviewers, made.answered.units, made.composed, made.revision, telling
        )
        try:
            preview = await making.render(plan, rendering, time_left=STEP_TIME)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("reviewers are not shown revision %d: %s", made.revision, reason_of(error))
            return
        await previews.show(plan, plan.approval, made.composed, preview, made.revision)

    async def _recover(self, request: RecoveryRequest) -> RecoveryReport:
        quiet = without_people(request)
        try:
            return await report_of(quiet, await start_recovery(quiet, FIRST_RECOVERY))
        finally:
            self._tell(asked=None)

    async def _is_being_made(self) -> bool:
        """Whether a run of the week is still open; it may have ended without telling us."""
        try:
            previous = await making.find_previous(self._request.plan, time_left=STEP_TIME)
            return self._is_of_another_run(previous.open_run)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return True

    def _is_of_another_run(self, open_run: str) -> bool:
        """Not the run that handed over to this one: that may still be open, while it waits for its records."""
        return bool(open_run) and open_run != self._handed_over_by
