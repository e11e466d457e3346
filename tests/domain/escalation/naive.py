"""Business time as somebody would count it who looks at a clock every minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from devsync.domain.escalation.business_time import BusinessHours

MINUTE = timedelta(minutes=1)


def is_open(hours: BusinessHours, instant: datetime) -> bool:
    """By what the clock on the wall says, and the calendar beside it."""
    local = instant.astimezone(ZoneInfo(hours.timezone))
    clock, today = local.time(), local.date()
    yesterday = today - timedelta(days=1)

    def begins_on(day: object) -> bool:
        return day in {today, yesterday} and _counts(hours, today if day == today else yesterday)

    if hours.opens < hours.closes:
        return begins_on(today) and hours.opens <= clock < hours.closes
    return (begins_on(today) and clock >= hours.opens) or (begins_on(yesterday) and clock < hours.closes)


def after(hours: BusinessHours, start: datetime, minutes: int) -> datetime:
    """The first minute by whose begin so many open ones have passed."""
    instant = start.astimezone(UTC)
    left = minutes
    while left:
        left -= is_open(hours, instant)
        instant += MINUTE
    return instant


def _counts(hours: BusinessHours, day: object) -> bool:
    return day.weekday() in hours.weekdays and day not in hours.holidays  # type: ignore[attr-defined]
