"""What happens, in order: the deterministic part, one folder a workflow.

Begin with `edition/weekly_changelog.py`: its `run` and `_make_and_deliver` are the whole story of an edition, and each
phase is a method below. `registry.py` lists all workflows. In every folder the file that has the folder's workflow in
it holds its phases and its messages; `story` beside it is what the Temporal Web UI shows; modules that say so in
their first line issue no command, so that they can be tested without Temporal.
"""
