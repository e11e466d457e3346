"""Asks people, level after level, and brings their answer back to all who wait for it.

- `escalation.py` is the workflow; `answering.py` has the messages of people, which it inherits.
- `case.py` decides, and is pure: the state machine is `devsync.domain.escalation`, those who wait are in `roster.py`.
- `board.py` knows what everybody who is told is to know, `pager.py` sends it. The monitor uses both.
- `places.py` is what others call: it joins an escalation, hears it, and leaves it.
"""
