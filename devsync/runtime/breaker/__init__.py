"""The worker's half of the circuit breakers: gates that calls pass, and the way to the entities.

A client holds a `Gate` (gate.py) and makes each call through it (calls.py). The gate counts in a `Ledger` and follows a
`Standing`; the process's `Gates` (gates.py) keep it current, and its `Desk` tells the entity and fetches leases.
"""
