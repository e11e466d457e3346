"""Looks at everything again and again, and tells people what is wrong: for months, by continue-as-new.

`health_monitor.py` is the workflow; `minding.py` has the messages of people, which it inherits. Which alerts there are
is decided by `devsync.domain.health`; `alert_stories.py` tells of them, `alert_records.py` writes them down.
"""
