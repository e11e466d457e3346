"""From collected units to what stands in the channels: the steps that an edition and its amendments share."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from temporalio import workflow

from devsync.contracts import activities
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.delivery import ChannelPlan, DeliveryRequest
from devsync.contracts.edition import (
    ComposeEdition,
    EditionComposed,
    EditionPlan,
    EditionRendered,
    FindPreviousEdition,
    FindUnknownItems,
    PreviousEdition,
    RenderEdition,
    UnknownItems,
)
from devsync.contracts.recovery import FailedUnit
from devsync.domain.changelog.edition import Gap
from devsync.domain.changelog.edits import Edits
from devsync.domain.changelog.telling import Telling
from devsync.runtime.channel_content import needed_formats
from devsync.runtime.policies import call
from workflows.delivery.channels import RequestFor, delivery_request
from workflows.edition.carrying import left_for_renderings
from workflows.edition.recovering import Answered


class Made(NamedTuple):
    """An edition that is composed, of what, and which revision of its week it is."""

    answered: Answered
    composed: EditionComposed
    missing: tuple[FailedUnit, ...]
    """What its gaps name: an amendment asks for it again."""
    revision: int
    edits: Edits


async def find_previous(plan: EditionPlan, *, time_left: timedelta | None = None) -> PreviousEdition:
    """The newest revision of the week, whoever made it but this run. Raises ActivityError when the time is up."""
    return await call(
        activities.FIND_PREVIOUS,
        FindPreviousEdition(team=plan.team, iso_week=plan.iso_week, run_id=workflow.info().original_execution_run_id),
        plan.policies,
        summary="Look for an earlier revision of this week",
        time_left=time_left,
    )


async def compose(
    plan: EditionPlan,
    units: Sequence[UnitCollected],
    gaps: Sequence[Gap],
    edits: Edits,
    patient_until: datetime,
    *,
    since: ArtifactRef | None = None,
    time_left: timedelta | None = None,
) -> EditionComposed:
    """`since`: the revision before, where what is different is to be told."""
    return await call(
        activities.COMPOSE_EDITION,
        ComposeEdition(
            plan=plan.of_content,
            units=tuple(units),
            gaps=tuple(gaps),
            patient_until=patient_until,
            edits=edits,
            since=since,
        ),
        plan.policies,
        summary=f"Compose {len(units)} units, {len(gaps)} missing",
        time_left=time_left,
    )


async def find_unknown_items(
    plan: EditionPlan, composed: EditionComposed, edits: Edits, *, time_left: timedelta
) -> UnknownItems:
    """Raises ActivityError when the time is up."""
    return await call(
        activities.FIND_UNKNOWN_ITEMS,
        FindUnknownItems(edition=composed.edition, edits=edits),
        plan.policies,
        summary="Look for the items that are to be changed",
        time_left=time_left,
    )


def rendering_of(
    plan: EditionPlan,
    channels: Iterable[ChannelPlan],
    units: Sequence[UnitCollected],
    composed: EditionComposed,
    revision: int,
    telling: Telling,
) -> RenderEdition:
    return RenderEdition(
        team=plan.team,
        edition=composed.edition,
        revision=revision,
        needed=needed_formats(channels),
        inline_budget=left_for_renderings(units, composed.edition),
        telling=telling,
    )


async def render(plan: EditionPlan, rendering: RenderEdition, *, time_left: timedelta | None = None) -> EditionRendered:
    """Raises ActivityError, at once where a template is wrong."""
    return await call(
        activities.RENDER_EDITION,
        rendering,
        plan.policies,
        summary=f"Render revision {rendering.revision} in every format",
        time_left=time_left,
    )


def requests_for(
    plan: EditionPlan,
    composed: EditionComposed,
    rendered: EditionRendered,
    *,
    revision: int,
    replace: bool,
    is_looked_after: bool,
) -> RequestFor:
    """What the channels' Deliveries are given of this edition; they report to this workflow."""

    def request_for(channel: ChannelPlan, stands_in_for: str) -> DeliveryRequest:
        return delivery_request(
            plan,
            channel,
            composed,
            rendered,
            revision=revision,
            replace=replace,
            reply_to=workflow.info().workflow_id,
            owner_run_id=workflow.info().original_execution_run_id,
            is_looked_after=is_looked_after,
            stands_in_for=stands_in_for,
        )

    return request_for
