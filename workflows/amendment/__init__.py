"""Heals a partial edition that is out, for three days.

`amendment.py` is the workflow and its rounds; it inherits from `run.py` what it knows and what may be said to it.
"""
