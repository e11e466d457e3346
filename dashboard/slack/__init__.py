"""Slack's side of the dashboard: buttons of our messages are heard here, and nowhere else."""
