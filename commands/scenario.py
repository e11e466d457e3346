"""What happens in a demo on the way, and how its story must end for the demo to have succeeded."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionProgress, EditionResult, EditionStatus, Phase


class Scenario(StrEnum):
    CALM = "calm"
    WORKER_CRASH = "worker-crash"


@dataclass(frozen=True)
class Ending:
    """What a scenario says of its end."""

    status: EditionStatus = EditionStatus.COMPLETE
    """Of each edition."""
    channels: DeliveryState = DeliveryState.DELIVERED
    """Of each edition in each of its channels."""
    crashes: int = 0
    """How often the worker was killed on the way."""


ENDINGS = {Scenario.CALM: Ending(), Scenario.WORKER_CRASH: Ending(crashes=1)}


def is_mid_collection(now: EditionProgress) -> bool:
    """Whether a crash now interrupts something: one source is there (if there are several), and others are not."""
    return now.phase is Phase.COLLECTING and len(now.units_done) >= min(1, now.units_total - 1)


def differences(scenario: Scenario, results: Sequence[EditionResult], crashes: int) -> list[str]:
    """What ended otherwise than the scenario says, a sentence each; empty: the story ended as it should."""
    ending = ENDINGS[scenario]
    found = []
    if crashes != ending.crashes:
        found.append(f"the worker was killed {crashes} times, not {ending.crashes}")
    for result in results:
        edition = f"{result.team} {result.iso_week}"
        if result.status is not ending.status:
            missing = f", without {', '.join(gap.unit for gap in result.gaps)}" if result.gaps else ""
            found.append(f"{edition} is {result.status.value}{missing}, not {ending.status.value}")
        if not result.channels:
            found.append(f"{edition} was brought to no channel")
        for channel in result.channels:
            if channel.state is not ending.channels:
                why = f" ({channel.reason})" if channel.reason else ""
                found.append(
                    f"{edition} is {channel.state.value} in {channel.channel}{why}, not {ending.channels.value}"
                )
    return found
