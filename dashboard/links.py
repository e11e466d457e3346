"""Where on the dashboard a workflow is shown."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from devsync.domain import dashboard_pages as pages

_OF_A_WEEK: Final = re.compile(
    r"(?:escalation:)?(?:changelog|preview|recovery|delivery|amendment):(?P<team>[^:]+):(?P<week>\d{4}-W\d{2})(?::|\Z)"
)


def run_page(workflow_id: str, run_id: str = "") -> str:
    """The page of the run that the workflow belongs to, of the week where it is not said which; empty where it belongs
    to none."""
    found = _OF_A_WEEK.match(workflow_id)
    if found is None:
        return ""
    which = f"?run={quote(run_id, safe='')}" if run_id else ""
    return pages.run_page(found["team"], found["week"]) + which
