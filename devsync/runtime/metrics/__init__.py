"""What a process tells Prometheus beside the SDK's own metrics: declared in one table, told where it happens."""
