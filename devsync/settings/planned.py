"""What of the configuration goes with a plan: of an edition, or of a delivery that is begun again."""

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.delivery import ChannelPlan, DeliverySchedule
from devsync.contracts.policies import Policies
from devsync.settings.delivery import DeliverySettings
from devsync.settings.services import ServicesConfig
from devsync.settings.team import Channel, EmailChannel, SlackChannel, TeamConfig, WebhookChannel


def planned_channels(team: TeamConfig) -> tuple[ChannelPlan, ...]:
    """The team's channels, in the order of its file."""
    return tuple(_channel(channel, number) for number, channel in enumerate(team.channels))


def _channel(channel: Channel, number: int) -> ChannelPlan:
    is_slack = isinstance(channel, SlackChannel)
    plan = ChannelPlan(
        key=names.slack_key(channel.target) if is_slack else f"{channel.kind}-{number}",
        kind=channel.kind,
        target=channel.target,
        alternatives=channel.alternatives,
        after_fallback=channel.after_fallback,
    )
    if isinstance(channel, EmailChannel):
        return plan.model_copy(update={"recipients": channel.to, "only_as_fallback": channel.only_as_fallback})
    if isinstance(channel, WebhookChannel):
        return plan.model_copy(update={"secret_env": channel.secret_env})
    return plan


def delivery_schedules(delivery: DeliverySettings, services: ServicesConfig) -> dict[str, DeliverySchedule]:
    """By kind of channel."""
    return {
        kind: DeliverySchedule(
            retry_after=delivery.channel(kind).retry_schedule,
            uncertain_wait=services.service(kind).http_read * delivery.uncertain_wait_factor,
            record_time=delivery.record_time,
        )
        for kind in names.CHANNEL_KINDS
    }


def policies(services: ServicesConfig) -> Policies:
    return {contract.name: services.policy(contract.service, contract.operation) for contract in contracts.DECLARED}
