"""The Python API for other programs (docs/python-api.md). `devsync` itself exports its names.

Everything here is a thin face: the work is done by the same workflows, rules and records that editions use. One `Core`
(core.py) a program and set of servers holds client, database and loop; handlers, breakers and monitoring share it.
"""
