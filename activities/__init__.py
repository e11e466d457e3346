"""All I/O that workflows ask for, one class a service. They fetch, store and translate; they decide nothing.

`serving.py` makes them for a worker: read there which service has which activities. Their names, inputs and outputs are
declared in `devsync.contracts.activities`; `clients/` has the connections to the services. What they raise is
classified in one place, `devsync.runtime.classification`.
"""
