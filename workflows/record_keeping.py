"""What the schedule `records` starts: the audit's heads are noted, and what is too old is removed."""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

from devsync.contracts import activities, names
from devsync.contracts.records import KeepRecords, RecordKeepingRequest, RecordsKept
from devsync.runtime.policies import BOOTSTRAP, call
from workflows.shared.markdown import refusals
from workflows.shared.signals import with_refusal


@workflow.defn(name=names.RECORD_KEEPING)
class RecordKeeping:
    """Its result is what `audit verify` holds the audit against: it stands outside the database."""

    @workflow.init
    def __init__(self, request: RecordKeepingRequest) -> None:
        self._refused: tuple[str, ...] = ()

    @workflow.signal(dynamic=True, description="Any signal is recorded as refused; the run goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._refused = with_refusal(self._refused, f"signal {name!r}", workflow.now())
        workflow.set_current_details(keeping_story(None, self._refused))

    @workflow.run
    async def run(self, request: RecordKeepingRequest) -> RecordsKept:
        workflow.set_current_details(keeping_story(None, self._refused))
        kept = await call(
            activities.KEEP_RECORDS,
            KeepRecords(at=workflow.now()),
            BOOTSTRAP,
            summary="Note where the audit stands, and remove what is too old",
        )
        workflow.set_current_details(keeping_story(kept, self._refused))
        return kept


def keeping_story(kept: RecordsKept | None, refused: Sequence[str]) -> str:
    """Where the audit stands, what was removed, what is held."""
    lines = ["### Records"]
    if kept is None:
        lines.append("The audit's heads are being noted, and what is too old is removed")
    else:
        lines += [f"- Audit of {team or 'no team'}: entry {head.number}" for team, head in sorted(kept.heads.items())]
        removed = ", ".join(f"{table} {count}" for table, count in sorted(kept.removed.items()))
        lines.append(f"- Removed: {removed or 'nothing'}")
        if kept.held:
            lines.append(f"- Held, whatever its age: {', '.join(kept.held)}")
    return "\n".join([*lines, *refusals(refused)])
