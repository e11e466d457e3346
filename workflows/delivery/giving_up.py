"""How a channel stands when no try of it is left; issues no command."""

from devsync.contracts import names
from devsync.contracts.delivery import DeliveryState
from workflows.delivery.mail_round import unreached
from workflows.delivery.slack_round import enter_delivered
from workflows.delivery.work import DeliveryWork


def give_up(work: DeliveryWork) -> None:
    why, kind = f"gave up: {work.reason}", work.request.channel.kind
    if kind == names.EMAIL:
        work.enter(DeliveryState.DEAD, f"{why}; {unreached(work)}")
    elif work.parts.are_there(work.request.part_digests):
        enter_delivered(work)  # all but what could not be removed
    elif kind == names.SLACK and work.parts.are_uncertain():
        work.enter(DeliveryState.UNCERTAIN, why)
    else:
        work.enter(DeliveryState.DEAD, why)
