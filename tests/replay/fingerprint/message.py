"""What the guard says: what differs, why it matters, and the cure."""

from collections.abc import Sequence

from tests.replay.fingerprint.baseline import Change, Finding

ACCEPT = "python -m tests.replay.fingerprint --accept"

_TOLD = {
    Change.UNVERSIONED: f"""\
{{name}} issues other commands than before, and not behind workflow.patched():
{{difference}}
  A run that is open replays its history with this code. It would find a command that it does not expect, and stay
  stuck until the old code is back. The cure:

    if workflow.patched("what-changes"):
        ...  # the new way: runs that come here for the first time
    else:
        ...  # the old way, as it was: runs that have passed this place already

  Then accept the new baseline:  {ACCEPT}
  Where no open run can exist (the workflow was never released, or each open run has the patch that you remove:
  `temporal workflow count --query '...'`), accept it as it is:  {ACCEPT} --unversioned""",
    Change.VERSIONED: f"""\
{{name}} has changed behind workflow.patched(): runs without the patch find their old commands.
{{difference}}
  Accept the new baseline, so that the next change is held against it:  {ACCEPT}""",
    Change.NEW: f"""\
{{name}} is a new workflow. Accept it:  {ACCEPT}""",
    Change.GONE: f"""\
{{name}} is not served any more: its open runs would wait for a worker for ever. When there are none, accept that:
  {ACCEPT} --unversioned""",
    Change.UNSEEN: """\
{name} issues commands, but nothing shows which workflow calls it. Call it by its name, or as a method of the
  workflow, so that its commands are in that workflow's fingerprint.""",
}


def message(findings: Sequence[Finding]) -> str:
    """One paragraph a finding."""
    told = (
        _TOLD[finding.change].format(
            name=finding.name, difference="\n".join(f"  | {line}" for line in finding.difference)
        )
        for finding in findings
    )
    return "\n\n".join((*told, "How a workflow is changed: docs/how-to/change-a-workflow-safely.md"))
