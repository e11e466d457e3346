"""A demo succeeds when its story ends as the scenario says, and tells what did not."""

import pytest

from commands.scenario import Happened, Scenario, differences, is_mid_collection
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import ChannelResult, EditionProgress, EditionResult, EditionStatus, Phase
from devsync.domain.changelog.edition import Gap

DELIVERED = ChannelResult(channel="#payments", kind="slack", state=DeliveryState.DELIVERED)
QUEUED = ChannelResult(channel="#payments", kind="slack", state=DeliveryState.QUEUED, reason="not there")
GAP = Gap(unit="github:acme/ledger", service="github", reason="github answered 404")


def edition(
    status: EditionStatus = EditionStatus.COMPLETE,
    channels: tuple[ChannelResult, ...] = (DELIVERED,),
    gaps: tuple[Gap, ...] = (),
) -> EditionResult:
    return EditionResult(
        team="payments",
        iso_week="2026-W47",
        status=status,
        revision=1,
        completeness=1.0,
        item_count=1,
        unclassified_ratio=0.0,
        gaps=gaps,
        workflow_id="w",
        run_id="r",
        channels=channels,
    )


@pytest.mark.parametrize(
    ("scenario", "result", "crashes", "told"),
    [
        (Scenario.CALM, edition(), 0, []),
        (Scenario.WORKER_CRASH, edition(), 1, []),
        (Scenario.WORKER_CRASH, edition(), 0, ["the worker was killed 0 times, not 1"]),
        (
            Scenario.CALM,
            edition(EditionStatus.PARTIAL, gaps=(GAP,)),
            0,
            ["payments 2026-W47 is partial, without github:acme/ledger, not complete"],
        ),
        (Scenario.CALM, edition(EditionStatus.CANCELLED), 0, ["payments 2026-W47 is cancelled, not complete"]),
        (
            Scenario.CALM,
            edition(channels=(DELIVERED, QUEUED)),
            0,
            ["payments 2026-W47 is queued in #payments (not there), not delivered"],
        ),
        (Scenario.CALM, edition(channels=()), 0, ["payments 2026-W47 was brought to no channel"]),
    ],
)
def test_what_ends_otherwise_than_the_scenario_says_is_told(
    scenario: Scenario, result: EditionResult, crashes: int, told: list[str]
) -> None:
    assert differences(scenario, Happened([result], crashes)) == told


@pytest.mark.parametrize(
    ("phase", "done", "total", "is_so"),
    [
        (Phase.PLANNING, 0, 0, False),
        (Phase.COLLECTING, 0, 6, False),
        (Phase.COLLECTING, 1, 6, True),
        (Phase.COLLECTING, 0, 1, True),  # the only source of a local repository: when it is done, it is too late
        (Phase.COMPOSING, 6, 6, False),
    ],
)
def test_a_crash_comes_in_mid_collection(phase: Phase, done: int, total: int, is_so: bool) -> None:
    progress = EditionProgress(phase=phase, units_total=total, units_done=tuple(f"github:a/{n}" for n in range(done)))
    assert is_mid_collection(progress) is is_so
