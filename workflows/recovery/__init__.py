"""Follows a recovery plan, for all units that failed at one service in one phase.

- `recovery.py` is the workflow: down the plan, step by step, then people, then the deadline.
- `course.py` keeps what stands for each unit by now, `hearing.py` what was said meanwhile. Neither issues a command.
- `steps.py` runs a step that is an activity; `delivery_steps.py` those of delivery plans, which talk to Deliveries.
- `people.py` joins escalations; `leaving_channels.py` hands a channel back when the recovery is over.
"""
