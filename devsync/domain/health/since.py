"""What has become of an alert since somebody saw it: of an old button, an old page, a key that was typed."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from devsync.domain.health.book import Alert
from devsync.domain.instants import in_utc

_ID: Final = re.compile(r"(?P<key>.+)@\d[^@]*")


def became_of(named: str, alerts: Iterable[Alert]) -> str:
    """Of one that is not open, named by its key or by the id of one time that it fired: how it ended, and whether it
    fires anew."""
    known = {alert.key: alert for alert in alerts}
    if named in known:
        return f"{named} is resolved already, since {_at(known[named].resolved_at)}"
    id_ = _ID.fullmatch(named)
    if id_ is None:
        return f"there is no alert {named!r}"
    key, now = id_["key"], known.get(id_["key"])
    if now is None:
        return f"{key} is over"
    if now.id == named:
        return f"{key} is resolved already, since {_at(now.resolved_at)}"
    if not now.is_open:
        return f"{key} is over; it fired again at {_at(now.opened_at)}, and is resolved since {_at(now.resolved_at)}"
    whose = f", and {now.acknowledged_by} looks after it" if now.acknowledged_by else ""
    return f"{key} was over, and fires again since {_at(now.opened_at)} with a message of its own{whose}"


def _at(instant: datetime | None) -> str:
    return in_utc(instant) if instant else "a while"
