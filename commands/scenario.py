"""What happens in a demo on the way, and how its story must end for the demo to have succeeded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from commands.outages import Healed, Outage
from devsync.contracts import names
from devsync.contracts.delivery import IS_THERE, DeliveryState
from devsync.contracts.edition import EditionProgress, EditionResult, EditionStatus, Phase
from devsync.domain.recovery.builtin import COLLECT
from devsync.domain.recovery.healing import RecoveryOutcome

MAIL = {"kind": "email", "to": ["payments@acme.example", "leads@acme.example"], "only_as_fallback": True}


class Scenario(StrEnum):
    CALM = "calm"
    WORKER_CRASH = "worker-crash"
    GITHUB_OUTAGE = "github-outage"
    SLACK_OUTAGE = "slack-outage"
    TOTAL_OUTAGE = "total-outage"


TOLD: Mapping[Scenario, str] = {
    Scenario.CALM: "Nothing happens: an ordinary week.",
    Scenario.WORKER_CRASH: "The worker is killed in the middle of collecting; another one goes on where it was.",
    Scenario.GITHUB_OUTAGE: "GitHub is down. Its git mirrors stand in, the edition says so, and is amended later.",
    Scenario.SLACK_OUTAGE: "Slack is down. The edition comes by e-mail, and to Slack when it is back.",
    Scenario.TOTAL_OUTAGE: "GitHub, JIRA and Slack are down past the deadline. An e-mail arrives in time, of what is "
    "cached and mirrored; afterwards everything heals by itself.",
}

OUTAGES: Mapping[Scenario, Outage] = {
    Scenario.GITHUB_OUTAGE: Outage(failing=(names.GITHUB,)),
    Scenario.SLACK_OUTAGE: Outage(refusing=(names.SLACK,), channels=[MAIL]),
    Scenario.TOTAL_OUTAGE: Outage(
        failing=(names.GITHUB, names.JIRA), refusing=(names.SLACK,), cached=True, channels=[MAIL]
    ),
}


@dataclass(frozen=True)
class Ending:
    """What a scenario says of its end."""

    status: EditionStatus = EditionStatus.COMPLETE
    """Of each edition."""
    channels: DeliveryState = DeliveryState.DELIVERED
    """Of each edition in each of its channels, when the run ends."""
    crashes: int = 0
    """How often the worker was killed on the way."""
    stand_ins: bool = False
    """Whether something stands in for all that is not live."""
    is_mailed: bool = False
    """Whether a mail stood in for the channel."""
    is_amended: bool = False
    """Whether the next revision has everything."""


ENDINGS: Mapping[Scenario, Ending] = {
    Scenario.CALM: Ending(),
    Scenario.WORKER_CRASH: Ending(crashes=1),
    Scenario.GITHUB_OUTAGE: Ending(status=EditionStatus.PARTIAL, stand_ins=True, is_amended=True),
    Scenario.SLACK_OUTAGE: Ending(channels=DeliveryState.QUEUED, is_mailed=True),
    Scenario.TOTAL_OUTAGE: Ending(
        status=EditionStatus.PARTIAL,
        channels=DeliveryState.QUEUED,
        stand_ins=True,
        is_mailed=True,
        is_amended=True,
    ),
}


def is_mid_collection(now: EditionProgress) -> bool:
    """Whether a crash now interrupts something: one source is there (if there are several), and others are not."""
    return now.phase is Phase.COLLECTING and len(now.units_done) >= min(1, now.units_total - 1)


@dataclass(frozen=True)
class Happened:
    """A demo's story as it went."""

    results: Sequence[EditionResult]
    crashes: int = 0
    healed: Mapping[str, Healed] = field(default_factory=dict)
    """By team; empty where nothing was down."""


def differences(scenario: Scenario, happened: Happened) -> list[str]:
    """What ended otherwise than the scenario says, a sentence each; empty: the story ended as it should."""
    ending = ENDINGS[scenario]
    found = []
    if happened.crashes != ending.crashes:
        found.append(f"the worker was killed {happened.crashes} times, not {ending.crashes}")
    for result in happened.results:
        found += _of_edition(ending, result)
        if scenario in OUTAGES:
            found += _of_healing(ending, result, happened.healed.get(result.team))
    return found


def _of_edition(ending: Ending, result: EditionResult) -> list[str]:
    edition = f"{result.team} {result.iso_week}"
    found = []
    if result.status is not ending.status:
        missing = f", without {', '.join(gap.unit for gap in result.gaps)}" if result.gaps else ""
        found.append(f"{edition} is {result.status.value}{missing}, not {ending.status.value}")
    if not result.channels:
        found.append(f"{edition} was brought to no channel")
    for channel in result.channels:
        if not channel.stands_in and channel.state is not ending.channels:
            why = f" ({channel.reason})" if channel.reason else ""
            found.append(f"{edition} is {channel.state.value} in {channel.channel}{why}, not {ending.channels.value}")
    if ending.stand_ins:
        collecting = [one for one in result.recoveries if one.phase == COLLECT]
        found += [
            f"the recovery of {one.service} ended {one.outcome} in {edition}, not {RecoveryOutcome.STAND_IN}"
            for one in collecting
            if one.outcome != RecoveryOutcome.STAND_IN
        ]
        found += [] if collecting else [f"nothing had to be recovered in {edition}"]
    if ending.is_mailed and not any(one.stands_in and one.kind == names.EMAIL for one in result.channels):
        found.append(f"no mail stood in for {edition}")
    return found


def _of_healing(ending: Ending, result: EditionResult, healed: Healed | None) -> list[str]:
    edition = f"{result.team} {result.iso_week}"
    if healed is None:
        return [f"nobody looked what came of {edition} after the outage"]
    unanswered = [one for one in healed.escalations if one.record is None or one.record.is_open]
    found = [f"{one.escalation_id} is still open" for one in unanswered]
    amendment = healed.amendment
    if ending.is_amended and (amendment is None or amendment.missing or amendment.revision <= result.revision):
        found.append(f"{edition} was not amended: {amendment.ended if amendment else 'there is no amendment'}")
    found += [
        f"{one.channel} is {one.state.value} in the end ({one.reason})"
        for one in healed.deliveries
        if one.state not in IS_THERE
    ]
    return found
