"""The entity of one service's circuit breaker: for months, by continue-as-new.

`circuit_breaker.py` is the workflow. The rules are pure (`devsync.domain.breaker`); the worker's half, which every call
passes, is `devsync.runtime.breaker`. `quiet_moment.py` finds the moment at which continue-as-new does not fail.
"""
