"""Tests of the pages: over HTTP against the real application, its database and its Temporal server."""
