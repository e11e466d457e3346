"""Of an escalation that many teams share, what one person may see."""

from __future__ import annotations

from collections.abc import Iterable

from dashboard.viewer import Viewer
from devsync.contracts import names
from devsync.contracts.escalation import EscalationView
from devsync.domain.escalation.machine import Event


def concerns(escalation: EscalationView, viewer: Viewer) -> bool:
    """Whether one of their teams waits for it. What no team waits for, only who sees every team may see."""
    return viewer.sees_every_team or any(viewer.may_see(entry.subscriber.team) for entry in escalation.subscribers)


def own_part(escalation: EscalationView, viewer: Viewer) -> EscalationView:
    """Without the other teams that wait, and without what was heard of them."""
    if viewer.sees_every_team:
        return escalation
    return escalation.model_copy(
        update={
            "subscribers": tuple(one for one in escalation.subscribers if viewer.may_see(one.subscriber.team)),
            "events": own_events(escalation.events, viewer),
        }
    )


def own_events(events: Iterable[Event], viewer: Viewer) -> tuple[Event, ...]:
    """Without the coming and going of other teams' workflows. A person and the policy are nobody's."""
    return tuple(event for event in events if not (team := names.team_of(event.actor)) or viewer.may_see(team))


def may_answer(escalation: EscalationView, viewer: Viewer) -> bool:
    return viewer.may_operate_one_of(entry.subscriber.team for entry in escalation.subscribers)
