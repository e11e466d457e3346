"""How a command that made an edition ends."""

import pytest

from commands.console import Exit
from commands.editions import exit_code
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import ChannelResult, EditionResult, EditionStatus

COMPLETE, PARTIAL = EditionStatus.COMPLETE, EditionStatus.PARTIAL


@pytest.mark.parametrize(
    ("status", "channels", "code"),
    [
        (COMPLETE, [], Exit.OK),
        (COMPLETE, ["delivered"], Exit.OK),
        (COMPLETE, ["delivered", "queued"], Exit.OK),
        (COMPLETE, ["delivered", "failed"], Exit.FAILED),
        (COMPLETE, ["uncertain"], Exit.FAILED),
        (COMPLETE, ["dead"], Exit.FAILED),
        (PARTIAL, ["delivered"], Exit.PARTIAL),
        (PARTIAL, ["queued"], Exit.PARTIAL),
        (PARTIAL, ["kept"], Exit.PARTIAL),
        (PARTIAL, ["failed"], Exit.FAILED),
        (EditionStatus.CANCELLED, [], Exit.FAILED),
    ],
)
def test_a_channel_that_needs_somebody_outweighs_what_is_missing(
    status: EditionStatus, channels: list[str], code: Exit
) -> None:
    result = EditionResult(
        team="payments", iso_week="2026-W47", status=status, revision=1, completeness=1.0, item_count=1,
        unclassified_ratio=0.0, workflow_id="changelog:payments:2026-W47", run_id="r",
        channels=tuple(ChannelResult(channel="#c", kind="slack", state=DeliveryState(state)) for state in channels),
    )  # fmt: skip
    assert exit_code(result) is code
