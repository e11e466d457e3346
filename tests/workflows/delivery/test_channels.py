"""What each kind of channel's Delivery is given of an edition."""

from pathlib import Path

import pytest

from activities.planning import LastDelivered, plan_edition
from devsync.contracts.delivery import ChannelPlan, DeliveryRequest
from devsync.contracts.edition import EditionComposed, EditionPlan, EditionRendered, PlanEdition
from devsync.runtime.channel_content import alternatives_of, needed_formats
from devsync.settings.configuration import load_team
from tests.workflows.office import stored
from workflows.delivery.channels import delivery_request

CONFIG = Path(__file__).parents[3] / "config"
RENDERED = EditionRendered(
    formats={name: stored(name) for name in ("slack", "text", "html", "webhook")},
    slack_part_digests=("s0", "s1"),
    digests={"text": "t", "html": "h", "webhook": "w"},
)


@pytest.fixture
def plan() -> EditionPlan:
    """Of the shipped team: Slack with an alternative, mail as a fallback, a webhook."""
    asked = PlanEdition(team="payments", iso_week="2026-W47")
    return plan_edition(load_team(CONFIG, "payments"), asked, LastDelivered())


def given(plan: EditionPlan, channel: ChannelPlan, rendered: EditionRendered = RENDERED) -> DeliveryRequest:
    composed = EditionComposed(
        edition=stored("edition"), digest="1" * 64, item_count=1, unclassified_ratio=0, completeness=0.5
    )
    return delivery_request(
        plan,
        channel,
        composed,
        rendered,
        revision=2,
        replace=False,
        reply_to="edition",
        owner_run_id="run-1",
        is_looked_after=True,
        stands_in_for="#else",
    )


def test_each_kind_gets_its_rendering_its_parts_and_its_schedule(plan: EditionPlan) -> None:
    slack, mail, webhook = (given(plan, channel) for channel in plan.channels)
    assert [request.rendering.kind for request in (slack, mail, webhook)] == ["slack", "text", "webhook"]
    assert (slack.part_digests, mail.part_digests, webhook.part_digests) == (("s0", "s1"), ("t",), ("w",))
    assert mail.renderings == {"html": stored("html")}
    assert {request.stands_in_for for request in (slack, mail, webhook)} == {"#else"}
    assert len({request.schedule.retry_after for request in (slack, mail, webhook)}) == 3
    assert mail.channel.only_as_fallback
    assert webhook.channel.secret_env == "PAYMENTS_WEBHOOK_SECRET"


def test_mail_goes_without_html_that_was_too_large_to_carry(plan: EditionPlan) -> None:
    without = RENDERED.model_copy(update={"formats": {"slack": stored("slack"), "text": stored("text")}})
    assert given(plan, plan.channels[1], without).renderings == {}


def test_an_alternative_has_a_delivery_of_its_own(plan: EditionPlan) -> None:
    (other,) = alternatives_of(plan.channels[0])
    assert (other.key, other.kind, other.target, other.alternatives) == (
        "slack-payments-backup", "slack", "#payments-backup", (),
    )  # fmt: skip
    assert given(plan, other).part_digests == ("s0", "s1")


@pytest.mark.parametrize(
    ("kind", "target", "told"),
    [
        ("email", "payments@acme.dev", "payments@acme.dev"),
        ("webhook", "https://hooks.acme.dev/T0/a-secret", "the webhook at hooks.acme.dev"),
    ],
)
def test_slack_may_stand_in_for_mail_and_for_a_webhook(plan: EditionPlan, kind: str, target: str, told: str) -> None:
    channel = ChannelPlan(key=f"{kind}-1", kind=kind, target=target, alternatives=("#backup",))
    (other,) = alternatives_of(channel)
    assert (other.key, other.kind, given(plan, other).part_digests) == ("slack-backup", "slack", ("s0", "s1"))
    assert set(needed_formats([channel])) == {"slack", {"email": "text", "webhook": "webhook"}[kind]}
    assert channel.told == told  # what people read of it


def test_what_must_be_rendered_is_what_the_channels_need(plan: EditionPlan) -> None:
    assert needed_formats(plan.channels) == ("slack", "text", "webhook")
    assert needed_formats(plan.channels[:1]) == ("slack",)
