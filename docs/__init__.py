"""The documentation; `docs.generate` writes what of it can be read from the code."""
