"""Connections to outside services. Each call passes the service's breaker, in bounded time, and is tried once: Temporal
repeats."""
