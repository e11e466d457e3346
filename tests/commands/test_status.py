"""What `status` says of a channel that was queued when the edition's run ended."""

import pytest

from commands.status import RunState, channel_now
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import ChannelResult

QUEUED = ChannelResult(
    channel="#payments",
    key="slack-payments",
    kind="slack",
    state=DeliveryState.QUEUED,
    reason="not there",
    stands_in=True,
)


def delivery(state: DeliveryState, revision: int = 2) -> RunState:
    told = ChannelResult(channel="slack-payments", kind="slack", state=state, message_id="1.2", reason="told")
    return RunState(revision=revision, channels=(told,))


@pytest.mark.parametrize("revision", [1, 2])
@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.FAILED])
def test_what_its_delivery_came_to_with_that_revision_or_a_later_one(state: DeliveryState, revision: int) -> None:
    now = channel_now(QUEUED, revision, delivery(state))
    assert (now.channel, now.state, now.message_id, now.reason, now.stands_in) == (
        "#payments", state, "1.2", "told", True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("revision", "told"),
    [
        (3, delivery(DeliveryState.DELIVERED)),
        (2, delivery(DeliveryState.PENDING)),
        (2, RunState("silent", revision=2)),
        (2, None),
    ],
    ids=["an older revision", "still tried", "nobody tells", "no delivery"],
)
def test_it_is_queued_while_that_has_not_ended(revision: int, told: RunState | None) -> None:
    assert channel_now(QUEUED, revision, told) == QUEUED


def test_of_one_that_was_not_queued_the_edition_knows_all() -> None:
    failed = QUEUED.model_copy(update={"state": DeliveryState.FAILED})
    assert channel_now(failed, 1, delivery(DeliveryState.DELIVERED)) == failed
