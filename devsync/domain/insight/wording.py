"""Settings as their files write them."""

from datetime import timedelta

from devsync.domain.insight.recommendations import SettingChange

_UNITS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m"), (timedelta(seconds=1), "s"))


def written(duration: timedelta) -> str:
    """`90s`, `15m`, `6h`: in whole seconds, the shortest form that the loader reads back."""
    whole = timedelta(seconds=max(round(duration.total_seconds()), 1))
    length, unit = next((length, unit) for length, unit in _UNITS if not whole % length)
    return f"{whole // length}{unit}"


def services_yaml(path: str, now: object, proposed: object) -> SettingChange:
    return SettingChange(file="config/services.yaml", path=path, now=str(now), proposed=str(proposed))
