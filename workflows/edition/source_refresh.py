"""What a team's second schedule starts: asks the sources of the next edition before it is due."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import activities, names
from devsync.contracts.collection import UnitCollected
from devsync.contracts.edition import EditionPlan
from devsync.contracts.refresh import PlanRefresh, RefreshRequest, RefreshResult, Unrefreshed
from devsync.runtime.policies import BOOTSTRAP, call
from workflows.edition.story import refresh_story
from workflows.edition.units import Answer, Ask, ask_once, asks_of
from workflows.shared.failures import failure_of, is_refusal
from workflows.shared.signals import with_refusal

TIME_TO_ASK: Final = timedelta(minutes=10)
"""A source that does not answer by then is asked by the next refresh."""


@workflow.defn(name=names.SOURCE_REFRESH)
class SourceRefresh:
    """Collects the window of the next edition as far as it has come, by the edition's own activities.

    They remember what they find by team, unit and window: the edition then asks only what is new, and what stands in
    for a source that is down is hours old at most. Nothing depends on a refresh: what fails is recorded in its result,
    a breaker that refuses is not waited for, and the run itself does not fail.
    """

    @workflow.init
    def __init__(self, request: RefreshRequest) -> None:
        self._result = RefreshResult(team=request.team)

    @workflow.query(description="What was collected so far, and what was not")
    def progress(self) -> RefreshResult:
        return self._result

    @workflow.signal(dynamic=True, description="Any signal is recorded as refused; the refresh goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        refused = with_refusal(self._result.refused_messages, f"signal {name!r}", workflow.now())
        self._update(refused_messages=refused)

    @workflow.run
    async def run(self, request: RefreshRequest) -> RefreshResult:
        workflow.upsert_search_attributes([names.TEAM.value_set(request.team)])
        self._update()
        plan = await self._plan(request)
        if plan is not None:
            asks = asks_of(plan, workflow.info())
            self._update(iso_week=plan.iso_week, units_total=len(asks))
            await asyncio.gather(*(self._refresh(ask, plan) for ask in asks))
        return self._result

    async def _plan(self, request: RefreshRequest) -> EditionPlan | None:
        """None where the team's file cannot be used: editions tell of that, loudly."""
        try:
            return await call(
                activities.PLAN_REFRESH,
                PlanRefresh(team=request.team, at=workflow.now()),
                BOOTSTRAP,
                summary=f"Which week of {request.team} is due next, and what it asks for",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._update(problem=failure_of(error).message)
            return None

    async def _refresh(self, ask: Ask, plan: EditionPlan) -> None:
        self._answered(ask, await ask_once(ask, plan.policies, TIME_TO_ASK))

    def _answered(self, ask: Ask, answer: Answer) -> None:
        result = self._result
        if isinstance(answer, UnitCollected):
            calls = result.api_calls | {ask.service: result.api_calls.get(ask.service, 0) + answer.api_calls}
            name = "unchanged" if answer.is_unchanged else "collected"
            self._update(**{name: (*getattr(result, name), ask.unit)}, api_calls=calls)
        else:
            name = "skipped" if is_refusal(answer) else "failed"
            missing = Unrefreshed(unit=ask.unit, reason=answer.message)
            self._update(**{name: (*getattr(result, name), missing)})

    def _update(self, **changes: Any) -> None:
        self._result = self._result.model_copy(update=changes)
        workflow.set_current_details(refresh_story(self._result))
