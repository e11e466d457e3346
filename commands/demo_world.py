"""The stand-ins' world of `demo` and `up`: always that of the week that has just ended."""

from datetime import UTC, datetime

from devsync.domain.changelog.window import last_week_ended_by

DEMO_TIMEZONE = "Europe/Berlin"


def demo_world_options(week: str = "") -> list[str]:
    """Options of `python -m sandbox.server`. Without a week it is the one of which `run TEAM` makes the edition."""
    return ["--world", "demo", "--week", week or last_week_ended_by(datetime.now(UTC), DEMO_TIMEZONE)]
