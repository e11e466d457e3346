"""One edition of one team's week.

- `weekly_changelog.py` is the workflow: plan, collect, compose, approve, deliver, heal later, record. It inherits what
  can be said to it: `reviewing.py` (approval) and `people.py` (escalations), which stand on `run.py`.
- `collecting.py`, `making.py`, `rendering.py`, `delivering.py` do the phases; `units.py` names what is asked.
- `recovering.py` has what failed recovered by a child, a `Recovery`; `recoveries.py` remembers what came of each.
- `amending.py` hands a partial edition to its `Amendment`.
- `edition_trigger.py` and `source_refresh.py` are the workflows that a team's two schedules start.
"""
