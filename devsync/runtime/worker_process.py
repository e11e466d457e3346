"""What a worker process and whoever starts one agree on."""

from datetime import timedelta

READY_LINE = "worker ready"
"""Logged by the worker once it asks for the work of every queue; `up`, `demo` and the tests wait for it."""

GRACE = timedelta(seconds=20)
"""What running work gets when the worker is told to stop. Longer than a Slack send may take (15 s): a send that is
cut off has an unknown outcome."""
