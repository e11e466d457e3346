"""Temporal plumbing: everything between workflows and activities and the server.

- How a process connects: `connection.py`, with the one `plugin.py` for client, worker and replayer alike.
- What the plugin brings to each activity: `activity_errors.py` (what was raised becomes a classified failure, by
  `classification.py` and the tables in `failures/`), `measuring.py`, `first_beats.py`, `declared_retry.py`,
  `owners.py`.
- What it brings to each workflow: `message_guard.py`, `sandbox.py`, `payload_codec.py`, `short_failures.py`.
- How workflows call activities: `policies.py`.
- The worker's half of the circuit breakers: `breaker/`.
- What commands and dashboard do to workflows from outside: `editions.py`, `approvals.py`, `escalations.py`,
  `monitor.py`, `delivery_again.py`, `breaker/operations.py`.
- Schedules: `schedules.py`, `refresh_schedules.py`, `record_schedule.py`, `schedule_states.py`, `schedule_deeds.py`.
- What the server is asked of queues and runs: `pollers.py`, `open_runs.py`.
- How it all stands: `health.py`, `due_editions.py`, `metrics/`, `tracing.py`.
"""
