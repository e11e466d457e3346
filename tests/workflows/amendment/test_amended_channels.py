"""Which channels get the next revision of an edition that is out: those it stands in, and those that still wait."""

from datetime import timedelta

from devsync.contracts.delivery import AfterFallback, ChannelPlan, DeliveryOutcome, DeliveryState
from devsync.contracts.edition import ChannelResult, EditionPlan
from devsync.domain.changelog.window import week_window
from workflows.amendment.channels import amended_results, are_reported, channels_to_amend


def slack(target: str, *alternatives: str, after_fallback: AfterFallback = "post_late") -> ChannelPlan:
    key = f"slack-{target.removeprefix('#')}"
    return ChannelPlan(key=key, kind="slack", target=target, alternatives=alternatives, after_fallback=after_fallback)


MAIL = ChannelPlan(key="email-leads", kind="email", target="leads@acme.test", only_as_fallback=True)


def planned(*channels: ChannelPlan) -> EditionPlan:
    return EditionPlan(
        team="payments", iso_week="2026-W47", window=week_window("2026-W47", "UTC"), timezone="UTC",
        audience="engineering", channels=channels, deliver_by=timedelta(hours=2),
        delivery_reserve=timedelta(minutes=2), policies={},
    )  # fmt: skip


def result(target: str, state: DeliveryState, **changes: object) -> ChannelResult:
    kind = "email" if "@" in target else "slack"
    return ChannelResult(channel=target, kind=kind, state=state).model_copy(update=changes)


def outcome(channel: ChannelPlan, revision: int, **changes: object) -> DeliveryOutcome:
    known = DeliveryOutcome(
        team="payments", iso_week="2026-W47", channel=channel.key, kind=channel.kind, revision=revision,
        state=DeliveryState.DELIVERED,
    )  # fmt: skip
    return known.model_copy(update=changes)


def test_what_was_asked_for_gets_it_delivered_or_queued() -> None:
    plan = planned(slack("#payments"), slack("#all"))
    told = (result("#payments", DeliveryState.DELIVERED), result("#all", DeliveryState.QUEUED))
    assert [(one.channel.target, one.stands_in_for) for one in channels_to_amend(plan, told)] == [
        ("#payments", ""), ("#all", "")
    ]  # fmt: skip


def test_a_channel_that_stands_in_is_changed_in_place_and_a_mail_is_not_sent_twice() -> None:
    plan = planned(slack("#payments", "#backup", "#other"), MAIL)
    told = (
        result("#payments", DeliveryState.QUEUED),
        result(MAIL.target, DeliveryState.DELIVERED, stands_in=True),
        result("#backup", DeliveryState.FAILED, stands_in=True, was_stopped=True),
        result("#other", DeliveryState.DELIVERED, stands_in=True),
    )
    assert [(one.channel.target, one.stands_in_for) for one in channels_to_amend(plan, told)] == [
        ("#payments", ""), ("#other", "#payments")
    ]  # fmt: skip


def test_a_delivery_that_was_stopped_is_not_begun_again() -> None:
    plan = planned(slack("#payments", "#backup", after_fallback="drop"))
    told = (
        result("#payments", DeliveryState.FAILED, was_stopped=True),
        result("#backup", DeliveryState.DELIVERED, stands_in=True),
    )
    assert [one.channel.target for one in channels_to_amend(plan, told)] == ["#backup"]


def test_what_got_no_revision_stays_as_it_was_told() -> None:
    plan = planned(slack("#payments", "#backup", after_fallback="drop"), MAIL)
    dropped = result("#payments", DeliveryState.FAILED, was_stopped=True, reason="dropped")
    mailed = result(MAIL.target, DeliveryState.DELIVERED, stands_in=True, message_id="<1@acme>")
    told = (dropped, mailed, result("#backup", DeliveryState.DELIVERED, stands_in=True))
    amended = channels_to_amend(plan, told)
    outcomes = {"slack-backup": outcome(amended[0].channel, 2)}
    assert are_reported(amended, 2, outcomes)
    assert not are_reported(amended, 3, outcomes)
    results = amended_results(told, amended, 2, outcomes)
    assert results[:2] == (dropped, mailed)
    assert (results[2].state, results[2].stands_in) == (DeliveryState.DELIVERED, True)
