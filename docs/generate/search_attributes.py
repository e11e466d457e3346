"""docs/reference/search-attributes.md: by what runs are found, from contracts/names.py and the types of values."""

from collections.abc import Mapping
from typing import Final

from devsync.contracts import names
from devsync.contracts.edition import EditionStatus
from devsync.domain.breaker.standing import Mode
from devsync.domain.breaker.standing import State as BreakerState
from devsync.domain.errors import ErrorCategory
from devsync.domain.escalation.machine import State as EscalationState
from docs.generate import docstrings
from docs.generate.markdown import code, table

INTRODUCTION = """\
# Search attributes

Runs are found by them in the Web UI (behind the `</>` of the workflow list) and at the command line. All are keywords;
`python starter.py apply` registers them, and a worker refuses to start while one is missing. Values are compared as
they are written, in quotes.
"""

CARRIED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    names.TEAM.name: (
        names.WEEKLY_CHANGELOG,
        names.DELIVERY,
        names.EDITION_TRIGGER,
        names.AMENDMENT,
        names.RECOVERY,
        names.SOURCE_REFRESH,
        names.ESCALATION,
    ),
    names.ISO_WEEK.name: (
        names.WEEKLY_CHANGELOG,
        names.DELIVERY,
        names.EDITION_TRIGGER,
        names.AMENDMENT,
        names.RECOVERY,
    ),
    names.SERVICE.name: (names.DELIVERY, names.RECOVERY, names.CIRCUIT_BREAKER, names.ESCALATION),
    names.BREAKER_STATE.name: (names.CIRCUIT_BREAKER,),
    names.ESCALATION_STATE.name: (names.ESCALATION,),
    names.ESCALATION_LEVEL.name: (names.ESCALATION,),
    names.ERROR_CATEGORY.name: (names.RECOVERY, names.ESCALATION),
    names.EDITION_STATUS.name: (names.WEEKLY_CHANGELOG, names.AMENDMENT),
}
"""A test holds it to what the recorded runs have set."""

_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    names.SERVICE.name: (*names.SERVICES, names.PROGRAM),
    names.BREAKER_STATE.name: (*BreakerState, *(mode for mode in Mode if mode is not Mode.NORMAL)),
    names.ESCALATION_STATE.name: tuple(EscalationState),
    names.ERROR_CATEGORY.name: tuple(ErrorCategory),
    names.EDITION_STATUS.name: ("running", *EditionStatus),
}

_IN_WORDS: Final[Mapping[str, str]] = {
    names.TEAM.name: "as its file in `config/teams/` is named",
    names.ISO_WEEK.name: "`2026-W47`",
    names.ESCALATION_LEVEL.name: "a level's name in `config/escalation.yaml`",
}

QUERIES = """\
## Questions, and their queries

`temporal` is in `.venv/bin`. The same texts work in the Web UI.

| question | query |
| --- | --- |
| Which editions are under way? | `EditionStatus = "running" AND ExecutionStatus = "Running"` |
| Which weeks are partial now? | `WorkflowType = "Amendment" AND EditionStatus = "partial"` |
| Everything about one team's week | `Team = "payments" AND IsoWeek = "2026-W46"` |
| Which services are not called? | `BreakerState != "closed" AND ExecutionStatus = "Running"` |
| Who is asked for a decision? | `EscalationState = "firing"` |
| What fell over a wrong token? | `WorkflowType = "Recovery" AND ErrorCategory = "authentication"` |
| What waits for Slack? | `WorkflowType = "Delivery" AND Service = "slack" AND ExecutionStatus = "Running"` |

```sh
temporal workflow list --query 'Team = "payments" AND IsoWeek = "2026-W46"'
temporal workflow count --query 'WorkflowType = "Amendment" AND EditionStatus = "partial"'
```
"""


def page() -> str:
    constants = docstrings.of_constants(names)
    variables = {id(value): name for name, value in vars(names).items()}
    rows = [
        (
            code(key.name),
            docstrings.needed(constants, variables[id(key)], "names"),
            _IN_WORDS.get(key.name) or ", ".join(map(code, _VALUES[key.name])),
            ", ".join(CARRIED_BY[key.name]),
        )
        for key in names.SEARCH_ATTRIBUTES
    ]
    return "\n".join([INTRODUCTION, table(("name", "holds", "values", "carried by"), rows), QUERIES])
