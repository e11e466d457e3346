"""Worlds: where the data of the stand-ins comes from."""
